"""Evidence: what the ledger has on record for an approval; the claim asks it, not the tables.

Whoever can write to the database can set a request to approved and insert votes. The ledger's own
entries say otherwise: a call runs only if they hold the decision on exactly this revision and
digest, or the rule that allowed it, in a chain that holds from the proposal to its end; and if the
request's row holds what they say it does: who asked, how often it may be called, that it has not
run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from countersign.approvals.audit.ledger import hash_as_written, hash_of_text
from countersign.approvals.errors import NotFoundError
from countersign.approvals.models import (
    Delivery,
    Effect,
    GrantId,
    JsonObject,
    LedgerEntry,
    Request,
    Verdict,
    Via,
    Vote,
)
from countersign.approvals.ports import Unit
from countersign.approvals.store import codec, governance
from countersign.approvals.store import grants as grant_rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store.comparing import of_request
from countersign.approvals.store.requests import Stored

LAPSED = "lapsed"
"""The ledger's kind of an approval whose time was over before its call had begun."""
DRIFTED = "drifted"
"""The ledger's kind of an approval after which the tool's check found something else."""
WITHDRAWN = "vote_withdrawn"
"""The ledger's kind of a vote that its person has taken back."""
REVOKED = "revoked"
"""The ledger's kind of an approval that was taken back before its call had begun."""
_IN_VAIN = frozenset({LAPSED, DRIFTED})
_APPROVING = (Verdict.APPROVE, Verdict.MODIFY)


class EvidenceError(Exception):
    """The ledger does not say what the tables say; the text says what is missing."""


@dataclass(frozen=True)
class Evidence:
    """An approval, in the ledger's own words."""

    decided_at: datetime
    votes: tuple[Vote, ...] = ()
    """On this revision, oldest first; none where a rule allowed the call."""
    grant: GrantId | None = None
    """By which it was approved, instead of by votes."""
    in_vain: int = 0
    """How many approvals of earlier revisions came to nothing: their time was over, or what the
    tool's check had found had changed."""


def approval(
    unit: Unit,
    stored: Stored,
    *,
    by_rule: bool,
    by_clock: bool = False,
    by_grant: bool = False,
) -> Evidence:
    """Who approved this revision, or that a rule, a grant or its deadline did. One read, by keys.

    Raises EvidenceError.
    """
    request = stored.request
    rows = ledger_rows.since(unit.connection, request.session_id, request.ledger_seq)
    naming = list(_naming(unit, request, rows))
    about = [entry for entry in naming if entry.body.get("request") == request.id]
    if not about or about[0].kind != "proposed":  # read from another place on than its beginning
        raise EvidenceError("it was never proposed")
    if by_rule:
        evidence = _allowed(request, about)
    elif by_grant:
        evidence = _granted(unit, request, about)
    else:
        evidence = _approved(request, about, by_clock=by_clock)
    if _owner(rows) != request.requester:
        raise EvidenceError("somebody else has asked for it")
    try:
        differs = list(of_request(naming, stored.row))
    except (KeyError, TypeError, AttributeError) as exc:  # nothing that we wrote
        raise EvidenceError("an entry about it cannot be read") from exc
    if differs:
        raise EvidenceError(f"the tables say otherwise: {differs[0]}")
    return evidence


def begun_at(unit: Unit, request: Request) -> datetime | None:
    """When the call of a request was claimed last, by the ledger; None if that cannot be read."""
    rows = ledger_rows.since(unit.connection, request.session_id, request.ledger_seq)
    try:
        claimed = [e for e in _naming(unit, request, rows) if e.kind == "claimed"]
    except EvidenceError:
        return None
    return claimed[-1].at if claimed else None


def require_ticket(unit: Unit, request: Request, delivery: Delivery) -> None:
    """Raise EvidenceError unless the ledger says that this ticket was opened for this delivery, and
    with which digest: an answer in it is one to what it shows."""
    require_tickets(unit, [(request, delivery)])


def require_tickets(unit: Unit, shown: Sequence[tuple[Request, Delivery]]) -> None:
    """`require_ticket` for requests of one session, whose ledger is read once."""
    first = min((request for request, _ in shown), key=lambda request: request.ledger_seq)
    rows = ledger_rows.since(unit.connection, first.session_id, first.ledger_seq)
    for request, delivery in shown:
        _require_ticket(unit, request, delivery, rows)


def _require_ticket(
    unit: Unit, request: Request, delivery: Delivery, rows: Sequence[Sequence[Any]]
) -> None:
    kept = delivery.reference or {}
    shown: JsonObject = {}
    for entry in _naming(unit, request, rows):
        about = {name: entry.body.get(name) for name in ("request", "channel", "target")}
        if entry.kind == "delivered" and about == {
            "request": request.id,
            "channel": delivery.channel,
            "target": delivery.target,
        }:
            shown = entry.body.get("reference") or {}
    said = (shown.get("ticket"), shown.get("digest", kept.get("digest")))
    if said != (kept.get("ticket"), kept.get("digest")) or said[0] != delivery.ticket_id:
        raise EvidenceError("the ledger names another ticket for it")


