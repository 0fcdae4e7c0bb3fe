"""Messages that a request still waits: on their way, held back, or given up."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from countersign.approvals.backoff import ATTEMPT_S, BACKOFF_MAX_S
from countersign.approvals.delivery.quiet_times import HELD
from countersign.approvals.delivery.reminding import ATTEMPTS
from countersign.approvals.errors import (
    BusyError,
    MisdirectedError,
    NotFoundError,
    UnavailableError,
)
from countersign.approvals.models import QuietHours
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store.schema import reminders
from tests.approvals.decisions.test_steps import ASK, REMIND, asked, later, prompts, work
from tests.approvals.delivery.test_conversations import chat
from tests.doubles.directory import BEN, CARA
from tests.doubles.world import THREAD, World

pytestmark = pytest.mark.asyncio


async def on_their_way(world: World) -> list[dict[str, Any]]:
    query = select(reminders).order_by(reminders.c.delivery_id)
    return await world.store.read(lambda c: [dict(r) for r in c.execute(query).mappings()])


async def reminded(world: World, *failures: Exception) -> None:
    """One reminder to Ben alone, which fails like this."""
    world.directory.set_roles("cara")
    await asked(world, REMIND)
    world.channel.failures.extend(failures)
    await later(world, 1)


async def test_what_was_said_is_gone(world: World) -> None:
    await reminded(world)

    assert 1 == len(prompts(world))
    assert [] == await on_their_way(world)


@pytest.mark.parametrize(
    ("failure", "attempts"),
    [
        (BusyError("Not now.", retry_after_s=60), 0),
        (UnavailableError("Away."), 1),
        (TimeoutError(), 1),
        (RuntimeError("a library's own"), 1),
    ],
)
async def test_what_fails_is_tried_again(world: World, failure: Exception, attempts: int) -> None:
    await reminded(world, failure)
    (row,) = await on_their_way(world)
    world.clock.advance(BACKOFF_MAX_S)
    await work(world)

    assert attempts == row["attempts"]
    assert row["error"]
    assert [] == await on_their_way(world)
    assert 1 == len(prompts(world))


async def test_where_everybody_is_shown_it_everybody_is_reminded_there(world: World) -> None:
    world.show_in_conversations()
    await world.conversations.save(chat(key=THREAD, kind="channel", principal_id=None))
    await asked(world, REMIND)
    await later(world, 1)

    assert [f"conversation:{THREAD}"] == [where for where, _ in prompts(world)]


async def test_refusal_of_one_message_is_no_outage_of_its_channel(world: World) -> None:
    with capture_logs() as logs:
        await reminded(world, MisdirectedError("Its text is too long."))
    (row,) = await on_their_way(world)

    assert ("Its text is too long.", 1) == (row["error"], row["attempts"])
    assert [] == [line for line in logs if line["log_level"] != "info"]


async def test_what_can_never_be_said_is_given_up(world: World) -> None:
    with capture_logs() as logs:
        await reminded(world, NotFoundError("There is no such chat."))

    assert [] == await on_their_way(world)
    assert ["There is no such chat."] == [
        line["reason"] for line in logs if line["event"] == "reminder dropped"
    ]


async def test_what_fails_for_hours_is_given_up(world: World) -> None:
    """The card is there all the same."""
    await reminded(world, *[UnavailableError("Away.")] * ATTEMPTS)
    for _ in range(ATTEMPTS - 1):
        world.clock.advance(BACKOFF_MAX_S)
        await work(world)

    assert [] == prompts(world)
    assert [] == await on_their_way(world)


async def test_channel_that_is_gone_takes_it_along(world: World) -> None:
    world.directory.set_roles("cara")
    await asked(world, REMIND)
    world.channels = {}
    world.use(world.rules)
    await later(world, 1)

    assert [] == await on_their_way(world)


async def test_a_server_that_dies_while_it_says_it_says_it_again(world: World) -> None:
    """At once if no other server can be at it, else when its time is over."""
    await reminded(world, UnavailableError("It died."))
    await world.store.write(lambda c: c.execute(reminders.update().values(error=None)))
    now = world.clock.now()
    await world.store.write(lambda c: delivery_rows.free_attempts(c, now=now))
    await work(world)

    assert 1 == len(prompts(world))
    assert ATTEMPT_S > 0


QUIET = QuietHours(zone="UTC", begins=time(9), ends=time(12))
"""The tests begin at nine."""


async def test_quiet_hours_hold_cards_and_reminders_and_move_no_deadline(world: World) -> None:
    world.directory.put(BEN.model_copy(update={"quiet": QUIET}))
    request = await asked(world, {**ASK, "remind": ["4h"]})
    early = list(world.channel.posted)
    (held, _) = sorted(await world.records.deliveries(request.id), key=lambda d: d.target)
    for _ in range(3):
        await later(world, 1)
    now = await world.now(request)

    assert ["person:cara"] == [target for _, target in early]
    assert (HELD, 0) == (held.error, held.attempts)
    assert ["person:cara", "person:ben"] == [target for _, target in world.channel.posted]
    assert request.expires_at == now.expires_at
    world.directory.put(
        BEN.model_copy(update={"quiet": QUIET.model_copy(update={"ends": time(14)})})
    )
    await later(world, 1)
    assert ["person:cara"] == [who for who, _ in prompts(world)]
    await later(world, 1)
    assert ["person:ben", "person:cara"] == [who for who, _ in prompts(world)]


async def test_quiet_hours_that_are_ended_end(world: World) -> None:
    """Whoever is quiet is asked again every hour at least."""
    world.directory.put(BEN.model_copy(update={"quiet": QUIET}))
    await asked(world, ASK)
    world.directory.put(BEN)
    await later(world, 1)

    assert 2 == len(world.channel.posted)


async def test_urgent_rules_break_quiet_hours(world: World) -> None:
    world.directory.put(BEN.model_copy(update={"quiet": QUIET}))
    await asked(world, {**ASK, "risk": "high", "through_quiet_hours": True})

    assert 2 == len(world.channel.posted)


async def test_what_is_shown_is_brought_up_to_date_at_any_time(world: World) -> None:
    request = await asked(world, ASK)
    world.directory.put(BEN.model_copy(update={"quiet": QUIET}))
    await world.vote(request, CARA)
    await later(world, 1)

    assert 2 == len(world.channel.updated)


async def test_what_is_decided_in_quiet_hours_is_held_as_well(world: World) -> None:
    world.directory.put(BEN.model_copy(update={"quiet": QUIET}))
    request = await asked(world, ASK)
    await world.vote(request, CARA)
    await later(world, 1)
    await later(world, 1)
    early = len(world.channel.posted)
    await later(world, 1)

    assert (1, 2) == (early, len(world.channel.posted))
