"""Queries for exports: entries by session, person, tool and time, and bundles of whole sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, or_, select, tuple_

from countersign.approvals.audit.bundles import FORMAT
from countersign.approvals.audit.notes import Checkpoint, opened_unchecked
from countersign.approvals.audit.private import Privacy, PrivateRule
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import JsonObject, LedgerEntry, Value
from countersign.approvals.store import checkpoints, codec, tree
from countersign.approvals.store.ledger import entries as entries_of
from countersign.approvals.store.receipts import NotSealedError, link_of
from countersign.approvals.store.schema import ledger, requests, sessions, votes


class Wanted(Value):
    """Which entries; None stands for all."""

    session: str | None = None
    person: str | None = None
    """Of sessions that this person has asked for, or has voted in."""
    tool: str | None = None
    """Of sessions in which it was proposed."""
    since: datetime | None = None
    until: datetime | None = None
    """Before this time."""


def page(
    connection: Connection, wanted: Wanted, after: tuple[str, int], *, limit: int
) -> list[LedgerEntry]:
    """The next entries by session and number. Raises ValueError for one that is not as we wrote."""
    query = select(ledger).where(
        tuple_(ledger.c.session_id, ledger.c.seq) > tuple_(*after), *_entries(wanted)
    )
    query = query.order_by(ledger.c.session_id, ledger.c.seq).limit(limit)
    return [codec.ledger_entry(row) for row in connection.execute(query)]


def _entries(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [ledger.c.session_id.in_(_sessions(wanted))]
    if wanted.since is not None:
        found.append(ledger.c.at >= codec.to_text(wanted.since))
    if wanted.until is not None:
        found.append(ledger.c.at < codec.to_text(wanted.until))
    return found


def _sessions(wanted: Wanted) -> Select[tuple[str]]:
    query: Select[tuple[str]] = select(sessions.c.id)
    if wanted.session is not None:
        query = query.where(sessions.c.id == wanted.session)
    if wanted.tool is not None:
        of_tool = select(requests.c.session_id).where(requests.c.tool == wanted.tool)
        query = query.where(sessions.c.id.in_(of_tool))
    if wanted.person is not None:
        voted = select(requests.c.session_id).join(votes, votes.c.request_id == requests.c.id)
        voted = voted.where(votes.c.principal_id == wanted.person)
        query = query.where(or_(sessions.c.owner == wanted.person, sessions.c.id.in_(voted)))
    return query


def bundle(
    connection: Connection,
    wanted: Wanted,
    *,
    bodies: bool = True,
    private: Sequence[PrivateRule] = (),
    most: int | None = None,
) -> JsonObject:
    """The chains, up to a signed checkpoint, of the sessions that have such entries; without
    bodies that `private` covers. It is the newest checkpoint that others have cosigned or stamped
    if that has as much of these sessions as the newest one, else the newest.

    Raises NotSealedError, also if one of them is not in it yet; InvalidError for more than `most`.
    """
    note = checkpoints.newest(connection)
    if note is None:
        raise NotSealedError("No checkpoint of the ledger is signed yet, so nothing can be proven.")
    found = select(ledger.c.session_id).where(*_entries(wanted)).distinct()
    bounded = found.order_by(ledger.c.session_id).limit(None if most is None else most + 1)
    ids = connection.execute(bounded).scalars().all()
    if most is not None and len(ids) > most:
        raise InvalidError(
            f"Those are more than {most:,} sessions: choose fewer, or use the command "
            "`countersign ledger export --format bundle`."
        )
    note = _notarised(connection, ids, note) or note
    size = _size(note)
    stored = tree.StoredTree(connection)
    return {
        "format": FORMAT,
        "checkpoint": note,
        "handovers": [each.handover for each in checkpoints.keys(connection) if each.handover],
        "chains": [_chain(connection, stored, each, size, bodies, private) for each in ids],
    }


def _notarised(connection: Connection, ids: Sequence[str], newest: str) -> str | None:
    """A note with what others say of it, under which these sessions are as long as under the
    newest."""
    note = checkpoints.newest_notarised(connection)
    if note is None or note == newest:
        return None
    sizes = _size(note), _size(newest)
    for each in ids:
        before, now = (tree.newest_place(connection, each, size) for size in sizes)
        if before is None or now is None or before[1] != now[1]:
            return None
    return note


def _size(note: str) -> int:
    return Checkpoint.parse(opened_unchecked(note)).size


def _chain(
    connection: Connection,
    stored: tree.StoredTree,
    session_id: str,
    size: int,
    bodies: bool,
    private: Sequence[PrivateRule],
) -> JsonObject:
    place = tree.newest_place(connection, session_id, size)
    if place is None:
        raise NotSealedError(
            f"Session {session_id} is in no signed checkpoint yet; try again in some seconds."
        )
    position, (last, _) = place
    entries: Sequence[LedgerEntry] = entries_of(connection, session_id)[:last]
    path = stored.inclusion(position, size)
    privacy = Privacy(private)
    links = [link_of(e, privacy.rules_of(e), shown=bodies) for e in entries]
    return {
        "session": session_id,
        "entries": links,
        "proof": {"position": position, "path": [each.hex() for each in path]},
    }
