"""The ledger of a session, and of what belongs to none, for whoever audits it."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field

from countersign.approvals.decisions.erasing import Erased
from countersign.approvals.models import JsonObject, LedgerEntry, SessionId, Value
from countersign.approvals.records.paging import MAX_PAGE
from countersign.approvals.rules.pausing import MAX_REASON
from countersign.bot.api.operation import Call, Operation
from countersign.bot.http.lanes import Kind


class LedgerQuery(Value):
    """Whose ledger."""

    session: str = Field(min_length=1, max_length=200)


class LedgerBody(Value):
    """All entries of one session, and whether the chain holds."""

    items: list[LedgerEntry]
    next: None = None
    verified: bool
    problems: list[str]


class GovernanceQuery(Value):
    """Where to go on."""

    after: int = Field(default=0, ge=0, le=2**31 - 1)
    """The number of the last entry that is known."""
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)


class GovernanceBody(Value):
    """Entries that belong to no session, and whether their whole chain holds."""

    items: list[LedgerEntry]
    next: int | None
    """What `after` has to be for the entries that follow."""
    verified: bool
    problems: list[str]


async def governance(call: Call) -> GovernanceBody:
    """The entries, oldest first; all of the chain is verified now."""
    query: GovernanceQuery = call.query
    records = call.services.records
    found = await records.governance(after=query.after, limit=query.limit + 1)
    verification = await records.verify_governance()
    items = list(found[: query.limit])
    return GovernanceBody(
        items=items,
        next=items[-1].seq if len(found) > query.limit else None,
        verified=verification.verified,
        problems=list(verification.problems),
    )


async def entries(call: Call) -> LedgerBody:
    """The entries, oldest first, verified now."""
    query: LedgerQuery = call.query
    session_id = SessionId(query.session)
    await call.services.records.require_session_seen(call.person, session_id)
    found = await call.services.records.ledger(session_id)
    verification = await call.services.records.verify(session_id)
    return LedgerBody(
        items=list(found),
        verified=verification.verified,
        problems=list(verification.problems),
    )


class CheckpointBody(Value):
    """The newest checkpoint that is signed."""

    size: int
    """Leaves of the tree: each is where a chain stood."""
    note: str
    """A C2SP signed note."""
    public_keys: list[str]
    """Those that have signed, oldest first."""


class ReceiptBody(BaseModel):
    """What became of a request, for anybody to check: docs/receipts.md."""

    model_config = ConfigDict(frozen=True)

    format: str
    summary: JsonObject
    signed: str
    policy: str
    entries: list[JsonObject]
    proof: JsonObject
    checkpoint: str
    handovers: list[str]


class TreeQuery(Value):
    """How much of the tree is known."""

    since: int = Field(default=0, ge=0, le=2**31 - 1)
    """A size of the tree."""


class TreeBody(Value):
    """The tree as it was sealed last."""

    size: int
    root: str
    """SHA-256 as hex."""
    consistency: list[str]
    """RFC 6962: that it begins with the tree of size `since`."""


class NewCheckpoint(Value):
    """A checkpoint that was signed elsewhere."""

    note: str = Field(min_length=1, max_length=10_000)


class AcceptedBody(Value):
    """What is signed now."""

    size: int


async def tree(call: Call) -> TreeBody:
    """What a sealer needs to sign it, and to know that it is a continuation of what it signed."""
    query: TreeQuery = call.query
    size, root, path = await call.services.trail.tree(query.since)
    return TreeBody(size=size, root=root.hex(), consistency=[each.hex() for each in path])


async def accept(call: Call) -> AcceptedBody:
    """Keep a checkpoint; its signature says whose it is."""
    body: NewCheckpoint = call.body
    return AcceptedBody(size=(await call.services.trail.accept(body.note)).size)


async def receipt(call: Call) -> ReceiptBody:
    """The receipt, up to now if this server signs checkpoints itself."""
    return ReceiptBody(**await call.services.trail.receipt(call.path["request"], call.person))


async def checkpoint(call: Call) -> CheckpointBody:
    """The checkpoint, to be kept where nobody who can write to the database can reach it."""
    trail = call.services.trail
    size, note = await trail.checkpoint()
    return CheckpointBody(size=size, note=note, public_keys=await trail.keys())


class NewErasure(Value):
    """What is to be erased, and why."""

    session: str = Field(min_length=1, max_length=200)
    rule: str = Field(min_length=1, max_length=64, description="A rule of `ledger.private`.")
    reason: str = Field(min_length=1, max_length=MAX_REASON, description="Stays on the ledger.")


async def erase(call: Call) -> Erased:
    """Erase what a rule calls private. 403 for whoever is no admin, 409 while the session goes
    on."""
    body: NewErasure = call.body
    return await call.services.trail.erase(body.session, body.rule, body.reason, call.actor)


OPERATIONS = (
    Operation(
        "POST", "/api/v1/ledger/erasures", "Erase what is private in a session", erase, Erased,
        body=NewErasure, kind=Kind.VOTES,
        problems=(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    ),
    Operation(
        "GET", "/api/v1/ledger/receipts/{request}", "Take the receipt of a request", receipt,
        ReceiptBody, problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    ),
    Operation(
        "GET", "/api/v1/ledger/checkpoint", "Read the newest signed checkpoint", checkpoint,
        CheckpointBody, problems=(HTTPStatus.NOT_FOUND,),
    ),
    Operation(
        "GET", "/api/v1/ledger/tree", "Read the tree that is to be signed", tree, TreeBody,
        query=TreeQuery, problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    ),
    Operation(
        "POST", "/api/v1/ledger/checkpoints", "Hand in a checkpoint that was signed elsewhere",
        accept, AcceptedBody, body=NewCheckpoint,
        problems=(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT),
    ),
    Operation(
        "GET", "/api/v1/ledger", "Read the ledger of a session", entries, LedgerBody,
        query=LedgerQuery, problems=(HTTPStatus.NOT_FOUND,),
    ),
    Operation(
        "GET", "/api/v1/ledger/governance", "Read the ledger of what belongs to no session",
        governance, GovernanceBody, query=GovernanceQuery,
    ),
)  # fmt: skip
