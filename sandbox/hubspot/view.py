"""The account's page for a person."""

from __future__ import annotations

from aiohttp import web

from countersign.sandbox._page import page, table, tag
from countersign.sandbox.hubspot.store import STAGES, DealStore

_LATEST = 100


def overview(store: DealStore) -> web.Response:
    """Deals, and the history of their properties, the latest first."""
    deals = store.all()
    names = {deal["id"]: deal["properties"]["dealname"] for deal in deals}
    history = [
        (row["at"][:19].replace("T", " "), names.get(row["deal"], row["deal"]), row["name"],
         row["value"], row["source"])
        for row in store.history()[::-1][:_LATEST]
    ]  # fmt: skip
    return page(
        "HubSpot",
        "A stand-in for an account: what the agents really changed shows up here.",
        [
            table(
                "Deals",
                ("Deal", "Stage", "Amount", "Close", "Changed (UTC)"),
                [
                    (
                        deal["properties"]["dealname"],
                        tag(STAGES[deal["properties"]["dealstage"]][0]),
                        float(deal["properties"]["amount"]),
                        deal["properties"]["closedate"][:10],
                        deal["updatedAt"][:19].replace("T", " "),
                    )
                    for deal in deals
                ],
                empty="No deals.",
            ),
            table(
                "History of their properties, the latest first",
                ("At (UTC)", "Deal", "Property", "Value", "Source"),
                history,
                empty="Nothing was changed yet.",
            ),
        ],
    )
