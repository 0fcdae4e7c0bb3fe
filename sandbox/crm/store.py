"""The CRM's tables; a write is one transaction with its effect and its idempotency key."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from countersign.sandbox._effects import RefusedError
from countersign.sandbox._files import open_database
from countersign.sandbox.crm.seed import seed

STAGES = ("prospecting", "qualification", "proposal", "negotiation", "closed_won", "closed_lost")
MAX_DISCOUNT_PERCENT = 40.0
"""The price floor of the CPQ: nobody's approval makes it accept more."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS customers (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, tier TEXT NOT NULL, country TEXT NOT NULL,
    currency TEXT NOT NULL, list_price_per_seat REAL NOT NULL,
    standard_discount_percent REAL NOT NULL, contact_name TEXT NOT NULL,
    contact_email TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS opportunities (
    id TEXT PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customers, name TEXT NOT NULL,
    seats INTEGER NOT NULL, stage TEXT NOT NULL, amount REAL NOT NULL, close_date TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS quotes (
    id INTEGER PRIMARY KEY, quote_number TEXT UNIQUE, customer_id TEXT NOT NULL,
    opportunity_id TEXT NOT NULL, amount REAL NOT NULL, currency TEXT NOT NULL,
    discount_percent REAL NOT NULL, valid_until TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS activities (
    id INTEGER PRIMARY KEY, customer_id TEXT NOT NULL, text TEXT NOT NULL,
    created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS effects (
    n INTEGER PRIMARY KEY, at TEXT NOT NULL, action TEXT NOT NULL, arguments TEXT NOT NULL,
    idempotency_key TEXT);
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL);
"""


class CrmError(RefusedError):
    """A write or a lookup the CRM refuses, with the status it answers."""


class _Input(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class QuoteInput(_Input):
    """Body of `POST /quotes`."""

    customer_id: str
    opportunity_id: str
    amount: float = Field(gt=0)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    discount_percent: float = Field(ge=0, le=100)
    valid_days: int = Field(ge=1, le=365)


class ActivityInput(_Input):
    """Body of `POST /activities`."""

    customer_id: str
    text: str = Field(min_length=1, max_length=10_000)


class OpportunityInput(_Input):
    """Body of `PATCH /opportunities/{id}`: what is left out stays."""

    stage: str | None = None
    amount: float | None = Field(default=None, gt=0)
    close_date: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}$")


def _now() -> datetime:
    return datetime.now(UTC)


class CrmStore:
    """The tables. All calls come from one thread."""

    def __init__(self, path: Path | None) -> None:
        self._db = open_database(path, _SCHEMA)
        seed(self._db)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """The result of a query as dicts."""
        return [dict(row) for row in self._db.execute(sql, values)]

    def customers(self, name: str) -> list[dict[str, Any]]:
        """Customers whose name contains `name`, whatever its case, with their opportunities."""
        found = self.rows(
            "SELECT * FROM customers WHERE instr(lower(name), lower(?)) ORDER BY name", name.strip()
        )
        for customer in found:
            customer["opportunities"] = self.rows(
                "SELECT * FROM opportunities WHERE customer_id = ? ORDER BY id", customer["id"]
            )
        return found

    def opportunity(self, opportunity_id: str) -> dict[str, Any]:
        """One opportunity. Raises CrmError 404."""
        found = self.rows("SELECT * FROM opportunities WHERE id = ?", opportunity_id)
        if not found:
            raise CrmError(404, "not_found", f"There is no opportunity {opportunity_id}.")
        return found[0]

    def quotes(self) -> list[dict[str, Any]]:
        """All quotes, oldest first."""
        return self.rows("SELECT * FROM quotes ORDER BY id")

    def effects(self) -> list[dict[str, Any]]:
        """Every write that really happened, oldest first."""
        return [
            {**row, "arguments": json.loads(row["arguments"])}
            for row in self.rows("SELECT * FROM effects ORDER BY n")
        ]

    def write(
        self,
        action: str,
        arguments: Mapping[str, Any],
        key: str | None,
        change: Callable[[], dict[str, Any]],
        status: int,
    ) -> tuple[int, dict[str, Any], bool]:
        """Make `change` unless `key` was used: status, answer, and whether it is an earlier answer.

        Raises CrmError 422 if the key was used with another action or other arguments.
        """
        canonical = json.dumps([action, arguments], sort_keys=True)
        fingerprint = hashlib.sha256(canonical.encode()).hexdigest()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            if key is not None:
                known = self._db.execute(
                    "SELECT * FROM idempotency WHERE key = ?", (key,)
                ).fetchone()
                if known is not None:
                    if known["fingerprint"] != fingerprint:
                        raise CrmError(
                            422,
                            "idempotency_key_reused",
                            "This Idempotency-Key was used with another request.",
                        )
                    return known["status"], json.loads(known["body"]), True
            body = change()
            self._db.execute(
                "INSERT INTO effects (at, action, arguments, idempotency_key) VALUES (?,?,?,?)",
                (_now().isoformat(), action, json.dumps(arguments), key),
            )
            if key is not None:
                self._db.execute(
                    "INSERT INTO idempotency VALUES (?,?,?,?)",
                    (key, fingerprint, status, json.dumps(body)),
                )
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        return status, body, False

    def add_quote(self, quote: QuoteInput) -> dict[str, Any]:
        """Insert a quote. Raises CrmError for what does not fit together."""
        customer = self._customer(quote.customer_id)
        if self.opportunity(quote.opportunity_id)["customer_id"] != quote.customer_id:
            raise CrmError(
                422,
                "mismatch",
                f"{quote.opportunity_id} is not an opportunity of {quote.customer_id}.",
            )
        if quote.currency != customer["currency"]:
            raise CrmError(
                422, "currency", f"{customer['name']} is invoiced in {customer['currency']}."
            )
        if quote.discount_percent > MAX_DISCOUNT_PERCENT:
            raise CrmError(
                422,
                "price_floor",
                f"A discount above {MAX_DISCOUNT_PERCENT:g} % is below the price floor.",
            )
        now = _now()
        cursor = self._db.execute(
            "INSERT INTO quotes (customer_id, opportunity_id, amount, currency, discount_percent, "
            "valid_until, created_at) VALUES (?,?,?,?,?,?,?)",
            (
                quote.customer_id,
                quote.opportunity_id,
                round(quote.amount, 2),
                quote.currency,
                quote.discount_percent,
                (now + timedelta(days=quote.valid_days)).date().isoformat(),
                now.isoformat(),
            ),
        )
        number = f"Q-{now.year}-{10_400 + int(cursor.lastrowid or 0)}"
        self._db.execute(
            "UPDATE quotes SET quote_number = ? WHERE id = ?", (number, cursor.lastrowid)
        )
        return self.rows("SELECT * FROM quotes WHERE quote_number = ?", number)[0]

    def add_activity(self, activity: ActivityInput) -> dict[str, Any]:
        """Insert an activity of a known customer."""
        self._customer(activity.customer_id)
        cursor = self._db.execute(
            "INSERT INTO activities (customer_id, text, created_at) VALUES (?,?,?)",
            (activity.customer_id, activity.text, _now().isoformat()),
        )
        return self.rows("SELECT * FROM activities WHERE id = ?", cursor.lastrowid)[0]

    def update_opportunity(self, opportunity_id: str, change: OpportunityInput) -> dict[str, Any]:
        """Set what `change` carries and return the opportunity as it is then."""
        current = self.opportunity(opportunity_id)
        values = change.model_dump(exclude_none=True)
        if not values:
            raise CrmError(422, "empty", "Send at least one of stage, amount, close_date.")
        if change.stage is not None and change.stage not in STAGES:
            raise CrmError(
                422, "stage", f"Unknown stage {change.stage!r}; known: {', '.join(STAGES)}."
            )
        current.update(values)
        self._db.execute(
            "UPDATE opportunities SET stage = ?, amount = ?, close_date = ? WHERE id = ?",
            (current["stage"], current["amount"], current["close_date"], opportunity_id),
        )
        return current

    def _customer(self, customer_id: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._db.execute(
            "SELECT * FROM customers WHERE id = ?", (customer_id,)
        ).fetchone()
        if row is None:
            raise CrmError(404, "not_found", f"There is no customer {customer_id}.")
        return row
