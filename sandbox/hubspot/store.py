"""Deals, and every value that their properties have had."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from countersign.sandbox._effects import SCHEMA, Effects
from countersign.sandbox._files import open_database

_SCHEMA = (
    SCHEMA
    + """
CREATE TABLE IF NOT EXISTS deals (
    id TEXT PRIMARY KEY, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    archived INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS history (
    n INTEGER PRIMARY KEY, deal TEXT NOT NULL REFERENCES deals, name TEXT NOT NULL,
    value TEXT NOT NULL, at TEXT NOT NULL, source TEXT NOT NULL);
"""
)
PIPELINE = "default"
STAGES = {
    "appointmentscheduled": ("Appointment Scheduled", "0.2"),
    "qualifiedtobuy": ("Qualified To Buy", "0.4"),
    "presentationscheduled": ("Presentation Scheduled", "0.6"),
    "decisionmakerboughtin": ("Decision Maker Bought-In", "0.8"),
    "contractsent": ("Contract Sent", "0.9"),
    "closedwon": ("Closed Won", "1.0"),
    "closedlost": ("Closed Lost", "0.0"),
}
"""The stages of HubSpot's default sales pipeline, with the probability of each. Source: "Set up and
manage object pipelines", knowledge.hubspot.com (read 2026-11-30)."""
TRACE = "countersign_request"
"""A custom property that the account of the example has."""
WRITABLE = ("dealname", "dealstage", "amount", "closedate", TRACE)
API, PEOPLE = "INTEGRATION", "CRM_UI"
_BEGAN = "2026-11-02T09:15:00.120Z"
_SEED = {
    "18240012041": ("Contoso Ltd: Insight Platform, new plant in Leipzig", "qualifiedtobuy",
                    "28500", "2026-12-18T00:00:00Z"),
    "18240012042": ("Fabrikam Inc: Insight Platform, renewal", "presentationscheduled",
                    "75600", "2027-01-29T00:00:00Z"),
    "18240012043": ("Northwind Traders: Insight Platform, pilot", "qualifiedtobuy",
                    "13720", "2026-12-04T00:00:00Z"),
}  # fmt: skip


class HubSpotError(Exception):
    """A refusal: the status, the category, and the message in HubSpot's words."""

    def __init__(self, status: int, category: str, message: str) -> None:
        super().__init__(message)
        self.status, self.category, self.message = status, category, message


class DealStore:
    """The tables. All calls come from one thread."""

    def __init__(self, path: Path | None) -> None:
        self._db = open_database(path, _SCHEMA)
        self.effects = Effects(self._db)
        if not self._db.execute("SELECT 1 FROM deals").fetchone():
            for key, (name, stage, amount, closes) in _SEED.items():
                self._db.execute("INSERT INTO deals VALUES (?,?,?,0)", (key, _BEGAN, _BEGAN))
                given = {
                    "dealname": name,
                    "dealstage": stage,
                    "amount": amount,
                    "closedate": closes,
                }
                for each, value in given.items():
                    self._remember(key, each, value, _BEGAN, PEOPLE)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def deal(
        self,
        key: str,
        names: Iterable[str] = (),
        *,
        history: Iterable[str] = (),
        archived: bool = False,
    ) -> dict[str, Any]:
        """One deal as the API gives it. Raises HubSpotError; so it does for an archived one that
        was not asked for as such."""
        row = self._db.execute("SELECT * FROM deals WHERE id = ?", (key,)).fetchone()
        if row is None or bool(row["archived"]) is not archived:
            raise HubSpotError(404, "OBJECT_NOT_FOUND", "resource not found")
        values = self._values(key)
        wanted = {*names, "amount", "closedate", "dealname", "dealstage"}
        known = {
            **values,
            "pipeline": PIPELINE,
            "createdate": row["created_at"],
            "hs_lastmodifieddate": row["updated_at"],
            "hs_object_id": key,
        }
        wanted |= {"pipeline", "createdate", "hs_lastmodifieddate", "hs_object_id"}
        found = {
            "id": key,
            "properties": {name: known.get(name) for name in sorted(wanted)},
            "createdAt": row["created_at"],
            "updatedAt": row["updated_at"],
            "archived": archived,
        }
        asked = [*history]
        if asked:
            found["propertiesWithHistory"] = {name: self._history(key, name) for name in asked}
        return found

    def all(self, names: Iterable[str] = ()) -> list[dict[str, Any]]:
        """Every deal that is not archived."""
        rows = self._db.execute("SELECT id FROM deals WHERE NOT archived ORDER BY id").fetchall()
        return [self.deal(row["id"], names) for row in rows]

    def update(self, key: str, properties: Mapping[str, Any], *, source: str = API) -> None:
        """Change properties, all or none. Raises HubSpotError."""
        self.deal(key)
        clean = {name: _checked(name, value) for name, value in properties.items()}
        before = self._values(key)
        at = self._later_than(key)
        token = clean.get(TRACE) if source == API else None
        with self._transaction():
            for name, value in clean.items():
                if before.get(name) != value:
                    self._remember(key, name, value, at, source)
            self._db.execute("UPDATE deals SET updated_at = ? WHERE id = ?", (at, key))
            self.effects.note("update deal", {"id": key, **clean}, token)

    def archive(self, key: str) -> None:
        """Put it away, as the API's DELETE does."""
        self.deal(key)
        self._db.execute("UPDATE deals SET archived = 1 WHERE id = ?", (key,))

    def history(self) -> list[dict[str, Any]]:
        """Every value of every property, oldest first."""
        return [dict(row) for row in self._db.execute("SELECT * FROM history ORDER BY n")]

    def _later_than(self, key: str) -> str:
        """Now, in milliseconds, and later than the latest change."""
        row = self._db.execute("SELECT updated_at FROM deals WHERE id = ?", (key,)).fetchone()
        least = datetime.fromisoformat(row["updated_at"]) + timedelta(milliseconds=1)
        return stamp(max(datetime.now(UTC), least))

    def _values(self, key: str) -> dict[str, str]:
        rows = self._db.execute("SELECT name, value FROM history WHERE deal = ? ORDER BY n", (key,))
        return {row["name"]: row["value"] for row in rows}

    def _history(self, key: str, name: str) -> list[dict[str, Any]]:
        """The latest first, as HubSpot has it."""
        rows = self._db.execute(
            "SELECT * FROM history WHERE deal = ? AND name = ? ORDER BY n DESC", (key, name)
        )
        return [
            {
                "value": row["value"],
                "timestamp": row["at"],
                "sourceType": row["source"],
                "sourceId": "",
            }
            for row in rows
        ]

    def _remember(self, key: str, name: str, value: str, at: str, source: str) -> None:
        self._db.execute(
            "INSERT INTO history (deal, name, value, at, source) VALUES (?,?,?,?,?)",
            (key, name, value, at, source),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")


def stamp(at: datetime) -> str:
    """A time as HubSpot writes it: milliseconds, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _invalid(name: str, message: str, error: str) -> HubSpotError:
    detail = json.dumps([{"isValid": False, "message": message, "error": error, "name": name}])
    return HubSpotError(400, "VALIDATION_ERROR", f"Property values were not valid: {detail}")


def _checked(name: str, value: Any) -> str:
    """The value as it is kept: a text, whatever it is. Raises HubSpotError."""
    if name not in WRITABLE:
        said = f'Property "{name}" does not exist'
        raise _invalid(name, said, "PROPERTY_DOESNT_EXIST")
    text = "" if value is None else str(value)
    if name == "dealstage" and text not in STAGES:
        said = f"{text} was not one of the allowed options: [{', '.join(STAGES)}]"
        raise _invalid(name, said, "INVALID_OPTION")
    if name == "amount" and re.fullmatch(r"-?\d+(\.\d+)?", text) is None:
        raise _invalid(name, f"{text} was not a valid number.", "INVALID_DOUBLE")
    if name == "closedate":
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise _invalid(name, f"{text} was not a valid long.", "INVALID_LONG") from None
        return stamp(at.replace(tzinfo=at.tzinfo or UTC)).replace(".000Z", "Z")
    return text
