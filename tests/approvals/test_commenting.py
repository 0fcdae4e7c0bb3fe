"""Comments: what somebody says of a request without deciding it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from countersign.approvals.models import DeliveryStatus, RequestStatus
from countersign.approvals.tickets import ActKey
from tests.doubles.directory import BEN, STRANGER, acting
from tests.doubles.world import World, opened


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as found:
        yield found


async def test_comment_is_kept_once_and_decides_nothing(world: World) -> None:
    (request,) = await world.asked()
    first = ActKey(channel="email", ticket_id="m", act_id="1")
    new = [
        await world.approvals.comment(request.id, who, "Why?", act=act)
        for who, act in (
            (acting(BEN), first),
            (acting(BEN), first),
            (STRANGER, first.model_copy(update={"act_id": "2"})),
        )
    ]
    said = [
        (entry.body["by"], entry.body["text"])
        for entry in await world.records.ledger(request.session_id)
        if entry.kind == "commented"
    ]

    assert [True, False, True] == new
    assert [("ben", "Why?"), (None, "Why?")] == said
    assert RequestStatus.PENDING is (await world.now(request)).status
    assert (await world.records.verify()).verified


async def test_channel_is_rung_for_what_may_not_be_there(world: World) -> None:
    (request,) = await world.asked()
    for delivery in await world.records.deliveries(request.id):
        await world.courier.deliver(delivery.id)
    world.take()
    await world.approvals.look_again("teams", BEN.id)
    rung = [job.id for job in world.take()]
    deliveries = await world.records.deliveries(request.id)
    bens = [d for d in deliveries if d.target == "person:ben"]

    assert [d.id for d in bens] == rung
    assert [(DeliveryStatus.LIVE, 2)] == [(d.status, d.wanted_version) for d in bens]
