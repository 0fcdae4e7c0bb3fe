"""Whether oversight is real, over the API: JSON and CSV, for administrators."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bot.api_world import World, running

pytestmark = pytest.mark.asyncio
PATH = "/api/v1/oversight"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as started:
        for waits_s, verdict in ((1, "approve"), (600, "approve"), (60, "reject")):
            request = await started.waiting()
            started.clock.advance(waits_s)
            await started.vote(
                request, verdict=verdict, comment="No." if verdict == "reject" else ""
            )
        started.clock.advance(1)
        yield started


async def test_an_administrator_reads_how_people_decide(world: World) -> None:
    status, body = await world.call("GET", PATH, person="megan")

    assert 200 == status
    assert (3, True, 0) == (body["requests"], body["complete"], body["expired"])
    assert (0.5, 0.3333, 60.0) == (
        body["total"]["fast_share"], body["total"]["rejected_share"], body["total"]["median_s"],
    )  # fmt: skip
    (person,), (rule,), (channel,) = body["people"], body["rules"], body["channels"]
    assert ("alex", "Alex Wilber", 3) == (person["id"], person["name"], person["votes"])
    assert ("tools.send", "api") == (rule["id"], channel["id"])


async def test_others_do_not_and_what_is_no_time_is_refused(world: World) -> None:
    forbidden, why = await world.call("GET", PATH, person="alex")
    wrong, _ = await world.call("GET", f"{PATH}?since=soon", person="megan")
    naive, _ = await world.call("GET", f"{PATH}?since=2026-11-01T00:00:00", person="megan")
    backwards, _ = await world.call(
        "GET", f"{PATH}?since=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z", person="megan"
    )
    _, none = await world.call("GET", f"{PATH}?until=2026-11-01T00:00:00Z", person="megan")

    assert 403 == forbidden
    assert "Only administrators" in why["detail"]
    assert (422, 422, 422, 0) == (wrong, naive, backwards, none["requests"])


async def test_it_is_a_table_for_who_asks_for_csv(world: World) -> None:
    headers = {"Authorization": "Bearer token-of-megan", "Accept": "text/csv"}
    async with world.client.get(PATH, headers=headers) as response:
        text = await response.text()
        assert response.content_type == "text/csv"
    lines = list(csv.DictReader(text.splitlines()))

    assert ["all", "rule", "channel", "person"] == [line["kind"] for line in lines]
    assert ("Alex Wilber", "3", "2", "1", "0.5000", "60.000") == tuple(
        lines[3][name] for name in ("name", "votes", "approvals", "fast", "fast_share", "median_s")
    )
