"""Forwarding to a SIEM: sealed entries in one order, at least once, from a cursor in a file."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from countersign.approvals.audit.fields import redacted
from countersign.approvals.audit.private import Privacy, PrivateRule
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import LedgerEntry
from countersign.bot.audit.siem_targets import Send

LEAVES = 50
"""Leaves of the tree whose entries are sent together."""


def cursor(path: Path) -> int:
    """How many leaves are done with. Raises InvalidError."""
    try:
        done = json.loads(path.read_text(encoding="utf-8"))["leaves"]
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise InvalidError(f"{path}: is no cursor of this command: {exc!r}.") from exc
    if type(done) is not int or done < 0:
        raise InvalidError(f"{path}: is no cursor of this command.")
    return done


def move(path: Path, leaves: int) -> None:
    """So many are done with, also after a crash. Raises InvalidError."""
    new = path.with_name(f"{path.name}.new")
    try:
        with new.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"leaves": leaves}))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as exc:
        raise InvalidError(f"{path}: cannot be written: {exc.strerror}.") from exc


async def forward(
    trail: AuditTrail, send: Send, path: Path, private: Sequence[PrivateRule] = ()
) -> int:
    """Send what the cursor has not seen, and move it after each batch that was taken; how many
    entries that were. Raises UnavailableError, with the cursor where it was."""
    done, count = cursor(path), 0
    while True:
        entries, after = await trail.sealed_since(done, limit=LEAVES)
        if after == done:
            return count
        if entries:
            send(_shown(entries, private))
        move(path, after)
        done, count = after, count + len(entries)


def _shown(entries: Sequence[LedgerEntry], private: Sequence[PrivateRule]) -> list[LedgerEntry]:
    """Without what is private. Of which tool a call is may have been in an earlier batch: then it
    counts as private."""
    of: dict[str, Privacy] = {}
    found = []
    for entry in entries:
        rules = of.setdefault(entry.session_id, Privacy(private)).rules_of(entry)
        found.append(redacted(entry, rules))
    return found
