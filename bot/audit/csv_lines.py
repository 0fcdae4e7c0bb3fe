"""Entries of the ledger as CSV (RFC 4180), for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from countersign.approvals.models import LedgerEntry

COLUMNS = (
    "session", "seq", "at", "kind", "request", "tool", "person", "via", "body", "prev_hash", "hash",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With which a spreadsheet takes text for a formula:
https://owasp.org/www-community/attacks/CSV_Injection (read 2026-11-30)."""


def csv_line(entry: LedgerEntry) -> str:
    """One entry."""
    body = entry.body
    person = body.get("by") or body.get("owner") or ""
    return row_text(
        (
            entry.session_id,
            str(entry.seq),
            entry.at.isoformat(),
            entry.kind,
            str(body.get("request", "")),
            str(body.get("tool", "")),
            str(person),
            str(body.get("via", "")),
            json.dumps(body, ensure_ascii=False),
            entry.prev_hash,
            entry.hash,
        )
    )


def row_text(cells: Iterable[str]) -> str:
    """One line, none of whose cells a spreadsheet takes for a formula."""
    text = io.StringIO()
    csv.writer(text).writerow([f"'{c}" if c.startswith(_FORMULA) else c for c in cells])
    return text.getvalue()
