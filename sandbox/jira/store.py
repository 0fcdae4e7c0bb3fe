"""The rows: one per issue, whole, so that every write is one atomic statement."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from countersign.sandbox._files import open_database
from countersign.sandbox.jira.model import Issue

_SCHEMA = """
CREATE TABLE IF NOT EXISTS issues (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS webhooks (
    url TEXT PRIMARY KEY, secret TEXT, events TEXT NOT NULL);
"""


class IssueStore:
    """Issues and counters; a committed write survives kill -9. All calls come from one thread."""

    def __init__(self, path: Path | None) -> None:
        self._db: sqlite3.Connection = open_database(path, _SCHEMA)
        self._depth = 0
        self._issues = {
            row["id"]: Issue.model_validate_json(row["body"])
            for row in self._db.execute("SELECT id, body FROM issues ORDER BY id")
        }
        self._ids = {issue.key: issue.id for issue in self._issues.values()}

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes in the block, or none of them; an inner block belongs to the outer one."""
        if self._depth:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        finally:
            self._depth = 0

    def next(self, counter: str, start: int) -> int:
        """The next number of `counter`, which begins at `start` and never repeats."""
        row = self._db.execute(
            "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + 1 "
            "RETURNING value",
            (counter, start),
        ).fetchone()
        return int(row["value"])

    def unused(self) -> bool:
        """Whether nothing was ever numbered here."""
        return self._db.execute("SELECT 1 FROM counters").fetchone() is None

    def all(self) -> list[Issue]:
        """Every issue, in the order of creation."""
        return list(self._issues.values())

    def get(self, id_or_key: str) -> Issue | None:
        """The issue with this id or key."""
        if id_or_key.isdecimal():
            return self._issues.get(int(id_or_key))
        number = self._ids.get(id_or_key.upper())
        return None if number is None else self._issues[number]

    def put(self, issue: Issue) -> None:
        """Write `issue` over what was there."""
        self._db.execute(
            "INSERT INTO issues VALUES (?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (issue.id, issue.key, issue.model_dump_json()),
        )
        self._issues[issue.id], self._ids[issue.key] = issue, issue.id

    def delete(self, issue: Issue) -> None:
        """Take `issue` away for good."""
        self._db.execute("DELETE FROM issues WHERE id = ?", (issue.id,))
        del self._issues[issue.id], self._ids[issue.key]

    def add_webhook(self, url: str, secret: str | None, events: tuple[str, ...]) -> None:
        """Keep a webhook; a second one for the same address replaces the first."""
        self._db.execute(
            "INSERT OR REPLACE INTO webhooks VALUES (?, ?, ?)", (url, secret, json.dumps(events))
        )

    def remove_webhook(self, url: str) -> None:
        """Forget a webhook."""
        self._db.execute("DELETE FROM webhooks WHERE url = ?", (url,))

    def webhooks(self) -> list[tuple[str, str | None, tuple[str, ...]]]:
        """Address, secret and events of each webhook."""
        return [
            (row["url"], row["secret"], tuple(json.loads(row["events"])))
            for row in self._db.execute("SELECT * FROM webhooks ORDER BY rowid")
        ]
