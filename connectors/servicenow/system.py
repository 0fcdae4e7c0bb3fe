"""ServiceNow as the product knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from countersign.connectors.servicenow.settings import ServiceNowSettings
from countersign.connectors.system import Deployment, Opened, System, open_tickets


@asynccontextmanager
async def _open(settings: ServiceNowSettings, deployment: Deployment) -> AsyncIterator[Opened]:
    # Here, so that a deployment without ServiceNow need not import the vendor's package.
    from countersign.connectors.servicenow.connector import ServiceNowConnector

    names = [person.identities["servicenow"] for person in deployment.approvers]
    connector = ServiceNowConnector(settings, deployment.clock, deployment.links, approvers=names)
    async with open_tickets(connector, deployment) as opened:
        yield opened


SYSTEM = System(
    name="servicenow",
    words="ServiceNow",
    identity="servicenow",
    settings=ServiceNowSettings,
    open=_open,
)