def _approved(request: Request, found: Sequence[LedgerEntry], *, by_clock: bool) -> Evidence:
    decided = [e for e in found if e.kind == "decided" and _is_on(e, request)]
    if not decided:
        raise EvidenceError("there is no decision on it")
    entry = decided[-1]
    if entry.body.get("verdict") not in _APPROVING:
        raise EvidenceError(f"the decision on it is {entry.body.get('verdict')}")
    if (entry.body.get("via") == Via.CLOCK) is not by_clock:
        raise EvidenceError("its deadline has not decided it" if by_clock else "nobody decided it")
    if any(e.kind == REVOKED and _is_on(e, request) for e in found):
        raise EvidenceError("the approval was revoked")
    voted: dict[str, LedgerEntry] = {}
    for e in (e for e in found if _is_on(e, request)):
        if e.kind == "voted":
            voted[e.body["by"]] = e
        elif e.kind == WITHDRAWN:
            voted.pop(e.body["by"], None)
    in_vain = sum(e.kind in _IN_VAIN for e in found)
    votes = tuple(_vote(request, e) for e in voted.values())
    return Evidence(entry.at, votes, in_vain=in_vain)


def _allowed(request: Request, found: Sequence[LedgerEntry]) -> Evidence:
    for entry in found:
        if entry.kind == "proposed" and entry.body.get("digest") == request.digest:
            if entry.body.get("effect") != Effect.ALLOW:
                raise EvidenceError("no rule allowed it")
            return Evidence(entry.at)
    raise EvidenceError("no rule ever saw it")


def _granted(unit: Unit, request: Request, found: Sequence[LedgerEntry]) -> Evidence:
    """The grant, as the session's ledger names it, with a row that is as the governance ledger
    says."""
    entry = next((e for e in found if e.kind == "granted" and _is_on(e, request)), None)
    if entry is None:
        raise EvidenceError("no grant is on record for it")
    grant_id = str(entry.body.get("grant"))
    try:
        said = governance.about(unit.connection, "grant", grant_id)
        row = grant_rows.stored(unit.connection, grant_id)
        differs = list(of_request(said, row))
    except (ValueError, KeyError, TypeError, AttributeError, NotFoundError) as exc:
        raise EvidenceError(f"what is on record of its grant cannot be read: {exc}") from exc
    if not said:
        raise EvidenceError("its grant was never given")
    if differs:
        raise EvidenceError(f"the tables say otherwise: {differs[0]}")
    return Evidence(entry.at, grant=GrantId(grant_id))


def _is_on(entry: LedgerEntry, request: Request) -> bool:
    said = entry.body.get("revision"), entry.body.get("digest")
    return said == (request.revision, request.digest)


def _vote(request: Request, entry: LedgerEntry) -> Vote:
    body = entry.body
    return Vote(
        request_id=request.id,
        revision=body["revision"],
        principal_id=body["by"],
        name=body["name"],
        stage=body["stage"],
        verdict=body["verdict"],
        via=body["via"],
        identity=body["identity"],
        at=entry.at,
        comment=body["comment"],
        also=body.get("also", ()),
        proof=body.get("proof"),
        on_behalf_of=body.get("on_behalf_of", ""),
    )


def _owner(rows: Sequence[Sequence[Any]]) -> str | None:
    """Whose session it is, by its first entry; None if there is no such entry."""
    first = next((text for seq, _, _, text, *_ in rows if seq == 1), None)
    return None if first is None else codec.loads(first).get("owner")


def _naming(unit: Unit, request: Request, rows: Sequence[Sequence[Any]]) -> Iterator[LedgerEntry]:
    """The entries that name a request, each with its own hash, in an unbroken chain from its
    proposal on. Where the table does not say where that is, from the first entry on."""
    rows = [row for row in rows if row[0] >= request.ledger_seq]
    end = ledger_rows.locked_head(unit, request.session_id)
    _require_chain(rows, end)
    for seq, at, kind, text, prev_hash, own_hash, salt, committed, fields in rows:
        if request.id not in text:
            continue
        try:
            entry = LedgerEntry(
                session_id=request.session_id,
                seq=seq,
                at=codec.from_text(at),
                kind=kind,
                body=codec.loads(text),
                prev_hash=prev_hash,
                hash=own_hash,
                salt=salt,
                commitment=committed,
                fields=codec.salts(fields),
            )
        except (ValueError, AttributeError) as exc:
            raise EvidenceError(f"entry {seq} cannot be read") from exc
        if (hash_of_text(entry, at, text) if committed else hash_as_written(entry)) != own_hash:
            raise EvidenceError(f"entry {seq} was changed after it was written")
        yield entry


def _require_chain(rows: Sequence[Sequence[Any]], end: tuple[int, str]) -> None:
    before: Sequence[Any] | None = None
    for row in rows:
        if before is not None and (row[0], row[4]) != (before[0] + 1, before[5]):
            raise EvidenceError(f"entry {row[0]} does not follow entry {before[0]}")
        before = row
    if before is None or (before[0], before[5]) != end:
        raise EvidenceError("the chain does not end where it should")
