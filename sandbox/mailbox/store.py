"""The messages, as they arrived."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from countersign.sandbox._files import open_database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, received_at TEXT NOT NULL, mail_from TEXT NOT NULL,
    rcpt_to TEXT NOT NULL, subject TEXT NOT NULL, message_id TEXT, execution TEXT,
    raw BLOB NOT NULL);
"""
_SUMMARY = "id, received_at, mail_from, rcpt_to, subject, message_id, execution"


def _text(message: EmailMessage) -> str:
    part = message.get_body(("plain", "html"))
    return "" if part is None else str(part.get_content())


class MailStore:
    """One row per accepted message; committed before the sender is told 250."""

    def __init__(self, path: Path | None) -> None:
        self._db = open_database(path, _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(self, mail_from: str, rcpt_to: Sequence[str], raw: bytes) -> int:
        """Keep one message and return its number."""
        message = email.message_from_bytes(raw, policy=email.policy.default)
        cursor = self._db.execute(
            "INSERT INTO messages (received_at, mail_from, rcpt_to, subject, message_id, "
            "execution, raw) VALUES (?,?,?,?,?,?,?)",
            (
                datetime.now(UTC).isoformat(),
                mail_from,
                json.dumps(list(rcpt_to)),
                str(message.get("Subject", "")),
                _header(message, "Message-ID"),
                _header(message, "Countersign-Execution"),
                raw,
            ),
        )
        return int(cursor.lastrowid or 0)

    def messages(self) -> list[dict[str, Any]]:
        """All messages without their bodies, oldest first."""
        rows = self._db.execute(f"SELECT {_SUMMARY} FROM messages ORDER BY id")  # noqa: S608
        return [{**dict(row), "rcpt_to": json.loads(row["rcpt_to"])} for row in rows]

    def raw(self, number: int) -> bytes | None:
        """The source of one message."""
        row = self._db.execute("SELECT raw FROM messages WHERE id = ?", (number,)).fetchone()
        return None if row is None else bytes(row["raw"])

    def sent_to(self, address: str) -> list[tuple[int, bytes]]:
        """The number and the source of each message to an address, oldest first."""
        rows = self._db.execute("SELECT id, rcpt_to, raw FROM messages ORDER BY id")
        return [
            (row["id"], bytes(row["raw"]))
            for row in rows
            if address.lower() in (each.lower() for each in json.loads(row["rcpt_to"]))
        ]

    def message(self, number: int) -> dict[str, Any] | None:
        """One message with its headers, its text and its source."""
        row = self._db.execute("SELECT * FROM messages WHERE id = ?", (number,)).fetchone()
        if row is None:
            return None
        parsed = email.message_from_bytes(row["raw"], policy=email.policy.default)
        return {
            **{key: row[key] for key in row.keys() if key != "raw"},
            "rcpt_to": json.loads(row["rcpt_to"]),
            "headers": {name: str(value) for name, value in parsed.items()},
            "text": _text(parsed),
            "html": _html(parsed),
            "raw": row["raw"].decode("utf-8", "replace"),
        }


def _html(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    return "" if part is None else str(part.get_content())


def _header(message: EmailMessage, name: str) -> str | None:
    value = message.get(name)
    return None if value is None else str(value).strip()
