"""A directory of 50,000 people and 2,000 groups: what reading it takes, and what a vote does then.

The directory is the stand-in of Graph in a process of its own, read by the product's own clients
into SQLite on disk. Votes are measured in turn, by processor time: with the people of the file
alone, and with all of the directory known as well.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from bench.data import directory as folder
from bench.ours.stack import Stack, stack
from bench.ours.workflow_names import GROUP
from bench.payload import TASK
from countersign.approvals.directory.linking import Grant, SourceRules
from countersign.approvals.directory.synced import SyncedDirectory
from countersign.approvals.directory.syncing import Syncing, SyncPlan
from countersign.approvals.models import (
    Account,
    DirectoryPage,
    Group,
    Membership,
    Principal,
)
from countersign.approvals.ports import Directory, DirectorySource, Reader, Store
from countersign.approvals.store import open_store, upgrade
from countersign.approvals.tickets import CheckResult
from countersign.bot.clock import SystemClock

PEOPLE = int(os.environ.get("PEOPLE", "50000"))
GROUPS = int(os.environ.get("GROUPS", "2000"))
EACH = 4
"""Groups of one person."""
PAGE = 500
VOTES = int(os.environ.get("VOTES", "300"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
RESULTS = Path(__file__).parents[1] / "directory.json"


class Crowd(DirectorySource):
    """Makes its pages up as they are asked for."""

    name, words, identity, lists_everybody = "entra", "Crowd", "entra", True

    def __init__(self) -> None:
        self.leave = 0
        """So many of the first have left."""

    async def read(self, cursor: str | None) -> AsyncIterator[DirectoryPage]:
        """All of it, each time."""
        for start in range(self.leave, PEOPLE, PAGE):
            numbers = range(start, min(start + PAGE, PEOPLE))
            yield DirectoryPage(
                accounts=tuple(
                    Account(
                        id=f"id-{n:06d}", name=f"Person {n}", email=f"p{n}@example.com", active=True
                    )
                    for n in numbers
                ),
                memberships=tuple(
                    Membership(group_id=f"g-{(n * 7 + k) % GROUPS:04d}", member_id=f"id-{n:06d}")
                    for n in numbers
                    for k in range(EACH)
                ),
            )
        for start in range(0, GROUPS, PAGE):
            numbers = range(start, min(start + PAGE, GROUPS))
            yield DirectoryPage(
                groups=tuple(Group(id=f"g-{n:04d}", name=f"G {n}") for n in numbers)
            )
        yield DirectoryPage(cursor="next")

    async def check(self) -> Sequence[CheckResult]:
        """Nothing to say."""
        return ()

    async def close(self) -> None:
        """Nothing is open."""


def rss_mb() -> float:
    """What this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def reading(path: Path) -> dict[str, Any]:
    """Two readings of all: how long they take, and how much memory they need at most."""
    url = f"sqlite:///{path}"
    upgrade(url)
    clock = SystemClock()
    async with open_store(url) as store:
        crowd = Crowd()
        plan = SyncPlan(every=timedelta(0), whole_every=timedelta(0), most_gone=0.5)

        async def changed() -> None:
            """Nobody listens."""

        syncing = Syncing([crowd], store, clock, plan, changed=changed)
        await syncing.know("1")
        before, most, figures = rss_mb(), 0.0, {}
        stop = asyncio.Event()

        async def watch() -> None:
            nonlocal most
            while not stop.is_set():
                most = max(most, rss_mb())
                await asyncio.sleep(0.05)

        watching = asyncio.create_task(watch())
        for name in ("first_s", "again_s"):
            began_s = time.perf_counter()
            await syncing.run()
            figures[name] = time.perf_counter() - began_s
        stop.set()
        await watching
        figures["reading_mb"] = most - before
        before = rss_mb()
        known = everybody(store)
        began_s = time.perf_counter()
        await known.refresh()
        figures["known_s"], figures["known_mb"] = time.perf_counter() - began_s, rss_mb() - before
        crowd.leave = 1
        await syncing.run()
        began_s = time.perf_counter()
        await known.refresh()
        figures["change_known_s"] = time.perf_counter() - began_s
        figures["people"] = len(known.people())
        return figures


def everybody(store: Reader, listed: Sequence[Principal] = ()) -> SyncedDirectory:
    """All of the crowd, each with four of 2,000 roles, and those `listed`."""
    grants = {f"g-{n:04d}": Grant(roles=frozenset({f"role-{n}"})) for n in range(GROUPS)}
    rules = SourceRules(name="entra", identity="entra", grants=grants)
    words, max_age = {"entra": "Crowd"}, timedelta(days=1)
    return SyncedDirectory(listed, [rules], store, words=words, max_age=max_age)


async def all_known(store: Store, listed: Sequence[Principal]) -> Directory:
    """The directory, read into this database, and the people who vote."""
    plan = SyncPlan(every=timedelta(hours=1), most_gone=0.5)
    found = everybody(store, listed)

    async def changed() -> None:
        await found.refresh()

    syncing = Syncing([Crowd()], store, SystemClock(), plan, changed=changed)
    await syncing.know("1")
    await syncing.run()
    return found


async def votes(ours: Stack, asked: Any) -> float:
    """Processor time of one vote, in ms."""
    began_s = time.process_time()
    for request in itertools.islice(asked, VOTES):
        await ours.approve(request)
    return (time.process_time() - began_s) / VOTES * 1000


async def main() -> None:
    """Measure, print, and write it as JSON."""
    with folder() as here:
        figures = await reading(here / "read.db")
        print(json.dumps(figures, indent=2), flush=True)
        async with (
            stack(here / "few.db", GROUP) as few,
            stack(here / "all.db", GROUP, directory=all_known) as all_,
        ):
            for ours in (few, all_):
                for _ in range(VOTES * ROUNDS):
                    await ours.start(GROUP, TASK)
            waiting = [iter(await each.pending()) for each in (few, all_)]
            taken: list[tuple[float, ...]] = []
            for _ in range(ROUNDS):
                taken.append(
                    tuple([await votes(o, w) for o, w in zip((few, all_), waiting, strict=True)])
                )
        few_ms, all_ms = (median(column) for column in zip(*taken, strict=True))
        figures |= {"vote_few_ms": few_ms, "vote_all_ms": all_ms, "ratio": all_ms / few_ms}
    figures["python"] = sys.version.split()[0]
    print(json.dumps(figures, indent=2))
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
