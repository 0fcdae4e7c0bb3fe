"""Quotes and the price book; a change is one transaction with its effect and its key."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from countersign.sandbox._effects import SCHEMA, Effects
from countersign.sandbox._files import open_database
from countersign.sandbox.cpq.pricing import CpqError, Product, priced

_SCHEMA = (
    SCHEMA
    + """
CREATE TABLE IF NOT EXISTS products (
    sku TEXT PRIMARY KEY, name TEXT NOT NULL, list_price TEXT NOT NULL,
    most_discount TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS quotes (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, title TEXT NOT NULL, currency TEXT NOT NULL,
    status TEXT NOT NULL, valid_until TEXT NOT NULL, lines TEXT NOT NULL, version INTEGER NOT NULL);
"""
)
DRAFT, RELEASED = "draft", "released"
_PRODUCTS = (
    ("INS-SEAT", "Insight Platform, seat and year", "1140.00", "25"),
    ("INS-EDGE", "Edge gateway", "2350.00", "10"),
    ("SVC-DAY", "Training day", "1350.00", "0"),
)
_QUOTES = (
    ("Q-7001", "Contoso Ltd", "New plant in Leipzig", "EUR", "2026-12-31",
     [{"sku": "INS-SEAT", "quantity": 25, "discount_percent": 0},
      {"sku": "INS-EDGE", "quantity": 2, "discount_percent": 0},
      {"sku": "SVC-DAY", "quantity": 3, "discount_percent": 0}]),
    ("Q-7002", "Northwind Traders", "Pilot", "EUR", "2026-12-31",
     [{"sku": "INS-SEAT", "quantity": 14, "discount_percent": 0}]),
)  # fmt: skip


class QuoteStore:
    """The tables. All calls come from one thread."""

    def __init__(self, path: Path | None) -> None:
        self._db = open_database(path, _SCHEMA)
        self.effects = Effects(self._db)
        if not self._db.execute("SELECT 1 FROM products").fetchone():
            self._db.executemany("INSERT INTO products VALUES (?,?,?,?)", _PRODUCTS)
            for key, account, title, currency, until, lines in _QUOTES:
                row = (key, account, title, currency, DRAFT, until, json.dumps(lines), 1)
                self._db.execute("INSERT INTO quotes VALUES (?,?,?,?,?,?,?,?)", row)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def products(self) -> dict[str, Product]:
        """The price book, by SKU."""
        return {
            row["sku"]: Product(
                row["sku"], row["name"], Decimal(row["list_price"]), Decimal(row["most_discount"])
            )
            for row in self._db.execute("SELECT * FROM products ORDER BY sku")
        }

    def reprice(self, sku: str, list_price: str) -> None:
        """Product management changes a list price; quotes that are drafts cost something else."""
        self._db.execute("UPDATE products SET list_price = ? WHERE sku = ?", (list_price, sku))

    def quotes(self, account: str = "") -> list[dict[str, Any]]:
        """Quotes of accounts whose name contains this."""
        rows = self._db.execute("SELECT id, account FROM quotes ORDER BY id").fetchall()
        return [self.quote(r["id"]) for r in rows if account.lower() in r["account"].lower()]

    def quote(self, key: str) -> dict[str, Any]:
        """One quote with its prices as they are now. Raises CpqError."""
        row = self._db.execute("SELECT * FROM quotes WHERE id = ?", (key,)).fetchone()
        if row is None:
            raise CpqError(404, "not_found", f"There is no quote {key}.")
        return {**dict(row), **priced(json.loads(row["lines"]), self.products())}

    def calculate(self, key: str, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What the quote would cost with these lines; nothing is changed. Raises CpqError."""
        return {
            "quote": key,
            "version": self.quote(key)["version"],
            **priced(lines, self.products()),
        }

    def change(
        self, key: str, changes: Mapping[str, Any], version: int, token: str | None
    ) -> tuple[int, dict[str, Any], bool]:
        """Change lines, validity and status of a quote of this version. Raises CpqError,
        RefusedError."""

        def change() -> dict[str, Any]:
            was = self.quote(key)
            if was["version"] != version:
                said = f"{key} is version {was['version']}, not {version}."
                raise CpqError(412, "version_conflict", said)
            if was["status"] == RELEASED and changes.get("status") != DRAFT:
                raise CpqError(409, "released", f"{key} is released: withdraw it first.")
            own = self._db.execute("SELECT lines FROM quotes WHERE id = ?", (key,)).fetchone()
            lines = changes.get("lines", json.loads(own["lines"]))
            priced(lines, self.products())
            self._db.execute(
                "UPDATE quotes SET lines = ?, valid_until = ?, status = ?, version = ? "
                "WHERE id = ?",
                (
                    json.dumps(lines),
                    changes.get("valid_until", was["valid_until"]),
                    changes.get("status", was["status"]),
                    version + 1,
                    key,
                ),
            )
            return self.quote(key)

        return self.effects.write("change quote", {"id": key, **changes}, token, change)
