"""Asana as the product knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from countersign.connectors.asana.settings import AsanaSettings
from countersign.connectors.system import Deployment, Opened, System, open_tickets


@asynccontextmanager
async def _open(settings: AsanaSettings, deployment: Deployment) -> AsyncIterator[Opened]:
    # Here, so that a deployment without Asana need not import its client.
    from countersign.connectors.asana.connector import AsanaConnector

    users = [person.identities["asana"] for person in deployment.approvers]
    connector = AsanaConnector(settings, deployment.clock, deployment.links, approvers=users)
    async with open_tickets(connector, deployment) as opened:
        yield opened


SYSTEM = System(name="asana", words="Asana", identity="asana", settings=AsanaSettings, open=_open)
