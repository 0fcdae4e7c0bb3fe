"""Compares the tables with what the ledger says they hold: every difference, by table, id, column.

Entries say which rows they have written (`approvals.store.changes`); those of older versions say
less, and are held to what they do say (`approvals.store.comparing_older`). What no entry tells of
is listed in docs/ledger.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from countersign.approvals.audit.private import KIND
from countersign.approvals.models import (
    JsonObject,
    LedgerEntry,
    RequestStatus,
    SessionStatus,
)
from countersign.approvals.store.changes import GONE, ROWS, told
from countersign.approvals.store.comparing_older import FORGET, told_by_older
from countersign.approvals.store.tables import Row

Key = tuple[str, ...]
"""Table and primary key, as text."""
_LIVE = (SessionStatus.RUNNING, SessionStatus.WAITING)
WHILE_LIVE = frozenset({"status", "error"})
"""Columns of a session that change without an entry while it goes on: it wakes, it is retried."""


@dataclass
class Expected:
    """What the entries of one session say, the newest last."""

    rows: dict[Key, JsonObject] = field(default_factory=dict)

    def hear(self, entry: LedgerEntry) -> None:
        """Take in what one entry says; one that was erased says nothing any more."""
        if entry.erased:
            return
        said = entry.body.get(ROWS)
        if not isinstance(said, list):
            said = told_by_older(entry)
        for row in said:
            key = key_of(row["table"], row["key"])
            if row.get(GONE) is True:
                self.rows.pop(key, None)
                continue
            columns = self.rows.setdefault(key, {})
            for name in row.get(FORGET, ()):
                columns.pop(name, None)
            columns.update(row["set"])


def key_of(table: str, key: Sequence[Any]) -> Key:
    """The name of a row."""
    return (table, *map(str, key))


def differences(entries: Sequence[LedgerEntry], found: Sequence[Row]) -> Iterator[str]:
    """What the rows of one session hold otherwise than its entries say."""
    expected = Expected()
    for entry in entries:
        expected.hear(entry)
    for row in found:
        key = key_of(row.table, row.key)
        said = expected.rows.pop(key, None)
        if said is None:
            if row.table != "deliveries":  # those that were not shown yet have no entry
                yield f"{_name(key)}: is not on the ledger"
            continue
        yield from _columns(key, said, row.columns)
        yield from _made_a_test(key, said, row)
    for key in expected.rows:
        yield f"{_name(key)}: is on the ledger, but not in its table"
    yield from _erased_by_nobody(entries)
    yield from _waiting(found)
    yield from _asked_by(entries, found)


def _made_a_test(key: Key, said: JsonObject, row: Row) -> Iterator[str]:
    """What was a test is on the ledger once it has ended; nothing else is one."""
    if row.table != "requests" or row.columns.get("canary") is None or "canary" in said:
        return
    if row.columns["status"] != RequestStatus.PENDING:
        yield f"{_name(key)}, column canary: is not on the ledger"


def _erased_by_nobody(entries: Sequence[LedgerEntry]) -> Iterator[str]:
    """A body is gone only where an entry says who had it erased."""
    told = {seq for entry in entries if entry.kind == KIND for seq in entry.body.get("entries", ())}
    for entry in entries:
        if entry.erased and entry.seq not in told:
            yield f"entry {entry.seq}: its body is gone, and no entry says who had it erased"


def _asked_by(entries: Sequence[LedgerEntry], found: Sequence[Row]) -> Iterator[str]:
    """Whoever a session belongs to has asked for all of it."""
    owner = entries[0].body.get("owner") if entries else None
    for row in found:
        if row.table == "requests" and owner is not None and row.columns["requester"] != owner:
            yield f"{_name(key_of(row.table, row.key))}, column requester: its session is {owner}'s"


def of_request(entries: Sequence[LedgerEntry], row: Row) -> Iterator[str]:
    """What the row of one request holds otherwise than the entries about it say."""
    expected = Expected()
    for entry in entries:
        expected.hear(entry)
    key = key_of(row.table, row.key)
    yield from _columns(key, expected.rows.get(key, {}), row.columns)


def _columns(key: Key, said: JsonObject, columns: Mapping[str, Any]) -> Iterator[str]:
    live = key[0] == "sessions" and said.get("status") in _LIVE
    actual = told(columns)
    for name, value in said.items():
        if name not in actual or (live and name in WHILE_LIVE):
            continue
        if actual[name] != value:
            yield f"{_name(key)}, column {name}: is not what the ledger says"
    if live and actual["status"] not in _LIVE:
        yield f"{_name(key)}, column status: is not what the ledger says"


def _waiting(found: Sequence[Row]) -> Iterator[str]:
    """A session waits if and only if one of its requests does; no entry says so."""
    waits = any(
        row.table == "requests" and row.columns["status"] == RequestStatus.PENDING for row in found
    )
    for row in found:
        if row.table == "sessions" and row.columns["status"] in _LIVE:
            expected = SessionStatus.WAITING if waits else SessionStatus.RUNNING
            if row.columns["status"] != expected:
                key = key_of(row.table, row.key)
                yield f"{_name(key)}, column status: its requests say that it is {expected}"


def _name(key: Key) -> str:
    return f"{key[0]} {' / '.join(key[1:])}"
