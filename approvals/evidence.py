"""What the ledger itself has on record for an approval; the claim asks it, and not the tables.

Whoever can write to the database can set a request to approved and insert votes. The ledger's own
entries say otherwise: a call runs only if they hold the decision on exactly this revision and
digest, or the rule that allowed it, in a chain that holds from the proposal to its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from approvals.errors import InvalidError
from approvals.ledger import entry_hash
from approvals.models import Effect, JsonObject, Request, Verdict, Vote
from approvals.store import codec
from approvals.store import ledger as ledger_rows

LAPSED = "lapsed"
"""The ledger's kind of an approval whose time was over before its call had begun."""
DRIFTED = "drifted"
"""The ledger's kind of an approval after which the tool's check found something else."""
_IN_VAIN = frozenset({LAPSED, DRIFTED})
_ASKED = frozenset({"proposed", "voted", "decided"}) | _IN_VAIN
_APPROVING = (Verdict.APPROVE, Verdict.MODIFY)


class EvidenceError(Exception):
    """The ledger does not say what the tables say; the text says what is missing."""


@dataclass(frozen=True)
class Evidence:
    """An approval, in the ledger's own words."""

    decided_at: datetime
    votes: tuple[Vote, ...] = ()
    """On this revision, oldest first; none where a rule allowed the call."""
    in_vain: int = 0
    """How many approvals of earlier revisions came to nothing: their time was over, or what the
    tool's check had found had changed."""


@dataclass(frozen=True)
class _Entry:
    kind: str
    at: datetime
    body: JsonObject


def approval(connection: Connection, request: Request, *, by_rule: bool) -> Evidence:
    """Who approved this revision, or that a rule did. One read, by the key of the ledger.

    Raises EvidenceError.
    """
    found = list(_of_request(connection, request))
    if by_rule:
        return _allowed(request, found)
    decided = [e for e in found if e.kind == "decided" and _is_on(e, request)]
    if not decided:
        raise EvidenceError("there is no decision on it")
    entry = decided[-1]
    if entry.body.get("verdict") not in _APPROVING:
        raise EvidenceError(f"the decision on it is {entry.body.get('verdict')}")
    voted = [e for e in found if e.kind == "voted" and _is_on(e, request)]
    in_vain = sum(e.kind in _IN_VAIN for e in found)
    return Evidence(entry.at, tuple(_vote(request, e) for e in voted), in_vain)


def _allowed(request: Request, found: Sequence[_Entry]) -> Evidence:
    for entry in found:
        if entry.kind == "proposed" and entry.body.get("digest") == request.digest:
            if entry.body.get("effect") != Effect.ALLOW:
                raise EvidenceError("no rule allowed it")
            return Evidence(entry.at)
    raise EvidenceError("it was never proposed")


def _is_on(entry: _Entry, request: Request) -> bool:
    said = entry.body.get("revision"), entry.body.get("digest")
    return said == (request.revision, request.digest)


def _vote(request: Request, entry: _Entry) -> Vote:
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
    )


def _of_request(connection: Connection, request: Request) -> Iterator[_Entry]:
    """The entries about a request that matter here, each with its own hash, in an unbroken chain
    from the proposal on. Where the table does not say where that is, from the first entry on."""
    rows = ledger_rows.since(connection, request.session_id, request.ledger_seq)
    end = ledger_rows.head(connection, request.session_id, lock=True)
    _require_chain(rows, end)
    for seq, at, kind, text, prev_hash, own_hash in rows:
        if kind not in _ASKED:
            continue
        try:
            body = codec.loads(text)
            if body.get("request") != request.id:
                continue
            entry = _Entry(kind, codec.from_text(at), body)
            actual = entry_hash(
                session_id=request.session_id,
                seq=seq,
                at=entry.at,
                kind=kind,
                body=body,
                prev_hash=prev_hash,
            )
        except (ValueError, AttributeError, InvalidError) as exc:
            raise EvidenceError(f"entry {seq} cannot be read") from exc
        if actual != own_hash:
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
