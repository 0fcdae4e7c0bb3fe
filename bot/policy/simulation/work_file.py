"""The work file of a simulation: how far it has come, and what was used of which account.

It is a SQLite file, so that memory does not grow with the calls, and so that a run that is stopped
goes on from the last batch that it has kept.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from countersign.approvals.errors import InvalidError
from countersign.approvals.models import JsonObject
from countersign.approvals.rules.budgets.charges import NOTHING, Charge, Used
from countersign.approvals.rules.conditions.amount import amount_text, minus, plus
from countersign.approvals.store import codec

FORMAT = "countersign-simulation-work-1"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accounts (
    side TEXT, budget TEXT, scope TEXT, since TEXT NOT NULL, count INTEGER NOT NULL,
    amount TEXT NOT NULL, PRIMARY KEY (side, budget, scope)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uses (side TEXT, budget TEXT, scope TEXT, at TEXT, amount TEXT);
CREATE INDEX IF NOT EXISTS ix_uses ON uses (side, budget, scope, at);
"""


class WorkFile:
    """One run."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def get(self, name: str) -> Any:
        """What is kept under a name; None if nothing is."""
        query = "SELECT value FROM meta WHERE name = ?"
        row = self._connection.execute(query, (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def keep(self, **values: Any) -> None:
        """Keep these values, and all uses so far with them: all of it or nothing."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            [(name, json.dumps(value)) for name, value in values.items()],
        )
        self._connection.commit()

    def uses(self, side: str) -> FileUses:
        """The accounts of one side."""
        return FileUses(self._connection, side)

    def belongs_to(self, run: JsonObject, path: Path | None) -> Self:
        """This file, kept for a run from now on. Raises InvalidError if it is of another one."""
        known = self.get("run")
        if known is None:
            self.keep(format=FORMAT, run=run)
        elif known != run:
            other = ", ".join(name for name in run if known.get(name) != run[name])
            raise InvalidError(
                f"{path}: is of another simulation (another {other}); name another file with "
                "--state, or remove it."
            )
        return self


class FileUses:
    """What would have been drawn on accounts, in the work file."""

    def __init__(self, connection: sqlite3.Connection, side: str):
        self._connection, self._side = connection, side

    def used(self, charge: Charge, at: datetime) -> Used:
        """Within the window of the charge."""
        return self._at(charge, codec.to_text(charge.since(at)))

    def draw(self, charge: Charge, at: datetime) -> None:
        """Note one more."""
        account, since = charge.account, codec.to_text(charge.since(at))
        before = self._at(charge, since)
        amount = amount_text(plus(before.amount, charge.amount))
        place = (self._side, account.budget, account.scope)
        self._connection.execute(
            "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?)",
            (*place, since, before.count + 1, amount),
        )
        if isinstance(charge.budget.window, float):
            self._connection.execute(
                "INSERT INTO uses VALUES (?, ?, ?, ?, ?)",
                (*place, codec.to_text(at), amount_text(charge.amount)),
            )

    def _at(self, charge: Charge, since: str) -> Used:
        place = (self._side, *charge.account)
        row = self._connection.execute(
            "SELECT since, count, amount FROM accounts WHERE side = ? AND budget = ? AND scope = ?",
            place,
        ).fetchone()
        if row is None:
            return Used()
        used = Used(row[1], Decimal(row[2]))
        if isinstance(charge.budget.window, float):
            return self._without_old(place, since, used)
        return used if row[0] == since else Used()

    def _without_old(self, place: tuple[str, ...], since: str, used: Used) -> Used:
        """What is left once the uses before the window are taken out; they are not seen again."""
        where = "side = ? AND budget = ? AND scope = ? AND at < ?"
        gone = self._connection.execute(
            f"SELECT amount FROM uses WHERE {where}",  # noqa: S608
            (*place, since),
        ).fetchall()
        if not gone:
            return used
        self._connection.execute(f"DELETE FROM uses WHERE {where}", (*place, since))  # noqa: S608
        amount = used.amount
        for (text,) in gone:
            amount = minus(amount, Decimal(text))
        left = Used(used.count - len(gone), amount if used.count > len(gone) else NOTHING)
        self._connection.execute(
            "UPDATE accounts SET count = ?, amount = ? WHERE side = ? AND budget = ? AND scope = ?",
            (left.count, amount_text(left.amount), *place),
        )
        return left


@contextmanager
def work_file(path: Path | None) -> Iterator[WorkFile]:
    """The one at this path, made if there is none; without a path one that is gone afterwards.
    Raises InvalidError for a file that is none."""
    try:
        with closing(sqlite3.connect("" if path is None else path)) as connection:
            connection.executescript(_SCHEMA)
            made = WorkFile(connection)
            if made.get("run") is not None and made.get("format") != FORMAT:
                raise InvalidError(f"{path}: is of another version; remove it.")
            yield made
    except sqlite3.DatabaseError as exc:
        raise InvalidError(f"--state {path}: cannot be used: {exc}.") from exc
