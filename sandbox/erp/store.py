"""The tables of the ERP, in a SQLite database of its own."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from countersign.sandbox._effects import SCHEMA, Effects, RefusedError
from countersign.sandbox._files import open_database
from countersign.sandbox.erp.seed import seed

_SCHEMA = (
    SCHEMA
    + """
CREATE TABLE IF NOT EXISTS accounts (code TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS budgets (
    period TEXT NOT NULL, account TEXT NOT NULL REFERENCES accounts, amount_cents INTEGER NOT NULL,
    PRIMARY KEY (period, account));
CREATE TABLE IF NOT EXISTS journal (
    entry INTEGER PRIMARY KEY, period TEXT NOT NULL, account TEXT NOT NULL REFERENCES accounts,
    amount_cents INTEGER NOT NULL, text TEXT NOT NULL, posted_by TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS recipients (address TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS reports (
    id INTEGER PRIMARY KEY, period TEXT NOT NULL, ledger_version INTEGER NOT NULL,
    headline TEXT NOT NULL, commentary TEXT NOT NULL, status TEXT NOT NULL,
    filed_at TEXT NOT NULL, files TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL);
"""
)
CURRENCY = "EUR"


class ErpStore:
    """The tables. All calls come from one thread."""

    def __init__(self, path: Path | None) -> None:
        self._db = open_database(path, _SCHEMA)
        seed(self._db)
        self.effects = Effects(self._db)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """The result of a query as dicts."""
        return [dict(row) for row in self._db.execute(sql, values)]

    def version(self, period: str) -> int:
        """Of the books of a month: its newest entry. Raises RefusedError if it has none."""
        found = self.rows("SELECT MAX(entry) AS n FROM journal WHERE period = ?", period)[0]["n"]
        if found is None:
            raise RefusedError(404, "not_found", f"There are no entries of {period}.")
        return int(found)

    def balances(self, period: str) -> dict[str, Any]:
        """What each account comes to, beside its budget and the month before."""
        version = self.version(period)
        previous = self.rows("SELECT MAX(period) AS p FROM journal WHERE period < ?", period)[0][
            "p"
        ]
        accounts = self.rows(
            "SELECT a.code AS account, a.name, "
            "(SELECT COALESCE(SUM(amount_cents), 0) FROM journal j "
            " WHERE j.account = a.code AND j.period = ?) AS actual_cents, "
            "(SELECT COALESCE(SUM(amount_cents), 0) FROM budgets b "
            " WHERE b.account = a.code AND b.period = ?) AS budget_cents, "
            "(SELECT COALESCE(SUM(amount_cents), 0) FROM journal j "
            " WHERE j.account = a.code AND j.period = ?) AS previous_cents "
            "FROM accounts a ORDER BY a.code",
            period,
            period,
            previous,
        )
        return {
            "period": period,
            "previous": previous,
            "ledger_version": version,
            "currency": CURRENCY,
            "accounts": accounts,
        }

    def lines(self, period: str, account: str) -> list[dict[str, Any]]:
        """The journal lines of an account in a month."""
        sql = "SELECT * FROM journal WHERE period = ? AND account = ? ORDER BY entry"
        return self.rows(sql, period, account)

    def post(self, period: str, account: str, amount_cents: int, text: str) -> None:
        """Somebody posts an entry."""
        self._db.execute(
            "INSERT INTO journal (period, account, amount_cents, text, posted_by) "
            "VALUES (?,?,?,?,'ap')",
            (period, account, amount_cents, text),
        )

    def file(
        self, period: str, version: int, headline: str, commentary: str, files: dict[str, bytes]
    ) -> dict[str, Any]:
        """File a report. Raises RefusedError if the books have changed, or there is one."""
        now = self.version(period)
        if now != version:
            raise RefusedError(
                412, "books_changed", f"The books of {period} are at entry {now}, not {version}."
            )
        if self.rows("SELECT 1 FROM reports WHERE period = ? AND status != 'withdrawn'", period):
            raise RefusedError(409, "filed", f"The report of {period} is signed off already.")
        names = {}
        for name, data in files.items():
            names[name] = hashlib.sha256(data).hexdigest()
            self._db.execute("INSERT OR IGNORE INTO files VALUES (?,?)", (names[name], data))
        at = datetime.now(UTC).isoformat()
        cursor = self._db.execute(
            "INSERT INTO reports (period, ledger_version, headline, commentary, status, filed_at, "
            "files) VALUES (?,?,?,?,'signed_off',?,?)",
            (period, version, headline, commentary, at, json.dumps(names)),
        )
        return self.report(int(cursor.lastrowid or 0))

    def report(self, report_id: int) -> dict[str, Any]:
        """A report with the SHA-256 of its files. Raises RefusedError."""
        found = self.rows("SELECT * FROM reports WHERE id = ?", report_id)
        if not found:
            raise RefusedError(404, "not_found", f"There is no report {report_id}.")
        return {**found[0], "files": json.loads(found[0]["files"])}

    def reports(self) -> list[dict[str, Any]]:
        """All of them, oldest first."""
        return [self.report(row["id"]) for row in self.rows("SELECT id FROM reports ORDER BY id")]

    def data(self, report_id: int, name: str) -> bytes:
        """A file of a report. Raises RefusedError."""
        sha256 = self.report(report_id)["files"].get(name, "")
        found = self.rows("SELECT data FROM files WHERE sha256 = ?", sha256)
        if not found:
            raise RefusedError(404, "not_found", f"Report {report_id} has no file {name}.")
        return bytes(found[0]["data"])

    def mark(self, report_id: int, status: str) -> dict[str, Any]:
        """Distributed, or withdrawn. Raises RefusedError if that cannot be any more."""
        was = self.report(report_id)["status"]
        if was != "signed_off":
            raise RefusedError(409, "status", f"Report {report_id} is {was} already.")
        self._db.execute("UPDATE reports SET status = ? WHERE id = ?", (status, report_id))
        return self.report(report_id)
