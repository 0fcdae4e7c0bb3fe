"""How far each ticket system has been read, and when it is read next."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest

from countersign.approvals.store import tickets as rows
from countersign.approvals.tickets import PollState
from tests.doubles.clock import START
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


async def test_planned_system_is_polled_at_once_and_all_of_it(world: World) -> None:
    await world.store.write(lambda c: rows.plan_poll(c, "jira", at(5)))
    early = await world.store.read(lambda c: rows.due_polls(c, at(4)))
    due = await world.store.read(lambda c: rows.due_polls(c, at(5)))

    assert ([], ["jira"]) == (early, due)
    assert PollState(channel="jira", next_at=at(5)) == (
        await world.store.read(lambda c: rows.poll_state(c, "jira"))
    )


async def test_planning_again_keeps_the_cursor_and_asks_for_everything(world: World) -> None:
    await world.store.write(lambda c: rows.plan_poll(c, "jira", at(0)))
    state = PollState(
        channel="jira",
        cursor="c-9",
        polled_at=at(1),
        swept_at=at(1),
        next_at=at(900),
        failures=3,
        error="It does not answer.",
    )
    await world.store.write(lambda c: rows.save_poll(c, state))
    saved = await world.store.read(lambda c: rows.poll_state(c, "jira"))
    await world.store.write(lambda c: rows.plan_poll(c, "jira", at(2)))

    assert state == saved
    assert state.model_copy(update={"next_at": at(2), "swept_at": None}) == (
        await world.store.read(lambda c: rows.poll_state(c, "jira"))
    )


async def test_saving_one_system_leaves_the_others(world: World) -> None:
    for channel in ("jira", "servicenow"):
        await world.store.write(partial(rows.plan_poll, channel=channel, now=at(0)))
    await world.store.write(lambda c: rows.save_poll(c, PollState(channel="jira", next_at=at(9))))

    assert ["servicenow"] == await world.store.read(lambda c: rows.due_polls(c, at(0)))


async def test_systems_that_are_configured_no_more_are_forgotten(world: World) -> None:
    for channel in ("jira", "servicenow"):
        await world.store.write(partial(rows.plan_poll, channel=channel, now=at(0)))
    await world.store.write(lambda c: rows.forget_polls(c, keep=["jira"]))
    kept = await world.store.read(lambda c: rows.due_polls(c, at(0)))
    await world.store.write(lambda c: rows.forget_polls(c, keep=[]))

    assert ["jira"] == kept
    assert [] == await world.store.read(lambda c: rows.due_polls(c, at(0)))
    assert await world.store.read(lambda c: rows.poll_state(c, "jira")) is None
