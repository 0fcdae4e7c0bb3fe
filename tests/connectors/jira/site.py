"""A site, people at work in it, and connectors with any settings."""

from __future__ import annotations

from typing import Any

from countersign.approvals.ports import TicketConnector
from countersign.approvals.tickets import (
    Observation,
    TicketPage,
    TicketRef,
    TicketRefusal,
    TicketVote,
)
from countersign.connectors.jira.connector import JiraConnector
from countersign.connectors.jira.session import JiraSession
from countersign.sandbox.jira.catalog import (
    APPROVED,
    APPROVERS,
    CANCELED,
    CHANGES,
    CLOSED,
    DECLINED,
    IN_PROGRESS,
    PENDING,
    REJECTED,
    WAITING,
)
from countersign.sandbox.jira.server import Jira
from countersign.testing.suites.ticket_reading import among
from tests.contracts.tickets_jira import PUBLIC_URL, OnJira, settings
from tests.doubles.directory import BEN, CARA
from tests.doubles.links import links

MAPPED = {
    "pending": [PENDING],
    "approved": [APPROVED],
    "rejected": [REJECTED],
    "changes": [CHANGES],
    "closed": CLOSED,
}
"""With “Changes requested” as an answer."""
SERVICE_PROJECT: dict[str, Any] = {
    "project": "HELP",
    "issue_type": "Service Request with Approvals",
    "approval": "jsm",
    "approver_field": APPROVERS,
    "statuses": {
        "pending": [WAITING],
        "approved": [IN_PROGRESS],
        "rejected": [DECLINED],
        "closed": CANCELED,
    },
}


class JiraSite(OnJira):
    """What the contract needs, and more connectors on the same site."""

    def __init__(self, jira: Jira) -> None:
        super().__init__(jira)
        self._connectors: list[TicketConnector] = [self.connector]
        self._sessions: list[JiraSession] = []

    def use(self, **more: Any) -> JiraConnector:
        """A connector with these settings; it is the one that orders are opened with."""
        approvers = more.pop("approvers", ())
        self.settings = settings(self.jira, **more)
        self.connector = JiraConnector(self.settings, links(PUBLIC_URL), approvers=approvers)
        self._connectors.append(self.connector)
        return self.connector

    def session(self, **more: Any) -> JiraSession:
        """The seam to the package, with these settings."""
        made = JiraSession(settings(self.jira, **more))
        self._sessions.append(made)
        return made

    async def seen(self, ref: TicketRef) -> Observation:
        """What the connector reads in a ticket that is there."""
        observation = await self.connector.fetch_one(ref)
        assert observation is not None
        return observation

    async def found(self, ref: TicketRef) -> list[TicketVote | TicketRefusal]:
        """What it makes of it."""
        found = self.connector.decide(await self.seen(ref))
        return [one for one in found if isinstance(one, TicketVote | TicketRefusal)]

    async def said(self, ref: TicketRef) -> list[str]:
        """The verdicts and the reasons against the others, oldest first."""
        return [
            str(one.verdict) if isinstance(one, TicketVote) else one.reason
            for one in await self.found(ref)
        ]

    async def poll(self, since: str | None = None) -> TicketPage:
        """What one poll reads."""
        return await self.connector.fetch_decisions(since, among([]))

    def status(self, ref: TicketRef) -> str:
        """The id of the status."""
        return str(self.jira.issue(ref.key)["fields"]["status"]["id"])

    def labels(self, ref: TicketRef) -> list[str]:
        """The labels."""
        return list(self.jira.issue(ref.key)["fields"]["labels"])

    def calls(self) -> list[tuple[str, str]]:
        """Method and path of every request so far."""
        return [(r.method, r.path) for r in self.jira.requests]

    async def leave(self) -> None:
        """Close everything."""
        for connector in self._connectors:
            await connector.close_client()
        for session in self._sessions:
            await session.close()


ASKED = (BEN, CARA)
"""Whom orders ask: Alex and Sam, in the site's own terms."""
