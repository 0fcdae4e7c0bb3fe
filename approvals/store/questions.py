"""Queries on questions about requests, and the lease of whoever has the agent answer one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from countersign.approvals.models import Question, QuestionStatus, Request
from countersign.approvals.models.questions import of_question_id, question_id
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes, codec
from countersign.approvals.store.prepared import Prepared, insertion
from countersign.approvals.store.schema import questions

_Q = questions.c
_LEASE = frozenset({"due_at", "attempts"})
"""Columns of which the ledger does not tell."""
WHY_DROPPED = "The request was decided before it was answered."


def add(unit: Unit, question: Question, session_id: str) -> None:
    """Add it, due at once. An entry about the request has to follow."""
    columns = _columns(question)
    due_at = codec.to_text(question.asked_at)
    _INSERT.run(unit.connection, **columns, due_at=due_at, attempts=0)
    _note(unit, question, session_id, columns)


def get(connection: Connection, of_id: str) -> Question | None:
    """The question of this id; None if there is none."""
    key = of_question_id(of_id)
    if key is None:
        return None
    row = _GET.first(connection, of=key[0], number=key[1])
    return None if row is None else _question(row)


def of_request(connection: Connection, request_id: str) -> list[Question]:
    """Those on one request, in the order in which they were asked."""
    return [_question(row) for row in _OF_REQUEST.all(connection, of=request_id)]


def among(connection: Connection, request_ids: Sequence[str]) -> list[Question]:
    """Those on these requests, at most a few hundred; in order on each of them."""
    query = (
        select(*_COLUMNS).where(_Q.request_id.in_(request_ids)).order_by(_Q.request_id, _Q.number)
    )
    return [_question(row) for row in connection.execute(query)]


def replace(
    unit: Unit, before: Question, after: Question, session_id: str, *, attempt: int | None = None
) -> bool:
    """Write `after` if it stands as `before` does, and nobody else has begun to answer it since
    `attempt`; then nothing is due. An entry about the request has to follow."""
    old, new = _columns(before), _columns(after)
    columns = {name: value for name, value in new.items() if old[name] != value}
    query = update(questions).where(
        _Q.request_id == before.request_id,
        _Q.number == before.number,
        _Q.status == before.status.value,
    )
    if attempt is not None:
        query = query.where(_Q.attempts == attempt)
    if unit.connection.execute(query.values(**columns, due_at=None)).rowcount != 1:
        return False
    _note(unit, before, session_id, columns)
    return True


def drop(unit: Unit, request: Request) -> None:
    """Its request is decided: nobody answers any more. An entry about the request has to follow."""
    for question in of_request(unit.connection, request.id):
        if question.waits:
            update = {"status": QuestionStatus.DROPPED, "why": WHY_DROPPED}
            replace(unit, question, question.model_copy(update=update), request.session_id)


def due(connection: Connection, now: datetime, *, limit: int) -> list[str]:
    """Ids of those that the agent is to be asked now, the longest due first."""
    rows = _DUE.all(connection, now=codec.to_text(now), most=limit)
    return [question_id(*row) for row in rows]


def take(
    connection: Connection, request_id: str, number: int, now: datetime, until: datetime
) -> int | None:
    """Which attempt this is, if it is due: nobody else begins one before `until`."""
    of = {"of": request_id, "number": number}
    at, ends = codec.to_text(now), codec.to_text(until)
    if _TAKE.run(connection, **of, now=at, until=ends) != 1:
        return None
    row = _ATTEMPTS.first(connection, **of)
    return None if row is None else int(row[0])


def put_down(
    connection: Connection, question: Question, *, attempt: int, at: datetime, counts: bool
) -> None:
    """This attempt has come to nothing: somebody tries again at `at`; `counts` says whether it
    was one of those that are made at most."""
    changed = {"due_at": codec.to_text(at), "attempts": attempt if counts else attempt - 1}
    connection.execute(
        update(questions)
        .where(
            _Q.request_id == question.request_id,
            _Q.number == question.number,
            _Q.status == QuestionStatus.OPEN.value,
            _Q.attempts == attempt,
        )
        .values(**changed)
    )


def _note(unit: Unit, question: Question, session_id: str, columns: dict[str, Any]) -> None:
    key: list[str | int] = [question.request_id, question.number]
    changes.note(unit, session_id, questions.name, key, columns)


def _columns(question: Question) -> dict[str, Any]:
    row = question.model_dump(mode="json")
    row["asked_at"] = codec.to_text(question.asked_at)
    row["answered_at"] = codec.text_or_none(question.answered_at)
    row["calls"] = codec.dumps(row["calls"])
    return row


def _question(row: Sequence[Any]) -> Question:
    m = dict(zip(_NAMES, row, strict=True))
    m["asked_at"] = codec.from_text(m["asked_at"])
    m["answered_at"] = None if m["answered_at"] is None else codec.from_text(m["answered_at"])
    m["calls"] = codec.loads(m["calls"])
    return Question.model_validate(m)


_COLUMNS = [column for column in _Q if column.name not in _LEASE]
_NAMES = [column.name for column in _COLUMNS]
_INSERT = insertion(questions)
_mine = _Q.request_id == bindparam("of"), _Q.number == bindparam("number")
_GET = Prepared(select(*_COLUMNS).where(*_mine))
_OF_REQUEST = Prepared(
    select(*_COLUMNS).where(_Q.request_id == bindparam("of")).order_by(_Q.number)
)
_DUE = Prepared(
    select(_Q.request_id, _Q.number)
    .where(_Q.due_at <= bindparam("now"))
    .order_by(_Q.due_at)
    .limit(bindparam("most"))
)
_TAKE = Prepared(
    update(questions)
    .where(*_mine, _Q.status == QuestionStatus.OPEN.value, _Q.due_at <= bindparam("now"))
    .values(due_at=bindparam("until"), attempts=_Q.attempts + 1)
)
_ATTEMPTS = Prepared(select(_Q.attempts).where(*_mine))
