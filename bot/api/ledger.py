"""The ledger of a session, for whoever audits it."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import Field

from countersign.approvals.models import LedgerEntry, SessionId, Value
from countersign.bot.api.operation import Call, Operation


class LedgerQuery(Value):
    """Whose ledger."""

    session: str = Field(min_length=1, max_length=200)


class LedgerBody(Value):
    """All entries of one session, and whether the chain holds."""

    items: list[LedgerEntry]
    next: None = None
    verified: bool
    problems: list[str]


async def entries(call: Call) -> LedgerBody:
    """The entries, oldest first, verified now."""
    query: LedgerQuery = call.query
    session_id = SessionId(query.session)
    found = await call.services.records.ledger(session_id)
    verification = await call.services.records.verify(session_id)
    return LedgerBody(
        items=list(found),
        verified=verification.verified,
        problems=list(verification.problems),
    )


OPERATIONS = (
    Operation(
        "GET", "/api/v1/ledger", "Read the ledger of a session", entries, LedgerBody,
        query=LedgerQuery, problems=(HTTPStatus.NOT_FOUND,),
    ),
)  # fmt: skip
