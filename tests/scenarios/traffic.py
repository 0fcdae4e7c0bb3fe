"""What our connector has asked of a ticket system, from the system's own record."""

from __future__ import annotations

import re
from typing import TypeAlias

from countersign.sandbox.asana.server import Asana
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.servicenow.server import ServiceNow

TicketSystem: TypeAlias = Jira | ServiceNow | Asana
_ONE_TICKET = re.compile(r"/issue/\d+$|/change_request/\w{32}$|/tasks/\d+$")


def polls(system: TicketSystem) -> int:
    """How many polls have been answered."""
    if isinstance(system, ServiceNow):
        asked = (f.query.get("sysparm_query", "") for f in system.requests if f.status == 200)
        return sum("ORDERBYsys_id" in query for query in asked)
    if isinstance(system, Asana):
        return sum(f.path.endswith("/events") and f.status in (200, 412) for f in system.requests)
    return sum(
        ("updated >=" in asked or "-open" in asked) and found.status == 200
        for found in system.requests
        if found.path.endswith("/search/jql")
        for asked in [f"{found.query} {found.body}"]
    )


def reads(system: TicketSystem) -> int:
    """How often one ticket was read by its id."""
    found = (r.path for r in system.requests if r.method == "GET" and r.status)
    return sum(_ONE_TICKET.search(path) is not None for path in found)
