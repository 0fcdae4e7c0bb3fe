"""Ticket systems to measure connectors on: stand-ins in processes of their own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from bench.launch import ROOT
from bench.measure import require
from countersign.approvals.ports import Clock, TicketConnector
from countersign.approvals.tickets import TicketRef
from countersign.connectors.jira.connector import JiraConnector
from countersign.connectors.jira.settings import ApiToken, JiraSettings, Statuses
from countersign.connectors.servicenow.connector import ServiceNowConnector
from countersign.connectors.servicenow.settings import BasicAuth, ServiceNowSettings

READY_TIMEOUT_S, CONTROL_TIMEOUT_S = 60.0, 60.0
MOST_RECORDED = 5_000
"""Calls that a stand-in remembers; of more than that it forgets the first."""

Ready = dict[str, Any]
"""What a stand-in prints when it is ready: its address and its credentials."""


@dataclass(frozen=True)
class Kind:
    """How one system is reached, and how its approver says yes."""

    approver: str
    """By what the system knows the person who is asked."""
    connector: Callable[[Ready, Clock], TicketConnector]
    approval: Callable[[TicketRef], dict[str, str]]
    """What makes the stand-in act as the approver: the body of `POST /_sandbox/act`."""


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


KINDS = {
    "servicenow": Kind(
        approver="alex.wilber",
        connector=_servicenow,
        approval=lambda ref: {"user": "alex.wilber", "do": "approve", "number": ref.id},
    ),
    "jira": Kind(
        approver="712020:alex",
        connector=_jira,
        approval=lambda ref: {
            "as": "alex",
            "action": "transition",
            "key": ref.key,
            "to_status": "Approved",
        },
    ),
}


@dataclass(frozen=True)
class TicketSystem:
    """A system that runs, with a connector to it. What we do here is in no record of its calls."""

    name: str
    kind: Kind
    connector: TicketConnector
    http: httpx.AsyncClient

    async def approve(self, ref: TicketRef) -> None:
        """Say yes in the ticket, as the person who is asked."""
        await self._control("POST", "act", self.kind.approval(ref))

    async def slow_down(self, latency_ms: int) -> None:
        """Make every call take so long at least."""
        await self._control("PUT", "latency", {"latency_s": latency_ms / 1e3})

    async def forget_calls(self) -> None:
        """Count from here."""
        await self._control("DELETE", "requests")

    async def calls(self) -> int:
        """How many calls it answered since. Raises BenchError if it cannot know."""
        found = len((await self._control("GET", "requests")).json())
        require(found < MOST_RECORDED, f"{self.name} was called {found} times or more")
        return found

    async def _control(self, method: str, path: str, body: object = None) -> httpx.Response:
        answer = await self.http.request(method, f"/_sandbox/{path}", json=body)
        require(answer.is_success, f"{self.name}: {method} {path}: {answer.text}")
        return answer


@asynccontextmanager
async def open_system(name: str, clock: Clock, database: Path) -> AsyncIterator[TicketSystem]:
    """The stand-in `name` on a new `database`, and a connector to it. Raises BenchError."""
    require(name in KINDS, f"there is no connector for {name}")
    kind = KINDS[name]
    async with (
        _process(f"sandbox.{name}", database) as ready,
        httpx.AsyncClient(
            base_url=ready["url"], timeout=CONTROL_TIMEOUT_S, trust_env=False
        ) as http,
    ):
        connector = kind.connector(ready, clock)
        try:
            yield TicketSystem(name, kind, connector, http)
        finally:
            await connector.close_client()


@asynccontextmanager
async def _process(module: str, database: Path) -> AsyncIterator[Ready]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, "--port", "0", "--db", str(database),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    try:
        require(process.stdout, f"{module} has no output")
        async with asyncio.timeout(READY_TIMEOUT_S):
            line = await process.stdout.readline()  # type: ignore[union-attr]
        require(line, f"{module} did not start")
        yield json.loads(line)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
