"""Writes of a stand-in that happen once for each idempotency key, and the log of their effects."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS effects (
    n INTEGER PRIMARY KEY, at TEXT NOT NULL, action TEXT NOT NULL, arguments TEXT NOT NULL,
    idempotency_key TEXT);
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL);
"""
MAX_KEY_LENGTH = 255


class RefusedError(Exception):
    """A write or a lookup that the stand-in refuses, with the status it answers."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Effects:
    """The log of one stand-in, in its own database. All calls come from one thread."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def all(self) -> list[dict[str, Any]]:
        """Every write that really happened, oldest first.

        `{n, at, action, arguments, idempotency_key}` each.
        """
        rows = self._db.execute("SELECT * FROM effects ORDER BY n")
        return [{**dict(row), "arguments": json.loads(row["arguments"])} for row in rows]

    def note(self, action: str, arguments: Mapping[str, Any], key: str | None) -> None:
        """Write down one effect, in the transaction that makes it."""
        self._db.execute(
            "INSERT INTO effects (at, action, arguments, idempotency_key) VALUES (?,?,?,?)",
            (datetime.now(UTC).isoformat(), action, json.dumps(arguments), key),
        )

    def write(
        self,
        action: str,
        arguments: Mapping[str, Any],
        key: str | None,
        change: Callable[[], dict[str, Any]],
    ) -> tuple[int, dict[str, Any], bool]:
        """Make `change` unless `key` was used: status, answer, and whether it is an earlier answer.

        Change, effect and key are one transaction; a change that raises leaves nothing, not even
        its key. Raises RefusedError 422 if the key was used with something else.
        """
        canonical = json.dumps([action, arguments], sort_keys=True)
        fingerprint = hashlib.sha256(canonical.encode()).hexdigest()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            known = self._known(key, fingerprint)
            if known is not None:
                return known["status"], json.loads(known["body"]), True
            body = change()
            self.note(action, arguments, key)
            if key is not None:
                self._db.execute(
                    "INSERT INTO idempotency VALUES (?,?,?,?)",
                    (key, fingerprint, 201, json.dumps(body)),
                )
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        return 201, body, False

    def _known(self, key: str | None, fingerprint: str) -> sqlite3.Row | None:
        """The answer that the key was given before."""
        if key is None:
            return None
        if not 1 <= len(key) <= MAX_KEY_LENGTH:
            raise RefusedError(
                400, "idempotency_key", f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters."
            )
        row: sqlite3.Row | None = self._db.execute(
            "SELECT * FROM idempotency WHERE key = ?", (key,)
        ).fetchone()
        if row is not None and row["fingerprint"] != fingerprint:
            raise RefusedError(
                422,
                "idempotency_key_reused",
                "This Idempotency-Key was used with another request.",
            )
        return row
