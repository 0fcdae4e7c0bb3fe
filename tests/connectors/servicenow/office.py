"""An instance, people at work in it, and connectors with any settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from countersign.approvals.ports import TicketConnector
from countersign.approvals.tickets import (
    Observation,
    TicketRef,
    TicketRefusal,
    TicketVote,
)
from countersign.bot.clock import SystemClock
from countersign.connectors.servicenow.client import ServiceNowClient
from countersign.connectors.servicenow.connector import ServiceNowConnector
from countersign.connectors.servicenow.settings import ServiceNowSettings
from countersign.sandbox.servicenow.persons import Person
from countersign.sandbox.servicenow.server import ServiceNow
from tests.contracts.tickets_servicenow import InServiceNow, settings_for
from tests.doubles.links import links

APPROVER = "sysapproval_approver"
PUBLIC_URL = "https://approvals.example"


class Office(InServiceNow):
    """What the contract needs, and more connectors and clients on the same instance."""

    def __init__(self, snow: ServiceNow) -> None:
        super().__init__(snow)
        self._clients: list[ServiceNowClient] = []
        self._connectors: list[TicketConnector] = [self.connector]

    def settings(self, **more: Any) -> ServiceNowSettings:
        """Those of the contract, changed."""
        base = settings_for(self.snow.url)
        # durations are written with their unit
        given = {k: f"{v:g}s" if isinstance(v, float) else v for k, v in dict(base).items()}
        return ServiceNowSettings.model_validate({**given, **more})

    def use(self, *, approvers: Sequence[str] = (), **more: Any) -> ServiceNowConnector:
        """A connector with these settings; it is the one that orders are opened with."""
        made = ServiceNowConnector(
            self.settings(**more), SystemClock(), links(PUBLIC_URL), approvers=approvers
        )
        self._connectors.append(made)
        self.connector = made
        return made

    def client(self, **more: Any) -> ServiceNowClient:
        """A client with these settings."""
        made = ServiceNowClient(self.settings(**more))
        self._clients.append(made)
        return made

    def person(self, user_name: str, *roles: str) -> Person:
        """Somebody at work, with more roles than they have."""
        for role in roles:
            self.snow.grant(user_name, role)
        return self.snow.as_person(user_name)

    def approval(self, ref: TicketRef, user_name: str) -> dict[str, str]:
        """The approval that this person was asked for, as stored."""
        rows = self.snow.approvals(ref.id)
        return next(row for row in rows if row["approver.user_name"] == user_name)

    def states(self, ref: TicketRef) -> dict[str, str]:
        """Where each approval stands."""
        return {r["approver.user_name"]: r["state"] for r in self.snow.approvals(ref.id)}

    async def seen(self, ref: TicketRef) -> Observation:
        """What the connector reads in a ticket that is there."""
        observation = await self.connector.fetch_one(ref)
        assert observation is not None
        return observation

    async def found(self, ref: TicketRef) -> list[TicketVote | TicketRefusal]:
        """What it makes of it."""
        found = self.connector.decide(await self.seen(ref))
        return [one for one in found if isinstance(one, TicketVote | TicketRefusal)]

    def calls(self) -> list[tuple[str, str, int | None]]:
        """Method, path and status of every request so far."""
        return [(r.method, r.path, r.status) for r in self.snow.requests]

    async def leave(self) -> None:
        """Close everything."""
        for connector in self._connectors:
            await connector.close_client()
        for client in self._clients:
            await client.close()
