"""Queries on what is in archive files: which session, in which, and where its chain ended."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from countersign.approvals.audit.ledger import GOVERNANCE
from countersign.approvals.audit.seals import Head
from countersign.approvals.errors import NotFoundError
from countersign.approvals.models import Archived
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes, codec
from countersign.approvals.store.schema import archived_sessions as rows
from countersign.approvals.store.schema import sessions


def record(unit: Unit, found: Archived) -> None:
    """A session is in a file. A governance entry has to follow."""
    row = {
        "session_id": found.session,
        "file": found.file,
        "sha256": found.sha256,
        "at": codec.to_text(found.at),
        "entries": found.entries,
        "head": found.head,
        "requests": " ".join(found.requests),
    }
    unit.connection.execute(rows.insert().values(**row))
    changes.note(unit, GOVERNANCE, "archived_sessions", [found.session], row)


def forget(unit: Unit, session_id: str) -> None:
    """It is in the tables again. A governance entry has to follow."""
    unit.connection.execute(delete(rows).where(rows.c.session_id == session_id))
    changes.gone(unit, GOVERNANCE, "archived_sessions", [session_id])


def of(connection: Connection, session_id: str) -> Archived | None:
    """Where a session is; None if it is not archived."""
    row = connection.execute(select(rows).where(rows.c.session_id == session_id)).first()
    return None if row is None else _archived(row)


def in_file(connection: Connection, sha256: str) -> list[Archived]:
    """What is in the file with this hash, and not restored."""
    query = select(rows).where(rows.c.sha256 == sha256).order_by(rows.c.session_id)
    return [_archived(row) for row in connection.execute(query)]


def files(connection: Connection) -> dict[str, str]:
    """The hashes of all files with archived sessions, by name."""
    query = select(rows.c.file, rows.c.sha256).distinct()
    return {row[0]: row[1] for row in connection.execute(query)}


def said(connection: Connection) -> list[str]:
    """A sentence for each file: how much is archived in it."""
    count, entries = func.count(), func.sum(rows.c.entries)
    query = select(rows.c.file, count, entries).group_by(rows.c.file).order_by(rows.c.file)
    return [
        f"{number} sessions with {total} entries are archived in {file}"
        for file, number, total in connection.execute(query)
    ]


def ends(connection: Connection, session_ids: Collection[str]) -> dict[str, Head]:
    """Where the chains of those of these sessions ended that are archived."""
    query = select(rows.c.session_id, rows.c.entries, rows.c.head)
    found = connection.execute(query.where(rows.c.session_id.in_(session_ids)))
    return {row[0]: (row[1], row[2]) for row in found}


def twice(connection: Connection, *, limit: int) -> list[str]:
    """Sessions that are archived, and in the tables too."""
    query = select(rows.c.session_id, rows.c.file).join(
        sessions, sessions.c.id == rows.c.session_id
    )
    return [
        f"session {row[0]}: is archived in {row[1]}, and is in the tables too"
        for row in connection.execute(query.limit(limit))
    ]


def no_session(connection: Connection, session_id: str) -> NotFoundError:
    """Why there is no such session."""
    found = of(connection, session_id)
    if found is None:
        return NotFoundError(f"There is no session {session_id}.")
    return NotFoundError(f"Session {session_id} {where(found)}.")


def no_request(connection: Connection, request_id: str) -> NotFoundError:
    """Why there is no such request."""
    about = rows.c.requests.contains(request_id, autoescape=True)
    for row in connection.execute(select(rows).where(about)):
        if request_id in (found := _archived(row)).requests:
            return NotFoundError(
                f"Request {request_id} is of session {found.session}, which {where(found)}."
            )
    return NotFoundError(f"There is no request {request_id}.")


def where(found: Archived) -> str:
    """Where it is, and how it comes back, for a sentence."""
    return (
        f"was archived in {found.file} on {found.at:%Y-%m-%d}; "
        f"`countersign ledger restore {found.file}` brings it back"
    )


def _archived(row: Row[Any]) -> Archived:
    session_id, file, sha256, at, entries, head, requests = tuple(row)
    return Archived(
        session=session_id,
        file=file,
        sha256=sha256,
        at=codec.from_text(at),
        entries=entries,
        head=head,
        requests=tuple(requests.split()),
    )
