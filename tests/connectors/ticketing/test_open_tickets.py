"""Tickets that wait are looked up by what was read, and walked through in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from countersign.connectors.ticketing import open_tickets
from countersign.connectors.ticketing.open_tickets import OpenTickets
from tests.approvals.store.test_ticket_rows import delivered
from tests.doubles.world import World, opened

pytestmark = pytest.mark.asyncio
MANY = [f"{number:02}" for number in range(20)]


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, database=request.param) as found:
        yield found


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_tickets, "AT_ONCE", 3)
    monkeypatch.setattr(open_tickets, "PAGE", 3)


async def waiting(world: World) -> dict[str, str]:
    """Delivery ids by ticket id."""
    return {n: await delivered(world, (await world.asked())[0], n) for n in MANY}


async def test_those_that_were_read_are_found_and_no_others(world: World) -> None:
    await waiting(world)
    found = await OpenTickets(world.store, "jira").among([*MANY[5:15], "99"])

    assert MANY[5:15] == sorted(str(delivery.ticket_id) for delivery in found)


async def test_every_ticket_that_is_missing_is_found_and_none_that_was_seen(world: World) -> None:
    ids = await waiting(world)
    missing = await OpenTickets(world.store, "jira").missing(set(MANY[:18]), limit=50)

    assert sorted(ids[n] for n in MANY[18:]) == sorted(missing)


async def test_of_many_missing_ones_others_are_chosen_each_time(world: World) -> None:
    ids = await waiting(world)
    one = OpenTickets(world.store, "jira")
    chosen = [await one.missing((), limit=4) for _ in range(60)]

    assert {4} == {len(set(some)) for some in chosen}
    assert set(ids.values()) == {delivery for some in chosen for delivery in some}
