"""The domain with Teams (a fake) and a ticket system in memory, both open at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from countersign.approvals.decisions.outbox import (
    DELIVER,
    POLL,
    READ,
)
from countersign.approvals.models import Delivery, DeliveryStatus, Request
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.tickets import WebhookHint
from countersign.connectors.ticketing.channel import TicketChannel
from countersign.connectors.ticketing.reconciler import Reconciler
from tests.doubles.clock import ManualClock
from tests.doubles.database import empty_store
from tests.doubles.jobs import RecordingJobs
from tests.doubles.ticket_desk import State, Ticket
from tests.doubles.tickets import FakeTickets
from tests.doubles.world import RULES, World

BOTH = ["teams", "jira"]
INDEX_LAG_S = 60.0


def with_channels(channels: list[str]) -> Mapping[str, Any]:
    """The usual rules, with every request shown in `channels`."""
    tools = {
        name: {**rule, "channels": channels} if isinstance(rule, dict) else rule
        for name, rule in RULES["tools"].items()
    }
    give = {
        "effect": "require_approval",
        "roles": ["manager"],
        "grants": {"max_uses": 9},
        "channels": channels,
    }
    return {"tools": {**tools, "give": give}, "reversibility": {"give": "reversible"}}


class DeskWorld(World):
    """Doorbells are answered when a test says so: `work()` until nothing rings."""

    jobs: RecordingJobs
    links: ReadLinks | None = None
    pages_url = ""

    def build(self, tickets: FakeTickets, channels: list[str]) -> None:
        """Put the ticket system beside the fake Teams."""
        self.tickets = tickets
        self.rules = with_channels(channels)
        self.restart()

    def restart(self) -> None:
        """Everything that lives in memory anew, as after a crash."""
        channel = TicketChannel(
            self.tickets, self.store, self.clock, self.directory, pages_url=self.pages_url
        )
        self.channels[channel.name] = channel  # type: ignore[assignment]
        self.use(self.rules)
        self.reconciler = Reconciler(
            {self.tickets.name: self.tickets},
            self.store,
            self.clock,
            self.approvals,
            self.records,
            self.directory,
            self.outbox,
            links=self.links,
        )

    async def work(self) -> None:
        """Answer what has been rung, and what that rings."""
        while rung := self.jobs.take(self.clock.now()):
            for job in rung:
                if job.kind == DELIVER:
                    await self.courier.deliver(job.id)
                elif job.kind == READ:
                    await self.reconciler.read_ticket(job.id)
                elif job.kind == POLL:
                    await self.reconciler.poll(job.id)

    async def poll(self, *, after_s: float = 31.0) -> None:
        """Let time pass until the next poll, and let it come."""
        self.clock.advance(after_s)
        await self.reconciler.poll(self.tickets.name)
        await self.work()

    async def hint(self, ticket: Ticket) -> bool:
        """A webhook came for this ticket."""
        hint = WebhookHint(ticket_id=ticket.id, delivery_id="w-1")
        ours = await self.reconciler.hint(self.tickets.name, hint)
        await self.work()
        return ours

    async def ticketed(self, tool: str = "quote") -> tuple[Request, Ticket]:
        """A pending request with its ticket open and everything polled once."""
        (request,) = await self.asked(tool)
        await self.work()
        await self.reconciler.plan()
        await self.poll()
        return request, await self.ticket(request)

    async def delivery(self, request: Request, target: str = "ticket:1.0") -> Delivery:
        """The delivery that is the ticket."""
        deliveries = await self.records.deliveries(request.id)
        return next(d for d in deliveries if d.target == target)

    async def ticket(self, request: Request, target: str = "ticket:1.0") -> Ticket:
        """The ticket that the delivery names."""
        delivery = await self.delivery(request, target)
        assert delivery.ticket_id is not None, delivery
        return self.tickets.desk.tickets[delivery.ticket_id]

    async def without(self, delivery: Delivery, key: str) -> None:
        """Forget one thing that a delivery's reference says."""
        kept = {k: v for k, v in (delivery.reference or {}).items() if k != key}
        await self.store.write(
            lambda c: delivery_rows.record(c, delivery.id, reference=codec.dumps(kept))
        )

    def all_tickets(self) -> list[Ticket]:
        """Every ticket there is, the first made first."""
        return list(self.tickets.desk.tickets.values())

    def said(self, ticket: Ticket) -> str:
        """All comments of a ticket in one text."""
        return "\n".join(comment.text for comment in ticket.comments)

    async def refusals(self, request: Request) -> list[str]:
        """The reasons of the refused votes on the ledger."""
        entries = await self.records.ledger(request.session_id)
        return [e.body["reason"] for e in entries if e.kind == "vote_refused"]

    async def count(self, request: Request, kind: str) -> int:
        """How many ledger entries of this kind there are."""
        return list(await self.kinds(request.session_id)).count(kind)


@asynccontextmanager
async def desk_world(
    folder: Path,
    *,
    channels: list[str] | None = None,
    index_lag_s: float = INDEX_LAG_S,
    database: str = "sqlite",
) -> AsyncIterator[DeskWorld]:
    """A world with tickets; the request is shown in Teams and as a ticket unless told otherwise."""
    clock = ManualClock()
    async with empty_store(folder, database) as store:
        world = DeskWorld(store, RecordingJobs(), clock)
        world.build(FakeTickets(clock, index_lag_s=index_lag_s), channels or BOTH)
        yield world


LIVE, CLOSED, PENDING = DeliveryStatus.LIVE, DeliveryStatus.CLOSED, DeliveryStatus.PENDING
__all__ = ["BOTH", "CLOSED", "LIVE", "PENDING", "DeskWorld", "State", "desk_world"]
