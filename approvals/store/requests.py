"""Queries on requests."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from countersign.approvals.errors import InvalidError, NotFoundError
from countersign.approvals.models import Request, RequestStatus, Session
from countersign.approvals.ports import Unit
from countersign.approvals.rules.lifecycle import require_move
from countersign.approvals.store import archived, changes, codec, open_roles
from countersign.approvals.store import questions as question_rows
from countersign.approvals.store import sessions as sessions_of
from countersign.approvals.store.prepared import Parameters, Prepared, insertion
from countersign.approvals.store.schema import deliveries, requests, sessions
from countersign.approvals.store.tables import Row


def insert(unit: Unit, values: Sequence[Request]) -> None:
    """Add requests. Raises InvalidError for a call id that the session has used before."""
    rows = [codec.request_columns(v) for v in values]
    try:
        _INSERT.run_each(unit.connection, rows)
    except IntegrityError as exc:
        raise InvalidError(
            f"A call id was used twice in session {values[0].session_id}; every call needs its own."
        ) from exc
    for value, row in zip(values, rows, strict=True):
        row.pop("canary")  # who decides reads the ledger: a test is told once it has ended
        changes.note(unit, value.session_id, "requests", [value.id], row)
    open_roles.keep(unit.connection, [(None, value) for value in values])


def get(connection: Connection, request_id: str) -> Request:
    """The request. Raises NotFoundError."""
    row = _GET.first(connection, of=request_id)
    if row is None:
        raise archived.no_request(connection, request_id)
    return codec.request(row)


def with_session(unit: Unit, request_id: str) -> tuple[Request, Session]:
    """The request and its session, which the unit has locked. Raises NotFoundError.

    The unit knows from then on whether it was proposed alone and is shown nowhere.
    """
    row = found(_WITH_SESSION.first(unit.connection, of=request_id), request_id)
    *whole, has_fellows, is_shown = row
    if not has_fellows:
        unit.alone.add(request_id)
    if not is_shown:
        unit.unshown.add(request_id)
    return codec.request(whole[:_COUNT]), sessions_of.of_row(unit, whole[_COUNT:])


def found(row: Sequence[Any] | None, request_id: str) -> Sequence[Any]:
    """The row. Raises NotFoundError if there is none."""
    if row is None:
        raise NotFoundError(f"There is no request {request_id}.")
    return row


class Stored(NamedTuple):
    """A request, and its row as it is, to be compared with the ledger."""

    request: Request
    row: Row


def stored(unit: Unit, request_id: str) -> Stored:
    """Both, read at once, or with the lease of their session. Raises NotFoundError."""
    row = unit.rows.pop(request_id, None)
    if row is None:
        row = found(_GET.first(unit.connection, of=request_id), request_id)
    columns = dict(zip(requests.c.keys(), row, strict=True))
    return Stored(codec.request(row), Row("requests", (request_id,), columns))


def among(connection: Connection, request_ids: Sequence[str]) -> list[Request]:
    """These requests, at most a few hundred, oldest first."""
    query = (
        select(requests)
        .where(requests.c.id.in_(request_ids))
        .order_by(requests.c.created_at, requests.c.id)
    )
    return [codec.request(row) for row in connection.execute(query)]


def lock(unit: Unit, request_id: str) -> None:
    """`sessions.lock` of the session that the request is of; nothing if there is no request."""
    if unit.connection.dialect.name == "postgresql":
        # The session that a request is of never changes, so it may be looked up before the lock.
        sessions_of.locked(unit, _LOCK.first(unit.connection, of=request_id))


def of_checkpoint(connection: Connection, session_id: str, checkpoint_id: str) -> list[Request]:
    """The requests of a session that were proposed together, by position."""
    rows = _OF_CHECKPOINT.all(connection, session=session_id, of=checkpoint_id)
    return [codec.request(row) for row in rows]


def checkpoint_with(connection: Connection, request: Request) -> list[Request]:
    """`of_checkpoint` for a request whose newest state is in hand."""
    rows = _OF_CHECKPOINT.all(connection, session=request.session_id, of=request.checkpoint_id)
    return [request if row[_ID] == request.id else codec.request(row) for row in rows]


def open_of_session(connection: Connection, session_id: str) -> list[Request]:
    """The requests of a session that wait or may still run, in the order they were proposed."""
    rows = _OF_SESSION.all(connection, of=session_id)
    return [codec.request(row) for row in rows if row[_STATUS] in _OPEN]


def open_and_locked(unit: Unit, session_id: str) -> list[Request]:
    """`open_of_session` with `sessions.lock`: the unit knows the end of its chain from then on.
    Raises NotFoundError."""
    if unit.left is not None:  # that nothing is open is compared with what is written
        return []
    sessions_of.lock(unit, session_id)
    rows = _WITH_HEAD.all(unit.connection, of=session_id)
    seq, last_hash = sessions_of.found(rows[0] if rows else None, session_id)[:2]
    unit.heads.setdefault(session_id, (seq, last_hash))
    return [codec.request(row[2:]) for row in rows if row[2 + _STATUS] in _OPEN]


def of_session(connection: Connection, session_id: str) -> list[Request]:
    """All requests of a session, in the order they were proposed."""
    return [codec.request(row) for row in _OF_SESSION.all(connection, of=session_id)]


def alike(connection: Connection, session_id: str, hashes: Collection[str]) -> list[Request]:
    """Those `of_session` that are, or were before a person changed them, calls with one of these
    hashes, and perhaps others that a person has changed."""
    return [
        codec.request(row)
        for row in _OF_SESSION.all(connection, of=session_id)
        if row[_CALL_HASH] in hashes or row[_PROPOSED] is not None
    ]


def replace(unit: Unit, *pairs: tuple[Request, Request]) -> bool:
    """Compare-and-set: write each second one if its row still has the status and revision of the
    first. False if somebody was first: then the unit must not commit if there are several. Raises
    IntegrityError for a move that the lifecycle forbids."""
    alike: dict[tuple[str, ...], list[Parameters]] = {}
    noted = []
    for before, after in pairs:
        if before.status is not after.status:
            require_move(before.status, after.status, is_canary=before.canary is not None)
        old, new = before.__dict__, after.__dict__
        changed = tuple(name for name in _CHANGING if old[name] is not new[name])
        columns = codec.request_columns(after, changed)
        was = {"was_next_step_at": codec.text_or_none(before.next_step_at)}
        row = {
            "of": before.id,
            "was_status": before.status.value,
            "was_revision": before.revision,
            "was_stage": before.stage,
            **(was if "timing" in changed else {}),
            **columns,
        }
        alike.setdefault(changed, []).append(row)
        noted.append(columns)
    done = sum(_replacing(names).run_each(unit.connection, rows) for names, rows in alike.items())
    if done != len(pairs):
        return False
    for (before, _), columns in zip(pairs, noted, strict=True):
        changes.note(unit, before.session_id, "requests", [before.id], columns)
    open_roles.keep(unit.connection, pairs)
    for _, after in pairs:
        if after.questions and after.status is not RequestStatus.PENDING:
            question_rows.drop(unit, after)
    return True


_CHANGING = (
    "arguments",
    "proposed_arguments",
    "risk",
    "rule_id",
    "reason",
    "policy_version",
    "revision",
    "digest",
    "stages",
    "stage",
    "channels",
    "status",
    "created_at",
    "expires_at",
    "decision",
    "executing_epoch",
    "result",
    "schema_version",
    "defaulted",
    "written",
    "injected",
    "show_first",
    "valid_for_s",
    "facts",
    "preview",
    "asked_again",
    "call_hash",
    "same_calls",
    "timing",
    "next_step_at",
    "budgets",
    "seen",
    "questions",
    "undo",
    "canary",
    "changed_by",
)


@functools.cache
def _replacing(names: tuple[str, ...]) -> Prepared:
    """Writes these columns, or the status as it is where there are none. A step of its time is
    taken once: whoever takes the next one must have found it there."""
    same: tuple[ColumnElement[bool], ...] = (
        requests.c.id == bindparam("of"),
        requests.c.status == bindparam("was_status"),
        requests.c.revision == bindparam("was_revision"),
        requests.c.stage == bindparam("was_stage"),
    )
    if "timing" in names:
        planned = requests.c.next_step_at
        same = (*same, planned.is_not_distinct_from(bindparam("was_next_step_at")))
    return Prepared(
        update(requests)
        .where(*same)
        .values({name: bindparam(name) for name in names} or {"status": requests.c.status})
    )


_INSERT = insertion(requests)
_GET = Prepared(select(requests).where(requests.c.id == bindparam("of")))
_COUNT = len(requests.c)
_other = requests.alias()
_FELLOWS = (
    select(_other.c.id)
    .where(
        _other.c.session_id == requests.c.session_id,
        _other.c.checkpoint_id == requests.c.checkpoint_id,
        _other.c.id != requests.c.id,
    )
    .exists()
)
IS_SHOWN = select(deliveries.c.id).where(deliveries.c.request_id == requests.c.id).exists()
_WITH_SESSION = Prepared(
    select(*requests.c, *sessions_of.WITH_HEAD, _FELLOWS, IS_SHOWN)
    .join(sessions, sessions.c.id == requests.c.session_id)
    .where(requests.c.id == bindparam("of"))
)
_LOCK = Prepared(
    select(*sessions_of.LOCKED)
    .where(
        sessions.c.id
        == select(requests.c.session_id).where(requests.c.id == bindparam("of")).scalar_subquery()
    )
    .with_for_update(of=sessions)
)
_OF_CHECKPOINT = Prepared(
    select(requests)
    .where(
        requests.c.session_id == bindparam("session"),
        requests.c.checkpoint_id == bindparam("of"),
    )
    .order_by(requests.c.position)
)
# Not with a status in it: SQLite might go through all that wait instead of those of the session.
_OF_SESSION = Prepared(
    select(requests)
    .where(requests.c.session_id == bindparam("of"))
    .order_by(requests.c.created_at, requests.c.position)
)
_WITH_HEAD = Prepared(
    select(sessions.c.ledger_seq, sessions.c.ledger_head, *requests.c)
    .outerjoin(requests, requests.c.session_id == sessions.c.id)
    .where(sessions.c.id == bindparam("of"))
    .order_by(requests.c.created_at, requests.c.position)
)
_ID = requests.c.keys().index("id")
_STATUS = requests.c.keys().index("status")
_CALL_HASH = requests.c.keys().index("call_hash")
_PROPOSED = requests.c.keys().index("proposed_arguments")
_OPEN = (RequestStatus.PENDING, RequestStatus.APPROVED)
