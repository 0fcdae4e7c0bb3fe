"""The org's page for a person."""

from __future__ import annotations

from aiohttp import web

from countersign.sandbox._page import page, table, tag
from countersign.sandbox.salesforce.seed import TRACE_FIELD
from countersign.sandbox.salesforce.store import OrgStore

_LATEST = 100


def _when(at: str) -> str:
    return at[:19].replace("T", " ")


def overview(store: OrgStore) -> web.Response:
    """Opportunities, and the history of their fields, the latest first."""
    names = {row["Id"]: row["Name"] for row in store.all("Account") + store.all("User")}
    opportunities = store.all("Opportunity")
    titles = {row["Id"]: row["Name"] for row in opportunities}
    history = store.all("OpportunityFieldHistory")[::-1][:_LATEST]
    return page(
        "Salesforce",
        "A stand-in for an org: what the agents really changed shows up here.",
        [
            table(
                "Opportunities",
                ("Account", "Opportunity", "Stage", "Amount", "Probability", "Close",
                 "Changed (UTC)", "by"),
                [
                    (names[row["AccountId"]], row["Name"], tag(row["StageName"]), row["Amount"],
                     f"{row['Probability']:g} %", row["CloseDate"],
                     _when(row["LastModifiedDate"]), names[row["LastModifiedById"]])
                    for row in opportunities
                ],
                empty="No opportunities.",
            ),
            table(
                "History of their fields, the latest first",
                ("At (UTC)", "Opportunity", "Field", "Old", "New"),
                [
                    (_when(row["CreatedDate"]), titles[row["OpportunityId"]],
                     "Approved as" if row["Field"] == TRACE_FIELD else row["Field"],
                     row["OldValue"], row["NewValue"])
                    for row in history
                ],
                empty="Nothing was changed yet.",
            ),
        ],
    )  # fmt: skip
