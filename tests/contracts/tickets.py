"""The implementations of `approvals.ports.TicketConnector` that the contract is run on.

Another connector: a module beside `tickets_memory` with its `Outside`, and a name in the list.
"""

from __future__ import annotations

from countersign.testing.suites.ticket_system import Implementation
from tests.contracts.tickets_asana import ASANA
from tests.contracts.tickets_jira import JIRA_CLOUD, JIRA_DATA_CENTER
from tests.contracts.tickets_memory import MEMORY
from tests.contracts.tickets_servicenow import SERVICENOW

IMPLEMENTATIONS: tuple[Implementation, ...] = (
    MEMORY,
    SERVICENOW,
    JIRA_CLOUD,
    JIRA_DATA_CENTER,
    ASANA,
)
