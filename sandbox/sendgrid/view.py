"""The page for a person: what was sent to whom, and who does not want it."""

from __future__ import annotations

from aiohttp import web

from countersign.sandbox._page import page, pre, table, tag
from countersign.sandbox.sendgrid.store import GROUPS, MailStore

_LATEST = 100


def overview(store: MailStore) -> web.Response:
    """Messages, the latest first, and suppressions."""
    messages = [
        (
            row["at"][:19].replace("T", " "),
            row["recipient"],
            row["subject"],
            pre(row["text"]),
            ", ".join(row["categories"]),
            tag(row["status"].replace("_", " ")),
            row["why"],
        )
        for row in store.messages()[::-1][:_LATEST]
    ]
    names = {str(number): name for number, name in GROUPS.items()}
    return page(
        "SendGrid",
        "A stand-in: every mail that was handed in, and whether it was delivered.",
        [
            table(
                "Messages, the latest first",
                ("At (UTC)", "To", "Subject", "Text", "Categories", "Status", "Why not"),
                messages,
                empty="Nothing was sent yet.",
            ),
            table(
                "Suppressions",
                ("Address", "Of", "Reason"),
                [
                    (row["email"], names.get(row["kind"], row["kind"]), row["reason"])
                    for row in store.suppressions()
                ],
                empty="Everybody wants mail.",
            ),
        ],
    )
