"""What is open, counted: pending by rule and age, doubts, backlogs, what is due."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from countersign.approvals.errors import UnavailableError
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.store import tickets
from countersign.approvals.store.backlog import (
    Backlog,
    Figures,
    Pending,
    Poll,
    read,
)
from countersign.approvals.tickets import PollState
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.world import THREAD, World

pytestmark = pytest.mark.asyncio


async def figures(world: World) -> Figures:
    now = world.clock.now()
    return await world.store.read(lambda c: read(c, now))


async def test_nothing_is_open_in_an_empty_database(world: World) -> None:
    expected = Figures(
        at=world.clock.now(),
        pending=(),
        requests={"executing": 0, "in_doubt": 0},
        sessions={"running": 0, "waiting": 0},
        parked=0,
        backlogs=(),
        closed={},
        notices=0,
        due_at={},
        polls=(),
    )

    assert expected == await figures(world)


async def test_pending_requests_are_counted_by_rule_and_age(world: World) -> None:
    (old,) = await world.asked("quote")
    world.clock.advance(timedelta(hours=2).total_seconds())
    await world.asked("quote")
    (pay,) = await world.asked("pay")
    ages = {"5m": 0, "1h": 0, "8h": 0, "1d": 0, "7d": 0, "older": 0}

    assert (
        Pending(rule=pay.rule_id, count=1, oldest_at=pay.created_at, by_age={**ages, "5m": 1}),
        Pending(
            rule=old.rule_id, count=2, oldest_at=old.created_at, by_age={**ages, "5m": 1, "8h": 1}
        ),
    ) == (await figures(world)).pending


async def test_very_old_requests_are_counted_too(world: World) -> None:
    (request,) = await world.asked("wire")
    world.clock.advance(timedelta(days=400).total_seconds())

    assert {"older": 1} == {
        age: count for age, count in (await figures(world)).pending[0].by_age.items() if count
    }
    assert request.created_at == (await figures(world)).pending[0].oldest_at


async def test_what_runs_and_what_is_in_doubt_is_told_apart(world: World) -> None:
    await world.executing()
    run, request = await world.executing()
    await world.runs.unknown(run, request.id, message="The line broke.")

    assert {"executing": 1, "in_doubt": 1} == (await figures(world)).requests


async def test_sessions_are_counted_while_they_can_go_on(world: World) -> None:
    await world.asked("quote")
    run = await world.begun()
    await world.runs.complete(run, state=NOTHING_SAID, ending=Ending(cause=SessionCause.ANSWERED))
    parked = await world.begun()
    await world.runs.park(parked, error="The model is away.")

    found = await figures(world)

    assert {"running": 1, "waiting": 1} == found.sessions
    assert 1 == found.parked


async def test_deliveries_to_come_are_a_backlog_and_failed_ones_are_named(world: World) -> None:
    (request,) = await world.asked("quote")
    planned = await world.records.deliveries(request.id)
    first = await figures(world)
    world.channel.failures.append(UnavailableError("away"))
    await world.courier.deliver(planned[0].id)
    after = await figures(world)

    due = Backlog(channel="teams", count=len(planned), failing=0, next_at=world.clock.now())
    assert (due,) == first.backlogs
    assert [(len(planned), 1)] == [(b.count, b.failing) for b in after.backlogs]


async def test_the_longest_due_row_of_each_kind_is_named(world: World) -> None:
    (request,) = await world.asked("quote")
    session = await world.start()
    later = world.clock.now() + timedelta(hours=5)
    await world.store.write(lambda c: tickets.plan_poll(c, "jira", later))
    world.clock.advance(timedelta(hours=3).total_seconds())

    expected = {
        "run": session.created_at,
        "deliver": request.created_at,
        "expire": request.expires_at,
    }
    assert expected == (await figures(world)).due_at


async def test_a_decided_request_is_not_pending_and_expires_no_more(world: World) -> None:
    (request,) = await world.asked("quote")
    await world.vote(request)
    found = await figures(world)
    world.clock.advance(timedelta(hours=3).total_seconds())

    assert () == found.pending
    assert "expire" not in (await figures(world)).due_at


async def test_every_ticket_system_says_how_far_it_was_read(world: World) -> None:
    now = world.clock.now()
    read_to = PollState(channel="jira", polled_at=now, next_at=now, failures=3)

    def unit(connection: Connection) -> None:
        tickets.plan_poll(connection, "jira", now)
        tickets.plan_poll(connection, "servicenow", now)
        tickets.save_poll(connection, read_to)

    await world.store.write(unit)

    assert (
        Poll(system="jira", polled_at=now, failures=3),
        Poll(system="servicenow", polled_at=None, failures=0),
    ) == (await figures(world)).polls


async def test_texts_that_wait_to_be_posted_are_counted(world: World) -> None:
    run = await world.begun(THREAD)
    await world.runs.fail(run, error="It cannot go on.")

    assert 1 == (await figures(world)).notices
