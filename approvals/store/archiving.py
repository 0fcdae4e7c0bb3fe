"""Moves sessions into an archive file and back: which may go, and both transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, and_, or_, select

from countersign.approvals.audit.archives import Kept, Manifest, member_text
from countersign.approvals.audit.notes import Checkpoint, opened_unchecked
from countersign.approvals.errors import ConflictError, IntegrityError
from countersign.approvals.models import (
    Archived,
    Hold,
    RequestStatus,
    SessionId,
    SessionStatus,
)
from countersign.approvals.ports import Unit
from countersign.approvals.store import (
    archived,
    belongings,
    budgets,
    checkpoints,
    codec,
    holds,
    ledger,
    tree,
)
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store.belongings import Belongings
from countersign.approvals.store.receipts import NotSealedError
from countersign.approvals.store.schema import (
    deliveries,
    grant_uses,
    grants,
    notices,
    requests,
    sessions,
)
from countersign.approvals.store.verifying import verify_one

_OVER = frozenset(SessionStatus) - {SessionStatus.RUNNING, SessionStatus.WAITING}
_OPEN = (RequestStatus.EXECUTING, RequestStatus.IN_DOUBT, RequestStatus.PENDING)
Place = tuple[str, str]
"""(updated_at, id) of a session: where a search goes on."""


class Proven(NamedTuple):
    """A signed checkpoint, and its hand-overs."""

    note: str
    size: int
    handovers: tuple[str, ...]


def proof(connection: Connection, before: datetime) -> Proven:
    """What an archive of sessions that have not moved since `before` is proven by: the newest
    checkpoint that others have cosigned or stamped if it was signed since, else the newest. Raises
    NotSealedError."""
    note = checkpoints.newest_notarised(connection, since=before) or checkpoints.newest(connection)
    if note is None:
        raise NotSealedError(
            "No checkpoint of the ledger is signed yet, so an archive could not be proven."
        )
    size = Checkpoint.parse(opened_unchecked(note)).size
    given = tuple(each.handover for each in checkpoints.keys(connection) if each.handover)
    return Proven(note, size, given)


def older(
    connection: Connection, before: datetime, after: Place, *, limit: int
) -> list[tuple[SessionId, Place]]:
    """Sessions that are over and have not moved since `before`, the oldest first."""
    at, own = sessions.c.updated_at, sessions.c.id
    query = select(own, at).where(
        sessions.c.status.in_([each.value for each in _OVER]),
        at < codec.to_text(before),
        or_(at > after[0], and_(at == after[0], own > after[1])),
    )
    return [
        (SessionId(row[0]), (row[1], row[0]))
        for row in connection.execute(query.order_by(at, own).limit(limit))
    ]


def taken(
    connection: Connection, session_id: SessionId, held: Sequence[Hold], by: Proven, now: datetime
) -> tuple[Kept, bytes] | str:
    """What goes into a file of a session that is over; or why it is not archived yet."""
    rows = belongings.read(connection, session_id)
    if (why := _reason_to_keep(connection, session_id, rows, held, now)) is not None:
        return why
    place, own = tree.newest_place(connection, session_id, by.size), rows["sessions"][0]
    if place is None or place[1] != (own["ledger_seq"], own["ledger_head"]):
        return "is in no signed checkpoint yet"
    position, (entries, head) = place
    text = member_text(session_id, rows)
    kept = Kept(
        session=session_id,
        entries=entries,
        head=head,
        sha256=sha256(text).hexdigest(),
        requests=tuple(row["id"] for row in rows.get("requests", ())),
        position=position,
        path=tuple(h.hex() for h in tree.StoredTree(connection).inclusion(position, by.size)),
    )
    return kept, text


def _reason_to_keep(
    connection: Connection,
    session_id: SessionId,
    rows: Belongings,
    held: Sequence[Hold],
    now: datetime,
) -> str | None:
    if (hold := holds.covering(held, rows)) is not None:
        return f"is on hold {hold.id}, of {hold.scope}"
    if any(row["status"] in _OPEN for row in rows.get("requests", ())):
        return "has a request that is still open"
    told = (*rows.get(notices.name, ()), *rows.get(deliveries.name, ()))
    if any(row["next_at"] is not None for row in told):
        return "is still being told somewhere"
    if budgets.counted(connection, rows.get("budget_uses", ())):
        return "still counts for a budget"
    if _may_be_granted(connection, session_id, now):
        return "is about a grant that was neither revoked nor has expired"
    problems = verify_one(connection, session_id).problems
    return f"does not verify: {problems[0]}" if problems else None


def _may_be_granted(connection: Connection, session_id: SessionId, now: datetime) -> bool:
    """Whether a grant goes by what is in the session: how often it was used, for one."""
    mine = select(requests.c.id).where(requests.c.session_id == session_id)
    used = select(grant_uses.c.grant_id).where(grant_uses.c.request_id.in_(mine))
    query = select(grants.c.id).where(
        or_(grants.c.request_id.in_(mine), grants.c.id.in_(used)),
        grants.c.revoked_at.is_(None),
        or_(grants.c.expires_at.is_(None), grants.c.expires_at > codec.to_text(now)),
    )
    return connection.execute(query.limit(1)).first() is not None


def move(unit: Unit, manifest: Manifest, file: str, own: str) -> None:
    """Take the sessions of a file out of the tables, and record where they are. A governance entry
    has to follow.

    Raises ConflictError, and nothing has moved, if one of them is no longer as it is in the file,
    or is on hold.
    """
    holds.lock(unit)
    held = holds.active(unit.connection)
    for kept in manifest.sessions:
        session_rows.lock(unit, kept.session)
        rows = belongings.read(unit.connection, kept.session)
        if sha256(member_text(kept.session, rows)).hexdigest() != kept.sha256:
            raise ConflictError(f"Session {kept.session} has moved meanwhile; archive again.")
        if (hold := holds.covering(held, rows)) is not None:
            raise ConflictError(f"Session {kept.session} was put on hold meanwhile ({hold.id}).")
        belongings.take_out(unit.connection, kept.session, rows)
        found = Archived(
            session=kept.session,
            file=file,
            sha256=own,
            at=unit.now,
            entries=kept.entries,
            head=kept.head,
            requests=kept.requests,
        )
        archived.record(unit, found)


def bring_back(
    unit: Unit, rows: Mapping[str, Belongings], own: str, only: str | None
) -> list[Archived]:
    """Put sessions of the file with the hash `own` into the tables as they were, or `only` one,
    unless they are there. A governance entry has to follow if there are any.

    Raises ConflictError, or IntegrityError for rows that do not verify.
    """
    found = [
        each
        for each in archived.in_file(unit.connection, own)
        if only in (None, each.session) and each.session in rows
    ]
    for each in found:
        belongings.put_back(unit.connection, rows[each.session])
        archived.forget(unit, each.session)
        problems = verify_one(unit.connection, each.session).problems
        end = ledger.head(unit.connection, each.session)
        if problems or end != (each.entries, each.head):
            why = problems[0] if problems else "it ends elsewhere"
            raise IntegrityError(f"Session {each.session} does not verify: {why}.")
    return found
