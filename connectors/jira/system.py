"""Jira as the product knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from countersign.connectors.jira.settings import JiraSettings
from countersign.connectors.system import Deployment, Opened, System, open_tickets


@asynccontextmanager
async def _open(settings: JiraSettings, deployment: Deployment) -> AsyncIterator[Opened]:
    # Here, so that a deployment without Jira need not import the vendor's package.
    from countersign.connectors.jira.connector import JiraConnector

    connector = JiraConnector(
        settings,
        deployment.links,
        approvers=deployment.approvers,
        pages_url=deployment.pages_url,
    )
    async with open_tickets(connector, deployment) as opened:
        yield opened


SYSTEM = System(name="jira", words="Jira", identity="jira", settings=JiraSettings, open=_open)
