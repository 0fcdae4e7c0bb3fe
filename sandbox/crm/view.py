"""The CRM's page for a person."""

from __future__ import annotations

from aiohttp import web

from countersign.sandbox._page import page, table, tag
from countersign.sandbox.crm.store import CrmStore

_LATEST = 100


def overview(store: CrmStore) -> web.Response:
    """Quotes, activities, opportunities and the log of effects, the latest first."""
    names = {row["id"]: row["name"] for row in store.customers("")}
    quotes = [
        (
            q["quote_number"],
            names[q["customer_id"]],
            q["amount"],
            q["currency"],
            f"{q['discount_percent']:g} %",
            q["valid_until"],
            q["created_at"][:19].replace("T", " "),
        )
        for q in reversed(store.quotes()[-_LATEST:])
    ]
    activities = [
        (a["created_at"][:19].replace("T", " "), names[a["customer_id"]], a["text"])
        for a in store.rows("SELECT * FROM activities ORDER BY id DESC LIMIT ?", _LATEST)
    ]
    opportunities = [
        (
            c["name"],
            tag(c["tier"]),
            o["id"],
            o["name"],
            o["seats"],
            tag(o["stage"]),
            o["amount"],
            c["currency"],
            o["close_date"],
        )
        for c in store.customers("")
        for o in c["opportunities"]
    ]
    effects = [
        (
            e["n"],
            e["at"][:19].replace("T", " "),
            e["action"],
            ", ".join(f"{k} = {v}" for k, v in e["arguments"].items()),
        )
        for e in reversed(store.effects()[-_LATEST:])
    ]
    return page(
        "CRM and quotes",
        "A stand-in: what the agents really changed shows up here.",
        [
            table(
                "Quotes",
                (
                    "Number",
                    "Customer",
                    "Amount",
                    "Currency",
                    "Discount",
                    "Valid until",
                    "Released (UTC)",
                ),
                quotes,
                empty="No quote was released yet.",
            ),
            table(
                "Activities",
                ("Logged (UTC)", "Customer", "Activity"),
                activities,
                empty="Nothing was logged yet.",
            ),
            table(
                "Opportunities",
                (
                    "Customer",
                    "Tier",
                    "Id",
                    "Opportunity",
                    "Seats",
                    "Stage",
                    "Amount",
                    "Currency",
                    "Close",
                ),
                opportunities,
                empty="No opportunities.",
            ),
            table(
                "Effects, the latest first",
                ("No.", "At (UTC)", "Action", "Arguments"),
                effects,
                empty="Nothing was written yet.",
            ),
        ],
    )
