"""One poll of a ticket system while a ticket of every waiting request is open, in a process of its
own: `python -m bench.ours.scale_poll URL` prints what it took.

The system answers at once that nothing is open there, so that every ticket is looked for, which is
the most that a poll does with those that wait.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, cast

import psycopg
from sqlalchemy.engine import make_url

from bench.launch import ROOT
from bench.measure import require
from bench.ours.product import rss_mb
from countersign.approvals.compose import compose
from countersign.approvals.errors import UnavailableError
from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.ports import KnownTickets, TicketConnector, ToolCatalog
from countersign.approvals.rules.policy import Policy
from countersign.approvals.store import open_store
from countersign.approvals.tickets import Observation, TicketPage, TicketRef
from countersign.bot.clock import SystemClock
from countersign.bot.people import SettingsDirectory
from countersign.connectors.ticketing.reconciler import Reconciler

CHANNEL = "jira"
OPEN = (
    "INSERT INTO deliveries (id, request_id, channel, target, status, reference, shown_version, "
    "wanted_version, attempts, ticket_id) SELECT 'T' || substr(id, 2), id, 'jira', 'ticket', "
    "'live', '{\"ticket\": \"' || id || '\"}', 1, 1, 0, id FROM requests WHERE status = 'pending'"
)


class _Nothing:
    """A system in which nothing is open, and in which a single ticket cannot be read."""

    name = CHANNEL
    poll_every_s = 60.0
    languages: Sequence[str] = ()
    changes_words: Sequence[str] = ()

    async def fetch_decisions(self, since: str | None, known: KnownTickets) -> TicketPage:
        require(not await known([]), "something is known of nothing")
        return TicketPage(observations=(), cursor="")

    async def fetch_one(self, ref: TicketRef) -> Observation | None:
        raise UnavailableError(f"{ref.id} is not read here")


def poll_all(url: str) -> dict[str, Any]:
    """Open a ticket for every request that waits, and poll."""
    _open_tickets(url)
    argv = [sys.executable, "-m", "bench.ours.scale_poll", url]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"the poll failed: {done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _open_tickets(url: str) -> None:
    """One for every request that waits."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(str(make_url(url).database))
        with connection:
            connection.execute(OPEN)
        connection.close()
    else:
        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as other:
            other.execute(OPEN)


async def _poll(url: str) -> dict[str, Any]:
    clock, directory = SystemClock(), SettingsDirectory([])
    connectors = {CHANNEL: cast(TicketConnector, _Nothing())}
    async with open_store(url) as store:
        jobs, catalog = EmbeddedJobs(store, clock), cast(ToolCatalog, None)  # no tool is asked for
        domain = compose(store, clock, jobs, Policy.load({}), directory, catalog)
        parts = (domain.approvals, domain.records, directory, domain.outbox)
        reconciler = Reconciler(connectors, store, clock, *parts)
        await reconciler.plan()
        began_s = time.perf_counter()
        await reconciler.poll(CHANNEL)
        poll_ms = (time.perf_counter() - began_s) * 1e3
    return {"poll_ms": round(poll_ms), "poll_rss_mb": round(rss_mb(os.getpid(), "VmHWM"))}


def main(arguments: Sequence[str]) -> None:
    """Print the figures as one line of JSON."""
    sys.stdout.write(json.dumps(asyncio.run(_poll(arguments[0]))) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
