"""Ticket systems to measure connectors on: stand-ins in processes of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from bench.measure import require
from countersign.approvals.ports import Clock, TicketConnector
from countersign.approvals.tickets import TicketRef
from countersign.connectors.jira.connector import JiraConnector
from countersign.connectors.jira.settings import ApiToken, JiraSettings, Statuses
from countersign.connectors.servicenow.connector import ServiceNowConnector
from countersign.connectors.servicenow.settings import BasicAuth, ServiceNowSettings
from countersign.sandbox.desk import Desk
from countersign.sandbox.jira.desk import JiraDesk
from countersign.sandbox.remote import Remote
from countersign.sandbox.servicenow.desk import ServiceNowDesk
from tests.processes import stand_in

CONTROL_TIMEOUT_S = 60.0
MOST_RECORDED = 5_000
"""Calls that a stand-in remembers; of more than that it forgets the first."""

Ready = dict[str, Any]
"""What a stand-in prints when it is ready: its address and its credentials."""


@dataclass(frozen=True)
class Kind:
    """How one system is reached, and where its people work."""

    connector: Callable[[Ready, Clock], TicketConnector]
    desk: Callable[[Remote], Desk]


def _servicenow(ready: Ready, clock: Clock) -> TicketConnector:
    password = SecretStr(ready["password"])
    settings = ServiceNowSettings(
        url=ready["url"], auth=BasicAuth(kind="basic", user=ready["user"], password=password)
    )
    return ServiceNowConnector(settings, clock)


def _jira(ready: Ready, _: Clock) -> TicketConnector:
    ids = ready["statuses"]
    settings = JiraSettings(
        url=ready["url"],
        auth=ApiToken(kind="basic", email=ready["email"], token=SecretStr(ready["token"])),
        project=ready["project"],
        issue_type=ready["issue_type"],
        statuses=Statuses(
            pending=(ids["Pending"],), approved=(ids["Approved"],), rejected=(ids["Rejected"],)
        ),
    )
    return JiraConnector(settings)


KINDS = {"servicenow": Kind(_servicenow, ServiceNowDesk), "jira": Kind(_jira, JiraDesk)}


@dataclass(frozen=True)
class TicketSystem:
    """A system that runs, with a connector to it. What we do here is in no record of its calls."""

    name: str
    connector: TicketConnector
    desk: Desk
    switches: Remote

    @property
    def approver(self) -> str:
        """By what the system knows the person who is asked."""
        return self.desk.people["alex"]

    async def approve(self, ref: TicketRef) -> None:
        """Say yes in the ticket, as the person who is asked."""
        await asyncio.to_thread(self.desk.answer, ref.key, "approve")

    async def slow_down(self, latency_ms: int) -> None:
        """Make every call take so long at least."""
        await asyncio.to_thread(self.switches.slow_down, latency_ms / 1e3)

    async def forget_calls(self) -> None:
        """Count from here."""
        await asyncio.to_thread(self.switches.forget_requests)

    async def calls(self) -> int:
        """How many it answered since. Raises BenchError if it cannot know."""
        found = len(await asyncio.to_thread(self.switches.requests))
        require(found < MOST_RECORDED, f"{self.name} was called {found} times or more")
        return found


@asynccontextmanager
async def open_system(name: str, clock: Clock, database: Path) -> AsyncIterator[TicketSystem]:
    """The stand-in `name` on a new `database`, and a connector to it. Raises BenchError."""
    require(name in KINDS, f"there is no connector for {name}")
    kind = KINDS[name]
    async with (
        _process(name, database) as ready,
    ):
        connector = kind.connector(ready, clock)
        try:
            with httpx.Client(timeout=CONTROL_TIMEOUT_S, trust_env=False) as http:
                switches = Remote(ready["url"], http)
                yield TicketSystem(name, connector, kind.desk(switches), switches)
        finally:
            await connector.close_client()


@asynccontextmanager
async def _process(name: str, database: Path) -> AsyncIterator[Ready]:
    child = stand_in(name, database.parent, "--db", str(database))
    try:
        yield await asyncio.to_thread(child.first_json)
    finally:
        child.kill()
