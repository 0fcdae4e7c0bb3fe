"""The records of the org, and what happened to them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from countersign.sandbox._effects import SCHEMA, Effects
from countersign.sandbox._files import open_database
from countersign.sandbox.salesforce.seed import (
    FIELDS,
    INTEGRATION_USER,
    REFERENCES,
    STAGES,
    TRACE_FIELD,
    records,
)
from countersign.sandbox.salesforce.soql import Query, SoqlError, parse

_SCHEMA = (
    SCHEMA
    + """
CREATE TABLE IF NOT EXISTS records (
    object TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (object, id));
"""
)
_MAX_AMOUNT = 1e16
"""A currency field of 18 digits, two of them behind the point."""


class SalesforceError(Exception):
    """A refusal: the status, and the error in Salesforce's words."""

    def __init__(self, status: int, code: str, message: str, *fields: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields = status, code, message, list(fields)


class OrgStore:
    """Records as JSON by object and id. All calls come from one thread."""

    def __init__(self, path: Path | None, now: Callable[[], datetime] | None = None) -> None:
        self._db = open_database(path, _SCHEMA)
        self.effects = Effects(self._db)
        self.now = now or (lambda: datetime.now(UTC))
        if not self._db.execute("SELECT 1 FROM records").fetchone():
            for name, record in records():
                self._save(name, record)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def all(self, name: str) -> list[dict[str, Any]]:
        """The records of an object."""
        rows = self._db.execute("SELECT body FROM records WHERE object = ? ORDER BY rowid", (name,))
        return [json.loads(row["body"]) for row in rows]

    def get(self, name: str, record_id: str) -> dict[str, Any]:
        """One record, by its 15 or 18 characters. Raises SalesforceError."""
        _fields(name)
        row = self._db.execute(
            "SELECT body FROM records WHERE object = ? AND substr(id, 1, 15) = ?",
            (name, record_id[:15]),
        ).fetchone()
        if row is None or len(record_id) not in (15, 18):
            raise SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")
        found: dict[str, Any] = json.loads(row["body"])
        return found

    def update(
        self, name: str, record_id: str, changes: Mapping[str, Any], *, by: str = INTEGRATION_USER
    ) -> None:
        """Change fields of one record, all or none, and keep their history.

        Raises SalesforceError.
        """
        known = _fields(name)
        was = self.get(name, record_id)
        clean = {field: _checked(known, name, field, value) for field, value in changes.items()}
        if "StageName" in clean and "Probability" not in clean:
            clean["Probability"] = float(STAGES[clean["StageName"]])
        changed = {field: value for field, value in clean.items() if was[field] != value}
        key = clean.get(TRACE_FIELD) if by == INTEGRATION_USER else None
        at = stamp(self.now())
        system = {"LastModifiedDate": at, "SystemModstamp": at, "LastModifiedById": by}
        with self._transaction():
            self._save(name, {**was, **clean, **system})
            for field, value in changed.items() if name == "Opportunity" else ():
                self._remember(was["Id"], field, was[field], value, at)
            self.effects.note(f"update {name}", {"id": was["Id"], **changes}, key)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def query(self, text: str) -> dict[str, Any]:
        """The answer to a SOQL query. Raises SalesforceError."""
        try:
            query = parse(text)
        except SoqlError as error:
            raise SalesforceError(400, error.code, error.message) from error
        self._check_names(query)
        found = []
        for record in self.all(query.object):
            lookup = self._lookup(record)
            if query.holds(lookup):
                found.append((record, lookup))
        if query.order is not None:
            by = query.order
            # Without a word Salesforce puts empty ones first.
            found.sort(key=lambda one: (one[1](by) is not None, one[1](by)))
            if query.descending:
                found.reverse()
        kept = found[: query.limit]
        rows = [_row(query, record, lookup) for record, lookup in kept]
        return {"totalSize": len(rows), "done": True, "records": rows}

    def _check_names(self, query: Query) -> None:
        if query.object not in FIELDS:
            said = f"sObject type '{query.object}' is not supported."
            raise SalesforceError(400, "INVALID_TYPE", said)
        for name in query.named:
            parent, _, field = name.rpartition(".")
            known = FIELDS.get(REFERENCES.get(f"{parent}Id", ""), []) if parent else None
            fields = FIELDS[query.object] if known is None else known
            if field not in {each["name"] for each in fields}:
                said = f"No such column '{name}' on entity '{query.object}'."
                raise SalesforceError(400, "INVALID_FIELD", said)

    def _lookup(self, record: Mapping[str, Any]) -> Callable[[str], Any]:
        def value(name: str) -> Any:
            parent, _, field = name.rpartition(".")
            if not parent:
                return record.get(name)
            key = f"{parent}Id"
            found = self.get(REFERENCES[key], record[key]) if record.get(key) else {}
            return found.get(field)

        return value

    def _remember(self, key: str, field: str, old: Any, new: Any, at: str) -> None:
        record = {
            "Id": f"017Hs{secrets.token_hex(6)}A",
            "OpportunityId": key,
            "Field": field,
            "OldValue": old,
            "NewValue": new,
            "CreatedDate": at,
        }
        self._save("OpportunityFieldHistory", record)

    def _save(self, name: str, record: Mapping[str, Any]) -> None:
        self._db.execute(
            "INSERT INTO records VALUES (?,?,?) "
            "ON CONFLICT (object, id) DO UPDATE SET body = excluded.body",
            (name, record["Id"], json.dumps(record)),
        )


def stamp(at: datetime) -> str:
    """A time as the REST API writes it; LastModifiedDate has whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _fields(name: str) -> dict[str, dict[str, Any]]:
    if name not in FIELDS:
        raise SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")
    return {field["name"]: field for field in FIELDS[name]}


def _row(query: Query, record: Mapping[str, Any], lookup: Callable[[str], Any]) -> dict[str, Any]:
    url = f"/services/data/v59.0/sobjects/{query.object}/{record['Id']}"
    row: dict[str, Any] = {"attributes": {"type": query.object, "url": url}}
    for name in query.fields:
        parent, _, field = name.rpartition(".")
        if parent:
            known = row.setdefault(parent, {"attributes": {"type": parent}})
            known[field] = lookup(name)
        else:
            row[name] = lookup(name)
    return row


def _checked(known: Mapping[str, Any], name: str, field: str, value: Any) -> Any:
    """The value as it is stored. Raises SalesforceError as Salesforce does."""
    if field not in known:
        said = f"No such column '{field}' on sobject of type {name}"
        raise SalesforceError(400, "INVALID_FIELD", said)
    about = known[field]
    if not about["updateable"]:
        said = (
            f"Unable to create/update fields: {field}. Please check the security settings of this "
            "field and verify that it is read/write for your profile or permission set."
        )
        raise SalesforceError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", said, field)
    label, kind = about["label"], about["type"]
    if value is None:
        if not about["nillable"]:
            said = f"Required fields are missing: [{field}]"
            raise SalesforceError(400, "REQUIRED_FIELD_MISSING", said, field)
        return None
    if kind in ("currency", "percent"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            said = f"Cannot deserialize instance of {kind} from VALUE_STRING value {value}"
            raise SalesforceError(400, "JSON_PARSER_ERROR", said)
        if abs(value) >= _MAX_AMOUNT:
            said = f"{label}: value outside of valid range on numeric field: {value}"
            raise SalesforceError(400, "NUMBER_OUTSIDE_VALID_RANGE", said, field)
        return round(float(value), 2)
    if kind == "date":
        try:
            return date.fromisoformat(str(value)[:10]).isoformat()
        except ValueError:
            said = f"Cannot deserialize instance of date from VALUE_STRING value {value}"
            raise SalesforceError(400, "JSON_PARSER_ERROR", said) from None
    values = [each["value"] for each in about["picklistValues"]]
    if values and value not in values:
        said = f"{label}: bad value for restricted picklist field: {value}"
        raise SalesforceError(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", said, field)
    if len(str(value)) > about.get("length", 255):
        said = f"{label}: data value too large: {value} (max length={about.get('length', 255)})"
        raise SalesforceError(400, "STRING_TOO_LONG", said, field)
    return str(value)
