"""Row changes: what a unit has changed in the tables, for its next ledger entry to say.

Every row that is written here is noted, and the entry that follows in the same unit carries it as a
member of its body: `rows`, a list of {table, key, set}; of a row that was removed, with `gone`. So
the ledger alone tells what the tables must hold (`approvals.store.comparing`), and a change without
an entry does not commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.errors import IntegrityError
from countersign.approvals.models import JsonObject
from countersign.approvals.ports import Unit

ROWS = "rows"
"""The member of a body."""
GONE = "gone"
"""The member of a row that is not there any more."""
PLAIN_TEXT = 64
"""Longer texts are on the ledger as their SHA-256."""
NEVER_PLAIN = frozenset({"execution_token"})
"""Whoever reads the ledger must not learn what a tool takes for proof of who calls it."""


def note(
    unit: Unit,
    session_id: str,
    table: str,
    key: Sequence[str | int],
    columns: Mapping[str, Any],
) -> None:
    """A row of a session was written: `columns` as they are in the table now."""
    if columns:
        row = {"table": table, "key": list(key), "set": told(columns)}
        unit.changed.setdefault(session_id, []).append(row)


def gone(unit: Unit, session_id: str, table: str, key: Sequence[str | int]) -> None:
    """A row of a session was removed."""
    row: JsonObject = {"table": table, "key": list(key), "set": {}, GONE: True}
    unit.changed.setdefault(session_id, []).append(row)


def told(columns: Mapping[str, Any]) -> JsonObject:
    """Columns as the ledger tells them: text of some length by its hash."""
    return {
        name: (
            f"sha256:{sha256_hex(value.encode())}"
            if isinstance(value, str) and (len(value) > PLAIN_TEXT or name in NEVER_PLAIN)
            else value
        )
        for name, value in columns.items()
    }


def with_rows(
    unit: Unit, session_id: str, entries: Iterable[tuple[str, JsonObject]]
) -> list[tuple[str, JsonObject]]:
    """The (kind, body) pairs, with what was noted of this session: a row of a request goes with the
    entry about it, everything else with the last one."""
    given = list(entries)
    if not given or session_id not in unit.changed:
        return given
    place = {body.get("request"): n for n, (_, body) in enumerate(given)}
    carried: dict[int, list[JsonObject]] = {}
    for row in unit.changed.pop(session_id):
        carried.setdefault(place.get(row["key"][0], len(given) - 1), []).append(row)
    return [
        (kind, {**body, ROWS: carried[n]} if n in carried else body)
        for n, (kind, body) in enumerate(given)
    ]


def require_told(unit: Unit) -> None:
    """A unit ends. Raises IntegrityError if it has changed what its ledger entries do not say."""
    if unit.changed:
        sessions = ", ".join(sorted(unit.changed))
        raise IntegrityError(
            f"Rows of {sessions} were changed without a ledger entry. Nothing was written; append "
            "the entry after the change, in the same unit."
        )
