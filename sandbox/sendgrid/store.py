"""Who does not want mail, and what became of each."""

from __future__ import annotations

import json
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from countersign.sandbox._effects import SCHEMA, Effects
from countersign.sandbox._files import open_database
from countersign.sandbox.sendgrid.mail import Mail

_SCHEMA = (
    SCHEMA
    + """
CREATE TABLE IF NOT EXISTS suppressions (
    kind TEXT NOT NULL, email TEXT NOT NULL, reason TEXT NOT NULL, created INTEGER NOT NULL,
    PRIMARY KEY (kind, email));
CREATE TABLE IF NOT EXISTS messages (
    n INTEGER PRIMARY KEY, msg_id TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,
    subject TEXT NOT NULL, text TEXT NOT NULL, categories TEXT NOT NULL, custom_args TEXT NOT NULL,
    status TEXT NOT NULL, why TEXT NOT NULL, at TEXT NOT NULL);
"""
)
TRACE = "countersign_execution"
"""The custom argument under which the example sends its execution."""
GROUPS = {12001: "Product news", 12002: "Invoices"}
GLOBAL, BOUNCE, SPAM = "global", "bounce", "spam"
_SEED = (
    (GLOBAL, "robert.chen@fabrikam.example", "unsubscribed"),
    (BOUNCE, "old@tailspin.example", "550 5.1.1 The email account does not exist"),
    (SPAM, "dana@aw.example", "reported as spam"),
)


class MailStore:
    """The tables. All calls come from one thread."""

    def __init__(self, path: Path | None) -> None:
        self._db = open_database(path, _SCHEMA)
        self.effects = Effects(self._db)
        if not self._db.execute("SELECT 1 FROM suppressions").fetchone():
            for kind, email, reason in _SEED:
                self.suppress(kind, email, reason)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def suppress(self, kind: str, email: str, reason: str) -> None:
        """Somebody unsubscribes, bounces or complains; `kind` is that or the number of a group."""
        self._db.execute(
            "INSERT OR REPLACE INTO suppressions VALUES (?,?,?,?)",
            (kind, email.lower(), reason, int(time.time())),
        )

    def suppressed(self, kind: str, email: str) -> dict[str, Any] | None:
        """The entry of this address, if there is one."""
        row = self._db.execute(
            "SELECT * FROM suppressions WHERE kind = ? AND email = ?", (kind, email.lower())
        ).fetchone()
        return None if row is None else dict(row)

    def send(self, mails: list[Mail]) -> str:
        """Take them: the id of the message. Whoever does not want it does not get it."""
        message = secrets.token_urlsafe(16)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for mail in mails:
                for recipient in mail.to:
                    self._keep(message, mail, recipient)
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        return message

    def messages(self) -> list[dict[str, Any]]:
        """Every message to everybody, oldest first."""
        rows = [dict(row) for row in self._db.execute("SELECT * FROM messages ORDER BY n")]
        for row in rows:
            row["categories"] = json.loads(row["categories"])
            row["custom_args"] = json.loads(row["custom_args"])
        return rows

    def suppressions(self) -> list[dict[str, Any]]:
        """Everybody who does not want mail."""
        return [dict(row) for row in self._db.execute("SELECT * FROM suppressions ORDER BY email")]

    def _keep(self, message: str, mail: Mail, recipient: str) -> None:
        kinds = [GLOBAL, BOUNCE, SPAM, *([str(mail.group)] if mail.group is not None else [])]
        found = [entry for kind in kinds if (entry := self.suppressed(kind, recipient))]
        why = found[0]["reason"] if found else ""
        at = datetime.now(UTC).isoformat()
        self._db.execute(
            "INSERT INTO messages (msg_id, sender, recipient, subject, text, categories, "
            "custom_args, status, why, at) VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                message,
                mail.sender,
                recipient,
                mail.subject,
                mail.text,
                json.dumps(mail.categories),
                json.dumps(dict(mail.custom_args)),
                "not_delivered" if found else "delivered",
                why,
                at,
            ),
        )
        if not found:
            sent = {
                "to": recipient,
                "subject": mail.subject,
                "text": mail.text,
                "categories": ", ".join(mail.categories),
            }
            self.effects.note("deliver", sent, mail.custom_args.get(TRACE))
