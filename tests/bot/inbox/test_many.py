"""However many requests wait, a page of the inbox reads as little as with a few."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bench.ours.fill import fill_here, read_template
from countersign.approvals.records import oversight as figures
from countersign.approvals.store import oversight, waiting
from countersign.bot.inbox import insights
from tests.bot.inbox.replayed import costs, recorded
from tests.bot.inbox_world import Browser, InboxWorld, inbox

FEW, MORE = 1_500, 6_000
PAGES = (
    "",
    "?sort=newest",
    "?sort=due",
    "?sort=risk",
    "?q=ceo",
    "?q=nothing-like-it",
    "?risk=high",
    "?due=24h",
    "?part=1",
    "/sessions",
    "/sessions?status=waiting",
    "/sessions?status=failed",
    "/workflows",
    "/rules",
    "/rules/grants",
    "/rules/rollout",
    "/insights/suggestions",
    "/insights/oversight.csv",
    "/ledger/governance.json",
    "/ledger",
    "/health",
    "/insights",
    "/requests/{request}",
    "/requests/{request}/receipt",
    "/sessions/{session}",
    "/live?request={request}",
)
BOUND = 1.3
"""How much more may be read of four times as many: another depth of a tree, another page of it."""


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_a_page_reads_as_much_of_four_times_as_many(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # These look at so many at most; the bound is smaller here, so that a few are many.
    monkeypatch.setattr(waiting, "SEARCHED", 600)
    monkeypatch.setattr(insights, "NEWEST", 600)
    monkeypatch.setattr(figures, "NEWEST", 600)
    monkeypatch.setattr(oversight, "LOOKED", 600)
    async with inbox(tmp_path, database=database) as world:
        asked = await world.api.waiting()
        names = {"request": asked["id"], "session": asked["session_id"]}
        url = await url_of(world, tmp_path)
        template = await asyncio.to_thread(read_template, url)
        paths = [f"/inbox{page.format(**names)}" for page in PAGES]
        read = {}
        megan = await world.signed_in("megan")
        for copies in (FEW, MORE - FEW):
            until = world.api.clock.now() - timedelta(hours=copies / MORE)
            await asyncio.to_thread(fill_here, url, template, copies, until)
            read[copies] = [await cost_of(megan, url, path, monkeypatch) for path in paths]

        few, more = read.values()
        grown = {
            path: (before, now)
            for path, before, now in zip(paths, few, more, strict=True)
            if now > BOUND * before + 30
        }
        assert {} == grown
        assert all(cost < 60_000 for cost in more)


async def url_of(world: InboxWorld, folder: Path) -> str:
    """Of the database below."""
    found = await world.api.store.read(lambda c: c.engine.url.render_as_string(hide_password=False))
    return f"sqlite:///{folder}/countersign.db" if found.startswith("sqlite") else found


async def cost_of(megan: Browser, url: str, path: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """What is read for a page, as an administrator."""
    with recorded(monkeypatch) as statements:
        if "/live" in path:
            async with megan.client.get(path) as response:
                await response.content.readline()
        else:
            await megan.open(path)
            assert megan.status == 200, path
    return await asyncio.to_thread(costs(url), statements)
