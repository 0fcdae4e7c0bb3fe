"""Erases what is private from the tables of one session, and bodies from its ledger.

What the chain says of the tables goes with a body that is erased, so the entry that tells of the
erasure says it again, as it is from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Table, delete, select, update

from countersign.approvals.audit.private import BY_ARGUMENTS, ERASED, PrivateRule, without
from countersign.approvals.models import JsonObject, LedgerEntry, SessionId
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes, codec, tables
from countersign.approvals.store.comparing import Expected, Key, key_of
from countersign.approvals.store.schema import (
    hindsights,
    ledger,
    notices,
    questions,
    requests,
    result_texts,
    session_messages,
    sessions,
    votes,
)

_TEXTS = frozenset({"rationale", "comment", "text", "answer", "why", "task", "error"})
"""Columns of plain text, in which `[erased]` may stand."""
_INSIDE = ("content", "message", "comment")
"""Members of a result or a decision that say something."""
_EMPTY = {"calls": "[]", "asked_again": "", "digest_salt": "", "call_hash": ""}
"""Of columns that cannot be null."""


def erase(
    unit: Unit,
    session_id: SessionId,
    rule: PrivateRule,
    entries: Sequence[LedgerEntry],
    private: Iterable[int],
) -> None:
    """Erase from the tables what `rule` covers, and the bodies of the entries with the numbers
    `private`; the entry that follows in this unit tells of all rows that they told of."""
    numbers = frozenset(private)
    touched, before = _told_of(entries, numbers)
    _erase_tables(unit, session_id, rule, touched)
    these = ledger.c.session_id == session_id, ledger.c.seq.in_(numbers)
    unit.connection.execute(update(ledger).where(*these).values(body="", salt="", fields=""))
    for row in tables.rows_of(unit.connection, session_id, session_id).get(session_id, []):
        key = key_of(row.table, row.key)
        if key in touched:
            names = before.rows.get(key, {})
            columns = {name: row.columns[name] for name in names if name in row.columns}
            changes.note(unit, session_id, row.table, list(row.key), columns)


def _told_of(entries: Sequence[LedgerEntry], numbers: frozenset[int]) -> tuple[set[Key], Expected]:
    """The rows that these entries told of, and what all entries say of all rows."""
    every, touched = Expected(), set[Key]()
    for entry in entries:
        every.hear(entry)
        if entry.seq in numbers:
            alone = Expected()
            alone.hear(entry)
            touched |= alone.rows.keys()
    return touched, every


def _erase_tables(unit: Unit, session_id: SessionId, rule: PrivateRule, touched: set[Key]) -> None:
    connection = unit.connection
    of_tool = [
        (row.id, row.tool)
        for row in connection.execute(
            select(requests.c.id, requests.c.tool).where(requests.c.session_id == session_id)
        )
    ]
    for request_id in (found for found, tool in of_tool if rule.covers(tool)):
        for table in (requests, votes, questions, hindsights):
            column = table.c.id if table is requests else table.c.request_id
            _erase_rows(unit, rule, table, column == request_id, touched)
        if (
            rule.results
            and connection.execute(
                delete(result_texts).where(result_texts.c.request_id == request_id)
            ).rowcount
        ):
            changes.gone(unit, session_id, "result_texts", [request_id])
            touched.discard(key_of("result_texts", [request_id]))
    if rule.covers(None):
        _erase_rows(unit, rule, sessions, sessions.c.id == session_id, touched)
    of_chat = session_messages.c.session_id == session_id
    for (number,) in connection.execute(select(session_messages.c.number).where(of_chat)).all():
        changes.gone(unit, session_id, "session_messages", [session_id, number])
    connection.execute(delete(session_messages).where(of_chat))
    connection.execute(delete(notices).where(notices.c.session_id == session_id))
    chat = {"snapshot": None, "chunks": 0}
    connection.execute(update(sessions).where(sessions.c.id == session_id).values(**chat))
    touched.add(key_of("sessions", [session_id]))


def _erase_rows(unit: Unit, rule: PrivateRule, table: Table, where: Any, touched: set[Key]) -> None:
    keys = [column.name for column in table.primary_key]
    for row in unit.connection.execute(select(table).where(where)).mappings().all():
        values = {
            name: _erased(name, value, rule)
            for name, value in row.items()
            if name not in keys and rule.says(name, value)
        }
        if values:
            same = [table.c[name] == row[name] for name in keys]
            unit.connection.execute(update(table).where(*same).values(**values))
            touched.add(key_of(table.name, [row[name] for name in keys]))


def _erased(name: str, value: str, rule: PrivateRule) -> Any:
    """What stands in a column from then on."""
    if name in _TEXTS:
        return ERASED
    if name in BY_ARGUMENTS:
        return codec.dumps(without(codec.loads(value), rule.arguments))
    if name in ("result", "decision"):
        found: JsonObject = codec.loads(value)
        said = {each: ERASED for each in _INSIDE if found.get(each)}
        return codec.dumps({**found, **said, **dict.fromkeys({"characters"} & found.keys())})
    return _EMPTY.get(name)
