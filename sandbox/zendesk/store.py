"""The tables of the help desk."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from countersign.sandbox._effects import SCHEMA, Effects, RefusedError
from countersign.sandbox._files import open_database
from countersign.sandbox.zendesk.seed import ARTICLES, TICKETS

_SCHEMA = (
    SCHEMA
    + """
CREATE TABLE IF NOT EXISTS articles (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, role TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tickets (
    id INTEGER PRIMARY KEY, requester TEXT NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL,
    status TEXT NOT NULL, tags TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS comments (
    id INTEGER PRIMARY KEY, ticket INTEGER NOT NULL REFERENCES tickets, author TEXT NOT NULL,
    body TEXT NOT NULL, public INTEGER NOT NULL, created_at TEXT NOT NULL, metadata TEXT NOT NULL);
"""
)
STATUSES = ("new", "open", "pending", "hold", "solved")
_FIRST = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
_FIRST_USER = 35_001
_WORD = re.compile(r"\w{4,}")


class ZendeskStore:
    """The tables. All calls come from one thread."""

    def __init__(self, path: Path | None) -> None:
        self._db = open_database(path, _SCHEMA)
        if not self.rows("SELECT 1 FROM articles"):
            self._seed()
        self.effects = Effects(self._db)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """The result of a query as dicts."""
        return [dict(row) for row in self._db.execute(sql, values)]

    def search(self, query: str) -> list[dict[str, Any]]:
        """Articles with words of the query in them, the best first."""
        wanted = {word.lower() for word in _WORD.findall(query)}
        scored = []
        for article in self.rows("SELECT * FROM articles ORDER BY id"):
            words = {w.lower() for w in _WORD.findall(f"{article['title']} {article['body']}")}
            if common := len(wanted & words):
                scored.append((-common, article["id"], article))
        return [article for _, _, article in sorted(scored, key=lambda each: each[:2])]

    def ticket(self, ticket_id: int) -> dict[str, Any]:
        """Raises RefusedError."""
        found = self.rows("SELECT * FROM tickets WHERE id = ?", ticket_id)
        if not found:
            raise RefusedError(404, "RecordNotFound", "Not found")
        return {**found[0], "tags": json.loads(found[0]["tags"])}

    def user(self, email: str) -> dict[str, Any]:
        """Whoever has this address; made if there is nobody."""
        if not self.rows("SELECT 1 FROM users WHERE email = ?", email):
            named = self.rows("SELECT name FROM tickets WHERE requester = ?", email)
            name, role = (named[0]["name"], "end-user") if named else ("Support", "agent")
            number = _FIRST_USER + len(self.rows("SELECT 1 FROM users"))
            self._db.execute("INSERT INTO users VALUES (?,?,?,?)", (number, name, email, role))
        return self.rows("SELECT * FROM users WHERE email = ?", email)[0]

    def tickets(self) -> list[dict[str, Any]]:
        """All of them, the newest first."""
        ids = self.rows("SELECT id FROM tickets ORDER BY id DESC")
        return [self.ticket(row["id"]) for row in ids]

    def comments(self, ticket_id: int) -> list[dict[str, Any]]:
        """Oldest first. Raises RefusedError."""
        self.ticket(ticket_id)
        found = self.rows("SELECT * FROM comments WHERE ticket = ? ORDER BY id", ticket_id)
        return [
            {**row, "public": bool(row["public"]), "metadata": json.loads(row["metadata"])}
            for row in found
        ]

    def update(
        self,
        ticket_id: int,
        *,
        stamp: str | None,
        status: str | None,
        comment: tuple[str, bool] | None,
        author: str,
        metadata: dict[str, Any],
    ) -> dict[str, Any]:
        """Change a ticket; with a stamp only if nothing has changed since. Raises RefusedError."""
        ticket = self.ticket(ticket_id)
        if stamp is not None and stamp != ticket["updated_at"]:
            raise RefusedError(
                409,
                "UpdateConflict",
                "Safe Update prevented the update due to outdated ticket data. Please fetch the "
                "latest ticket data and try again.",
            )
        if status is not None and status not in STATUSES:
            raise RefusedError(422, "RecordInvalid", f"Status: {status} is invalid")
        now = _stamp(datetime.now(UTC))
        if comment is not None:
            self._comment(ticket_id, author, comment[0], comment[1], now, metadata)
        self._db.execute(
            "UPDATE tickets SET status = COALESCE(?, status), updated_at = ? WHERE id = ?",
            (status, now, ticket_id),
        )
        return self.ticket(ticket_id)

    def _comment(
        self,
        ticket_id: int,
        author: str,
        body: str,
        public: bool,
        at: str,
        metadata: dict[str, Any],
    ) -> None:
        values = (ticket_id, author, body, int(public), at, json.dumps(metadata))
        self._db.execute(
            "INSERT INTO comments (ticket, author, body, public, created_at, metadata) "
            "VALUES (?,?,?,?,?,?)",
            values,
        )

    def _seed(self) -> None:
        self._db.executemany("INSERT INTO articles VALUES (?,?,?)", ARTICLES)
        for ticket_id, requester, name, subject, tags, comments in TICKETS:
            last = _FIRST + timedelta(minutes=len(comments))
            values = (ticket_id, requester, name, subject, "open", json.dumps(tags), _stamp(last))
            self._db.execute("INSERT INTO tickets VALUES (?,?,?,?,?,?,?)", values)
            for number, (author, body) in enumerate(comments, start=1):
                at = _stamp(_FIRST + timedelta(minutes=number))
                self._comment(ticket_id, author, body, True, at, {})


def _stamp(at: datetime) -> str:
    """To the second, as Zendesk writes it: two changes within one second have one stamp."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
