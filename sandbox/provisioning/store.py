"""The tables of the provisioning system: what it offers, has room for, and has provisioned."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from countersign.sandbox._effects import SCHEMA, Effects, RefusedError
from countersign.sandbox._files import open_database
from countersign.sandbox.provisioning.inputs import IncidentInput, ResourceInput, RuleInput
from countersign.sandbox.provisioning.seed import seed

_SCHEMA = (
    SCHEMA
    + """
CREATE TABLE IF NOT EXISTS offers (
    kind TEXT PRIMARY KEY, title TEXT NOT NULL, unit TEXT NOT NULL,
    eur_per_unit_month REAL NOT NULL, usual_size INTEGER NOT NULL, team_quota INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS capacity (
    kind TEXT NOT NULL REFERENCES offers, region TEXT NOT NULL, total INTEGER NOT NULL,
    PRIMARY KEY (kind, region));
CREATE TABLE IF NOT EXISTS resources (
    id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, kind TEXT NOT NULL,
    environment TEXT NOT NULL, size INTEGER NOT NULL, unit TEXT NOT NULL, region TEXT NOT NULL,
    owner_team TEXT NOT NULL, monthly_cost_eur REAL NOT NULL, status TEXT NOT NULL,
    window TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rules (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, target TEXT NOT NULL, port INTEGER NOT NULL,
    protocol TEXT NOT NULL, status TEXT NOT NULL, window TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS incidents (
    id INTEGER PRIMARY KEY, summary TEXT NOT NULL, details TEXT NOT NULL,
    assigned_to TEXT NOT NULL, created_at TEXT NOT NULL);
"""
)
NOW = "now"
"""The window of a change that is made at once; any other one is kept as scheduled."""
ON_CALL = "platform on-call"


class ProvisioningStore:
    """The tables. All calls come from one thread."""

    def __init__(self, path: Path | None) -> None:
        self._db = open_database(path, _SCHEMA)
        seed(self._db)
        self.effects = Effects(self._db)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """The result of a query as dicts."""
        return [dict(row) for row in self._db.execute(sql, values)]

    def offers(self, kind: str) -> list[dict[str, Any]]:
        """The offers of this kind (all if empty) with their regions; how full these are is known
        only to who asks for room."""
        found = self.rows("SELECT * FROM offers WHERE kind = ? OR ? = '' ORDER BY kind", kind, kind)
        for offer in found:
            offer["regions"] = [place["region"] for place in self.capacity(offer["kind"])]
        return found

    def capacity(self, kind: str) -> list[dict[str, Any]]:
        """`{region, total, free}` of each region of the kind, by name."""
        return self.rows(
            "SELECT c.region, c.total, c.total - (SELECT COALESCE(SUM(size), 0) FROM resources r "
            "WHERE r.kind = c.kind AND r.region = c.region) AS free "
            "FROM capacity c WHERE c.kind = ? ORDER BY c.region",
            kind,
        )

    def resources(self) -> list[dict[str, Any]]:
        """Everything that was provisioned, oldest first."""
        return self.rows("SELECT * FROM resources ORDER BY id")

    def rules(self) -> list[dict[str, Any]]:
        """The open ports, oldest first."""
        return self.rows("SELECT * FROM rules ORDER BY id")

    def incidents(self) -> list[dict[str, Any]]:
        """What the on-call was asked to look at, oldest first."""
        return self.rows("SELECT * FROM incidents ORDER BY id")

    def add_resource(self, wanted: ResourceInput) -> dict[str, Any]:
        """Provision. Raises RefusedError for what is not offered, too dear or has no room."""
        offer = next(iter(self.offers(wanted.kind)), None)
        if offer is None or wanted.unit != offer["unit"]:
            known = ", ".join(f"{one['kind']} in {one['unit']}" for one in self.offers(""))
            raise RefusedError(422, "not_offered", f"What is offered: {known}.")
        if self._named(wanted.name):
            raise RefusedError(409, "name_taken", f"There is a {wanted.name} already.")
        cost = round(wanted.size * offer["eur_per_unit_month"], 2)
        if cost > wanted.monthly_cost_eur:
            raise RefusedError(
                422,
                "over_budget",
                f"It costs EUR {cost:,.2f} a month, and EUR {wanted.monthly_cost_eur:,.2f} is "
                "the most that was approved.",
            )
        self._require_room(wanted)
        self._require_quota(wanted, int(offer["team_quota"]))
        return self._insert(
            "resources",
            **wanted.model_dump(exclude={"monthly_cost_eur", "rollback"}),
            monthly_cost_eur=cost,
            status=_status(wanted.window),
        )

    def add_rule(self, wanted: RuleInput) -> dict[str, Any]:
        """Open a port. Raises RefusedError if an end of it does not exist."""
        if not self._named(wanted.target):
            raise RefusedError(404, "not_found", f"There is no resource {wanted.target}.")
        if not self._named(wanted.source) and not _is_network(wanted.source):
            raise RefusedError(
                404, "not_found", f"{wanted.source} is neither a resource nor a network."
            )
        return self._insert(
            "rules",
            **wanted.model_dump(include={"source", "target", "port", "protocol", "window"}),
            status=_status(wanted.window),
        )

    def add_incident(self, incident: IncidentInput) -> dict[str, Any]:
        """Tell the on-call."""
        row = self._insert("incidents", **incident.model_dump(), assigned_to=ON_CALL)
        return {"incident": f"INC-{1000 + int(row['id'])}", **row}

    def _require_room(self, wanted: ResourceInput) -> None:
        places = self.capacity(wanted.kind)
        here = next((place for place in places if place["region"] == wanted.region), None)
        if here is None:
            known = ", ".join(place["region"] for place in places)
            raise RefusedError(422, "region", f"{wanted.kind} is offered in {known}.")
        if here["free"] < wanted.size:
            fits = [place for place in places if place["free"] >= wanted.size]
            elsewhere = ", ".join(f"{place['region']} ({place['free']} free)" for place in fits)
            raise RefusedError(
                409,
                "region_full",
                f"{wanted.region} is full: {here['free']} {wanted.unit} free, {wanted.size} asked "
                f"for. Room for it elsewhere: {elsewhere or 'none'}.",
            )

    def _require_quota(self, wanted: ResourceInput, quota: int) -> None:
        used = self.rows(
            "SELECT COALESCE(SUM(size), 0) AS used FROM resources "
            "WHERE kind = ? AND owner_team = ?",
            wanted.kind,
            wanted.owner_team,
        )[0]["used"]
        if used + wanted.size > quota:
            raise RefusedError(
                409,
                "quota_exceeded",
                f"The team {wanted.owner_team} may have {quota} {wanted.unit} of {wanted.kind} in "
                f"all and has {used}: {max(0, quota - used)} {wanted.unit} left.",
            )

    def _named(self, name: str) -> bool:
        return bool(self.rows("SELECT 1 FROM resources WHERE name = ?", name))

    def _insert(self, table: str, **values: Any) -> dict[str, Any]:
        values["created_at"] = datetime.now(UTC).isoformat()
        marks = ",".join("?" * len(values))
        # Names of tables and columns are this file's own, never a caller's.
        cursor = self._db.execute(
            f"INSERT INTO {table} ({','.join(values)}) VALUES ({marks})",  # noqa: S608
            tuple(values.values()),
        )
        return self.rows(f"SELECT * FROM {table} WHERE id = ?", cursor.lastrowid)[0]  # noqa: S608


def _status(window: str) -> str:
    return "active" if window == NOW else "scheduled"


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True
