"""What is shown around a page of requests is read at once, and stays with its request."""

from __future__ import annotations

import pytest

from tests.doubles.directory import BEN, CARA
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio


async def test_votes_and_deliveries_of_many_requests_are_those_of_each(world: World) -> None:
    (first,), (second,), (third,) = [await world.asked("pay") for _ in range(3)]
    await world.vote(first, BEN)
    await world.vote(first, CARA)
    await world.vote(second, CARA)
    found = await world.records.around([first.id, second.id, third.id])

    for request in (first, second, third):
        expected = await world.records.votes(request.id), await world.records.deliveries(request.id)
        assert expected == found[request.id]
    assert [2, 1, 0] == [len(votes) for votes, _ in found.values()]
    assert {} == await world.records.around([])
