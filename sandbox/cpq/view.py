"""The CPQ's page for a person."""

from __future__ import annotations

from aiohttp import web

from countersign.sandbox._page import page, table, tag
from countersign.sandbox.cpq.store import QuoteStore


def overview(store: QuoteStore) -> web.Response:
    """Quotes, their lines, and the price book."""
    quotes = store.quotes()
    return page(
        "Configure, price, quote",
        "A stand-in: what the agents really released shows up here.",
        [
            table(
                "Quotes",
                ("Quote", "Account", "Title", "Status", "Version", "List", "Discount", "Net",
                 "Until"),
                [
                    (q["id"], q["account"], q["title"], tag(q["status"]), q["version"],
                     q["totals"]["list"], f"{q['totals']['discount_percent']:g} %",
                     q["totals"]["net"], q["valid_until"])
                    for q in quotes
                ],
                empty="No quotes.",
            ),
            table(
                "Lines",
                ("Quote", "Product", "Quantity", "List price", "Volume", "Discount", "Net"),
                [
                    (q["id"], line["name"], line["quantity"], line["list_price"],
                     f"{line['volume_percent']:g} %", f"{line['discount_percent']:g} %",
                     line["net"])
                    for q in quotes
                    for line in q["lines"]
                ],
                empty="No lines.",
            ),
        ],
    )  # fmt: skip
