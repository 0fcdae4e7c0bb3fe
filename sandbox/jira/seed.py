"""What is on a fresh site: one service request that waits for its approval."""

from __future__ import annotations

from countersign.sandbox.jira import issues
from countersign.sandbox.jira.catalog import APPROVERS, HELP
from countersign.sandbox.jira.people import ALEX, MEGAN, SAM
from countersign.sandbox.jira.site import Site

REQUEST_KEY = "HELP-1"

_DESCRIPTION = """h2. What is asked for
A laptop with 64 GB of memory for the load tests of the *Leipzig* plant.

||Item||Price||Needed by||
|ThinkPad P16, 64 GB|2,980.00 EUR|18 December 2026|

* Cost centre *4711*, within this year's budget
* The old machine goes back to IT
"""


def seed(site: Site) -> None:
    """Fill an empty site; one that was used is left alone."""
    if not site.store.unused():
        return
    named = "accountId" if site.cloud else "name"
    approvers = [
        {named: person.account_id if site.cloud else person.login} for person in (ALEX, MEGAN)
    ]
    fields = {
        "project": {"key": HELP.key},
        "issuetype": {"id": HELP.issue_type[0]},
        "summary": "Laptop for load tests",
        "description": _DESCRIPTION,
        "labels": ["hardware"],
        APPROVERS: approvers,
    }
    issues.create(site, SAM, {"fields": fields})
