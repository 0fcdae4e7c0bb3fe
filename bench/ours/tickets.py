"""What it takes to hear of everybody's answers in a ticket system: one poll, beside one by one.

`N` sessions wait, each with a ticket, and a person has approved all of them. The poll is what the
reconciler does: `fetch_decisions` from where it has read up to. One by one is `fetch_one` of every
ticket, on all threads of the same connector. Both have to find every decision.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol

from bench.measure import Leg, require, write
from bench.ours.stack import APPROVER, Stack, stack, versions
from bench.ours.ticket_systems import TicketSystem, open_system
from bench.ours.workflow_names import GROUP
from bench.payload import TASK
from countersign.approvals.models import Principal, Verdict
from countersign.approvals.ports import KnownTickets, TicketConnector, TicketOrder
from countersign.approvals.tickets import (
    Observation,
    TicketRef,
    TicketVote,
    order_key,
    target_of,
)
from countersign.bot.clock import SystemClock

MOST_CALLS, MOST_TICKETS = 3, 200
"""What is promised: so many tickets cost no more calls than that."""
AT_ONCE = 16
"""Twice the threads of a connector, so that none of them waits for us."""
LIMIT_S = 900
"""Shorter than the runner's patience: the stand-in has to be ended by us."""


class Counted(Protocol):
    """Who counts the calls that a connector makes."""

    async def forget_calls(self) -> None:
        """Count from here."""

    async def calls(self) -> int:
        """How many there were since."""


def _among(refs: Sequence[TicketRef]) -> KnownTickets:
    async def known(ids: Sequence[str]) -> Sequence[TicketRef]:
        wanted = set(ids)
        return [ref for ref in refs if ref.id in wanted]

    return known


async def measure(
    connector: TicketConnector, system: Counted, refs: Sequence[TicketRef], since: str
) -> dict[str, Any]:
    """The figures of one repetition. Raises BenchError unless both ways find every decision, and
    the poll within the calls that are promised."""
    ids = {ref.id for ref in refs}

    async def poll() -> Sequence[Observation]:
        return (await connector.fetch_decisions(since, _among(refs))).observations

    async def one_by_one() -> Sequence[Observation]:
        left, found = iter(refs), list[Observation]()
        await asyncio.gather(*(_read(connector, left, found) for _ in range(AT_ONCE)))
        return found

    polled, calls, poll_ms = await _timed(system, poll)
    require(_approved(connector, polled) == ids, "the poll did not find every decision")
    promised = MOST_CALLS * -(-len(refs) // MOST_TICKETS)
    require(calls <= promised, f"the poll took {calls} calls, and {promised} are promised")
    read, more_calls, one_by_one_ms = await _timed(system, one_by_one)
    require(_approved(connector, read) == ids, "one by one, not every decision was found")
    return {
        "tickets": len(refs),
        "calls": calls,
        "poll_ms": round(poll_ms, 1),
        "one_by_one_calls": more_calls,
        "one_by_one_ms": round(one_by_one_ms, 1),
        "ratio": round(one_by_one_ms / poll_ms, 2),
    }


async def _timed(
    system: Counted, work: Callable[[], Awaitable[Sequence[Observation]]]
) -> tuple[Sequence[Observation], int, float]:
    await system.forget_calls()
    began_s = time.perf_counter()
    found = await work()
    took_ms = (time.perf_counter() - began_s) * 1e3
    return found, await system.calls(), took_ms


async def _read(
    connector: TicketConnector, refs: Iterator[TicketRef], found: list[Observation]
) -> None:
    for ref in refs:
        observation = await connector.fetch_one(ref)
        if observation is not None:
            found.append(observation)


def _approved(connector: TicketConnector, observations: Sequence[Observation]) -> set[str]:
    """The tickets in which exactly one thing was said, and that was yes."""
    approved = set()
    for observation in observations:
        match connector.decide(observation):
            case [TicketVote(verdict=Verdict.APPROVE)]:
                approved.add(observation.ref.id)
    return approved


async def _ordered(ours: Stack, system: TicketSystem, leg: Leg) -> list[TicketOrder]:
    """A waiting session for every ticket, and what the ticket is to say."""
    for _ in leg.sessions:
        await ours.start(GROUP, TASK)
    identities = {system.name: system.approver}
    approver = Principal(id=APPROVER, name="Alex", identities=identities)
    return [
        TicketOrder(
            key=order_key(request.id, target_of(request)),
            view=await ours.records.view(request.id),
            approvers=(approver,),
        )
        for request in await ours.pending()
    ]


async def _opened(connector: TicketConnector, orders: Sequence[TicketOrder]) -> list[TicketRef]:
    left, refs = iter(orders), list[TicketRef]()

    async def open_next() -> None:
        for order in left:
            refs.append(await connector.open_ticket(order))

    await asyncio.gather(*(open_next() for _ in range(AT_ONCE)))
    return refs


async def main(leg: Leg) -> None:
    """Open `N` tickets in `SYSTEM`, approve them, and measure at each of `LATENCIES_MS`, `REPS`
    times."""
    latencies_ms = [int(text) for text in os.environ["LATENCIES_MS"].split(",")]
    rows = []
    async with asyncio.timeout(LIMIT_S), stack(leg.database, GROUP) as ours:
        database = leg.database.with_name("tickets.db")
        async with open_system(os.environ["SYSTEM"], SystemClock(), database) as system:
            connector = system.connector
            refs = await _opened(connector, await _ordered(ours, system, leg))
            before = await connector.fetch_decisions(None, _among(refs))
            require(not _approved(connector, before.observations), "something was approved before")
            for ref in refs:
                await system.approve(ref)
            for rep in range(1, int(os.environ["REPS"]) + 1):
                for latency_ms in latencies_ms:
                    await system.slow_down(latency_ms)
                    figures = await measure(connector, system, refs, before.cursor)
                    rows.append({"rep": rep, "latency_ms": latency_ms, **figures})
    write(leg, {"rows": rows, "versions": versions()})


if __name__ == "__main__":
    asyncio.run(main(Leg.from_command_line()))
