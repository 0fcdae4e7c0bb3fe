"""All records of the instance: in memory, and in a SQLite file if there is one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from countersign.sandbox._files import open_database
from countersign.sandbox.servicenow.tables import (
    TABLES,
    Column,
    Row,
    find_column,
    with_children,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    n INTEGER PRIMARY KEY, table_name TEXT NOT NULL, sys_id TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (table_name, sys_id));
"""
_COUNTERS = "_counters"
_FIRST_NUMBER = 30_001


class Store:
    """Rows by table and sys_id, in the order they were inserted. All calls come from one thread.

    Rows are replaced, never changed in place.
    """

    def __init__(self, path: Path | None) -> None:
        self._db = open_database(path, _SCHEMA)
        self._rows: dict[str, dict[str, Row]] = {name: {} for name in (*TABLES, _COUNTERS)}
        self._before: dict[tuple[str, str], Row | None] | None = None
        for row in self._db.execute("SELECT table_name, sys_id, body FROM records ORDER BY n"):
            self._rows[row["table_name"]][row["sys_id"]] = json.loads(row["body"])

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def unit(self) -> Iterator[None]:
        """All writes in the block are kept together or, if it raises, undone; blocks may nest."""
        if self._before is not None:
            yield
            return
        self._before = {}
        try:
            yield
            self._commit(self._before)
        except BaseException:
            for (table, sys_id), row in self._before.items():
                self._place(table, sys_id, row)
            raise
        finally:
            self._before = None

    def put(self, table: str, row: Row) -> None:
        """Insert or replace a row by its `sys_id`; inside a `unit` only."""
        self._remember(table, row["sys_id"])
        self._place(table, row["sys_id"], row)

    def drop(self, table: str, sys_id: str) -> None:
        """Delete a row; inside a `unit` only."""
        self._remember(table, sys_id)
        self._place(table, sys_id, None)

    def find(self, table: str, sys_id: str) -> tuple[str, Row] | None:
        """The row and the table it is really in, which may be one that extends `table`."""
        for name in with_children(table):
            row = self._rows[name].get(sys_id)
            if row is not None:
                return name, row
        return None

    def all(self, table: str) -> list[Row]:
        """Every row of the table and of those that extend it."""
        return [row for name in with_children(table) for row in self._rows[name].values()]

    def matching(self, table: str, **values: str) -> list[Row]:
        """The rows whose columns have exactly these values."""
        return [
            row
            for row in self.all(table)
            if all(row.get(name, "") == value for name, value in values.items())
        ]

    def next_number(self, prefix: str) -> str:
        """The next number of a table, such as `CHG0030001`; inside a `unit` only."""
        last = self._rows[_COUNTERS].get(prefix, {}).get("last")
        number = _FIRST_NUMBER if last is None else int(last) + 1
        self.put(_COUNTERS, {"sys_id": prefix, "last": str(number)})
        return f"{prefix}{number:07d}"

    def walk(self, table: str, row: Row, path: str) -> tuple[str, Row, Column] | None:
        """Where a dot-walk ends: table, row and column; None if a step leads nowhere."""
        name, dot, rest = path.partition(".")
        column = find_column(table, name)
        if column is None:
            return None
        if not dot:
            return table, row, column
        found = self.referred(column, row, name)
        return None if found is None else self.walk(column.reference, found[1], rest)

    def referred(self, column: Column, row: Row, name: str) -> tuple[str, Row] | None:
        """The table and the row that a reference points at, if it exists."""
        table = row.get("source_table", "") if column.kind == "document_id" else column.reference
        return self.find(table, row.get(name, "")) if table in TABLES else None

    def _remember(self, table: str, sys_id: str) -> None:
        if self._before is None:
            raise RuntimeError("a write outside of a unit")
        self._before.setdefault((table, sys_id), self._rows[table].get(sys_id))

    def _place(self, table: str, sys_id: str, row: Row | None) -> None:
        if row is None:
            self._rows[table].pop(sys_id, None)
        else:
            self._rows[table][sys_id] = row

    def _commit(self, touched: Iterable[tuple[str, str]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for table, sys_id in touched:
                row = self._rows[table].get(sys_id)
                if row is None:
                    self._db.execute(
                        "DELETE FROM records WHERE table_name = ? AND sys_id = ?", (table, sys_id)
                    )
                else:
                    self._db.execute(
                        "INSERT INTO records (table_name, sys_id, body) VALUES (?,?,?) "
                        "ON CONFLICT (table_name, sys_id) DO UPDATE SET body = excluded.body",
                        (table, sys_id, json.dumps(row)),
                    )
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
