"""The domain as one piece: nothing is left to connect but agents and ticket systems."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from countersign.approvals.compose import compose
from countersign.approvals.models import RequestStatus
from tests.approvals.delivery.test_notices import thread
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.jobs_at_work import at_work, ring
from tests.doubles.world import THREAD, working


async def test_a_composed_domain_answers_its_own_doorbells(tmp_path: Path) -> None:
    async with working(tmp_path) as world:
        world.domain.answer(world.jobs)
        await world.conversations.save(thread())
        async with at_work(world) as jobs:
            run = await world.begun(THREAD)
            proposal = world.proposal(run.session.id, "quote")
            said: dict[str, Any] = {"state": NOTHING_SAID, "progress": ["Hello"]}
            (request,) = await world.runs.submit(run, [proposal], **said)
            await jobs.until_idle()
            shown = {d.status for d in await world.records.deliveries(request.id)}
            world.clock.advance(3700)
            await ring(world, request.id, "expire")
            await jobs.until_idle()
            after = await world.now(request)

    assert ({"live"}, RequestStatus.EXPIRED) == (shown, after.status)
    key, text = world.channel.said[0]
    assert (THREAD, "Hello") == (key, text.splitlines()[0])


async def test_without_channels_a_request_waits_where_nobody_is_shown_it(tmp_path: Path) -> None:
    async with working(tmp_path) as world:
        parts = (world.store, world.clock, world.jobs, world.policy, world.directory, world.catalog)
        domain = compose(*parts)
        world.runs = domain.runs
        (request,) = await world.asked()

        assert () == tuple(await domain.records.deliveries(request.id))
        assert RequestStatus.PENDING is (await domain.records.request(request.id)).status
