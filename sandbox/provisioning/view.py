"""The page of the provisioning system for a person."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from countersign.sandbox._page import page, table, tag
from countersign.sandbox.provisioning.store import ProvisioningStore

_LATEST = 100


def overview(store: ProvisioningStore) -> web.Response:
    """Resources, open ports, incidents, room, and the log of effects, the latest first."""
    return page(
        "Provisioning",
        "A stand-in: what the agents really changed shows up here.",
        [_resources(store), _rules(store), _incidents(store), _room(store), _effects(store)],
    )


def _at(row: dict[str, Any], column: str = "created_at") -> str:
    return str(row[column])[:19].replace("T", " ")


def _latest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return rows[-_LATEST:][::-1]


def _resources(store: ProvisioningStore) -> str:
    rows = [
        (
            r["name"],
            r["kind"],
            tag(r["environment"]),
            f"{r['size']:,} {r['unit']}",
            r["region"],
            r["owner_team"],
            float(r["monthly_cost_eur"]),
            tag(r["status"] if r["status"] == "active" else r["window"]),
            _at(r),
        )
        for r in _latest(store.resources())
    ]
    heads = (
        "Name",
        "Kind",
        "Environment",
        "Size",
        "Region",
        "Team",
        "EUR a month",
        "Status",
        "Ordered (UTC)",
    )
    return table("Resources", heads, rows, empty="Nothing was provisioned yet.")


def _rules(store: ProvisioningStore) -> str:
    rows = [
        (
            r["source"],
            r["target"],
            f"{r['protocol']} {r['port']}",
            tag(r["status"]),
            r["window"],
            _at(r),
        )
        for r in _latest(store.rules())
    ]
    heads = ("From", "To", "Port", "Status", "Window", "Opened (UTC)")
    return table("Open ports", heads, rows, empty="No port was opened yet.")


def _incidents(store: ProvisioningStore) -> str:
    rows = [
        (f"INC-{1000 + i['id']}", i["summary"], i["details"], i["assigned_to"], _at(i))
        for i in _latest(store.incidents())
    ]
    heads = ("Number", "Summary", "Details", "With", "Opened (UTC)")
    return table("Incidents", heads, rows, empty="No incident was opened yet.")


def _room(store: ProvisioningStore) -> str:
    rows = [
        (offer["title"], place["region"], place["total"], place["free"], offer["unit"])
        for offer in store.offers("")
        for place in store.capacity(offer["kind"])
    ]
    return table("Room", ("Offer", "Region", "In all", "Free", "Unit"), rows, empty="No offers.")


def _effects(store: ProvisioningStore) -> str:
    rows = [
        (
            e["n"],
            _at(e, "at"),
            e["action"],
            ", ".join(f"{name} = {value}" for name, value in e["arguments"].items()),
        )
        for e in _latest(store.effects.all())
    ]
    heads = ("No.", "At (UTC)", "Action", "Arguments")
    return table("Effects, the latest first", heads, rows, empty="Nothing was written yet.")
