"""What is closed to us until people undo that: nothing is lost, and people are told."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from countersign.approvals.backoff import PROBE_S
from countersign.approvals.delivery.attempts import NEVER_SHOWN
from countersign.approvals.errors import (
    MisdirectedError,
    NotFoundError,
    UnavailableError,
    UnreachableError,
)
from countersign.approvals.models import (
    Conversation,
    ConversationKey,
    Delivery,
    DeliveryStatus,
    Request,
    Verdict,
)
from countersign.approvals.store import codec, upgrade
from countersign.approvals.store import conversations as rows
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store.backlog import read
from tests.approvals.delivery.test_conversations import chat
from tests.approvals.delivery.test_courier import deliver_all, only
from tests.approvals.delivery.test_notices import thread, unsent
from tests.approvals.store.test_waiting import _migrated_to_0009
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.directory import BEN, CARA
from tests.doubles.world import THREAD, World

pytestmark = pytest.mark.asyncio

CHAT = ConversationKey("ben-chat")
WHY = "Ben cannot be reached in Microsoft Teams: has uninstalled the app."


def unreachable(text: str = WHY) -> UnreachableError:
    return UnreachableError(text, reason="has uninstalled the app")


async def closed(world: World, conversation: Conversation | None = None) -> Conversation:
    """A conversation that is known, and closed."""
    heard = conversation or chat()
    await world.conversations.save(heard)
    known = await world.conversations.get(heard.key)
    assert known is not None
    assert await world.conversations.closed(known, "has uninstalled the app")
    return heard


async def out_of_reach(world: World, request: Request, who: str = "ben") -> Delivery:
    """The request's delivery to this person, after an attempt that found them out of reach."""
    delivery = await only(world, request, who)
    world.channel.failures.append(unreachable(WHY.replace("Ben", who.title())))
    await world.courier.deliver(delivery.id)
    return await only(world, request, who)


async def test_it_waits_and_is_posted_once_the_app_is_there(world: World) -> None:
    (request,) = await world.asked()
    await closed(world)
    with capture_logs() as logs:
        waiting = await out_of_reach(world, request)
    early = await only(world, request)
    world.take()
    await world.conversations.save(chat(updated_at="2026-03-03T09:00:00Z"), installed=True)
    await deliver_all(world)
    known = await world.conversations.get(CHAT)

    assert (DeliveryStatus.UNREACHABLE, WHY) == (waiting.status, waiting.error)
    assert [("delivery waits", WHY)] == [(each["event"], each["reason"]) for each in logs]
    assert early.next_at is not None
    assert PROBE_S == (early.next_at - world.clock.now()).total_seconds()
    assert DeliveryStatus.LIVE is (await only(world, request)).status
    assert known is not None
    assert (None, None) == (known.blocked_at, known.blocked_reason)


async def test_any_activity_opens_it_and_cards_from_before_are_brought_up_to_date(
    world: World,
) -> None:
    (request,) = await world.asked()
    await deliver_all(world)
    await closed(world)
    await world.vote(request, CARA, Verdict.REJECT)
    await out_of_reach(world, request)
    world.take()
    await world.conversations.save(chat(principal_id=None), only_known=True)
    await deliver_all(world)
    known = await world.conversations.get(CHAT)

    assert DeliveryStatus.CLOSED is (await only(world, request)).status
    assert known is not None
    assert BEN.id == known.principal_id


async def test_change_meanwhile_does_not_try_it_again(world: World) -> None:
    (request,) = await world.asked()
    waiting = await out_of_reach(world, request)
    await world.vote(request, CARA)
    after = await only(world, request)

    assert (waiting.next_at, 1) == (after.next_at, after.wanted_version - waiting.wanted_version)


async def test_it_is_tried_now_and_then_and_what_gets_through_opens_the_rest(
    world: World,
) -> None:
    (first,) = await world.asked()
    (second,) = await world.asked()
    await closed(world)
    for request in (first, second):
        await out_of_reach(world, request)
    world.take()
    world.clock.advance(PROBE_S)
    await world.courier.deliver((await only(world, first)).id)
    await world.conversations.opened(CHAT)
    again = [job.id for job in world.take()]
    await world.conversations.opened(CHAT)
    await world.conversations.opened(ConversationKey("none"))

    assert DeliveryStatus.LIVE is (await only(world, first)).status
    assert [(await only(world, second)).id] == again
    assert [] == world.take()


async def test_what_was_decided_before_it_could_be_shown_is_let_go(world: World) -> None:
    (request,) = await world.asked()
    await out_of_reach(world, request)
    await world.vote(request, CARA, Verdict.REJECT)
    world.clock.advance(PROBE_S)
    after = await out_of_reach(world, request)

    assert (DeliveryStatus.CLOSED, NEVER_SHOWN) == (after.status, after.error)


@pytest.mark.parametrize(
    "failure",
    [unreachable(), NotFoundError("gone there"), MisdirectedError("wrong place")],
    ids=["closed", "gone", "misdirected"],
)
async def test_attempt_that_an_install_overtakes_is_made_again_at_once(
    world: World, failure: Exception
) -> None:
    (request,) = await world.asked()
    await deliver_all(world)
    await closed(world)
    await world.vote(request, CARA, Verdict.REJECT)
    world.take()
    delivery = await only(world, request)
    reached, go_on = asyncio.Event(), asyncio.Event()
    update = world.channel.update

    async def refused_slowly(*_: Any) -> None:
        world.channel.update = update  # type: ignore[method-assign]
        reached.set()
        await go_on.wait()
        raise failure

    world.channel.update = refused_slowly  # type: ignore[method-assign,assignment]
    attempt = asyncio.create_task(world.courier.deliver(delivery.id))
    await reached.wait()
    await world.conversations.save(chat(), installed=True)
    go_on.set()
    await attempt

    assert DeliveryStatus.CLOSED is (await only(world, request)).status


async def test_attempt_that_ends_late_does_not_close_what_was_heard_of_since(world: World) -> None:
    await world.conversations.save(chat())
    known = await world.conversations.get(CHAT)
    assert known is not None
    later = chat(updated_at="2026-03-03T09:00:00Z")
    await world.conversations.save(later, installed=True)

    assert not await world.conversations.closed(known, "has blocked the bot")
    assert later == await world.conversations.get(CHAT)


async def test_address_that_changes_makes_due_what_failed_at_the_old_one(world: World) -> None:
    await world.conversations.save(chat())
    requests = [(await world.asked())[0] for _ in range(3)]
    await deliver_all(world)
    failures = (MisdirectedError("wrong geo"), NotFoundError("not here"), UnavailableError("away"))
    with capture_logs() as logs:
        for request, failure in zip(requests, failures, strict=True):
            await world.vote(request, CARA, Verdict.REJECT)
            world.channel.failures.append(failure)
            await world.courier.deliver((await only(world, request)).id)
    stuck = [(await only(world, request)).status for request in requests]
    world.take()
    moved = chat(reference={"serviceUrl": "https://two.example.com"})
    await world.conversations.save(moved)
    await deliver_all(world)

    assert [DeliveryStatus.LIVE, DeliveryStatus.ABANDONED, DeliveryStatus.LIVE] == stuck
    assert ["away"] == [each["reason"] for each in logs if each["event"] == "channel unreachable"]
    assert {DeliveryStatus.CLOSED} == {(await only(world, r)).status for r in requests}


async def test_card_that_was_posted_again_is_found_by_its_conversation(world: World) -> None:
    (request,) = await world.asked()
    world.take()
    for number in (1, 2):
        reference = {
            "card": f"copy-{number}",
            "channelId": "msteams",
            "conversation": {"id": f"chat-{number}"},
        }
        await world.approvals.adopt_delivery(request.id, "teams", reference)
    copies = [d for d in await world.records.deliveries(request.id) if d.reference]
    for copy in copies:
        world.channel.failures.append(unreachable())
        await world.courier.deliver(copy.id)
    world.take()
    first = chat(key="msteams:chat-1")
    await world.conversations.save(await closed(world, first), installed=True)
    due = {job.id for job in world.take()}
    expected = {c.id for c in copies if c.reference and c.reference["card"] == "copy-1"}

    assert expected == due & {copy.id for copy in copies}


async def test_team_is_closed_and_opened_as_a_whole(world: World) -> None:
    """What is heard in one conversation of a team says nothing of group chats and other teams."""
    team = {"serviceUrl": "https://one.example.com", "team": "ops"}
    ops = {"kind": "channel", "principal_id": None, "reference": team}
    general, one = chat(key="general", **ops), chat(key="one", **ops)
    other = chat(key="two", **{**ops, "reference": {**team, "team": "sales"}})
    for conversation in (one, other, chat()):
        await world.conversations.save(conversation)
    await world.conversations.removed(general, "has uninstalled the app")
    after_removal = await world.store.read(rows.blocked)
    await world.conversations.removed(other, "has uninstalled the app")
    await world.conversations.save(general, installed=True)
    after_adding = await world.store.read(rows.blocked)

    assert ["one"] == [each.key for each in after_removal]
    assert ["two"] == [each.key for each in after_adding]


async def test_stranger_makes_no_conversation_known(world: World) -> None:
    await world.conversations.save(chat(), only_known=True)
    await world.conversations.save(chat(), only_known=True, installed=True)
    await world.conversations.removed(chat(), "has uninstalled the app")
    gone = await world.conversations.get(CHAT)

    assert gone is None


async def test_messages_wait_as_well_and_are_never_dropped_for_that(world: World) -> None:
    await world.conversations.save(thread())
    run = await world.begun(THREAD)
    for text in ("one", "two"):
        await world.runs.submit(run, [], state=NOTHING_SAID, progress=[text])
    for _ in range(20):
        world.clock.advance(PROBE_S)
        world.channel.failures.append(unreachable())
        await world.courier.notify(THREAD)
    waiting = sorted(await unsent(world))
    await closed(world, thread())
    world.take()
    await world.conversations.save(thread())
    await deliver_all(world)

    assert ["one", "two"] == waiting
    assert ["one", "two"] == [text for _, text in world.channel.said]


async def test_message_at_the_wrong_address_is_no_outage(world: World) -> None:
    await world.conversations.save(thread())
    run = await world.begun(THREAD)
    await world.runs.submit(run, [], state=NOTHING_SAID, progress=["one"])
    world.channel.failures.append(MisdirectedError("wrong geo"))
    with capture_logs() as logs:
        await world.courier.notify(THREAD)

    assert [] == logs
    assert ["one"] == await unsent(world)


async def test_whoever_asked_is_told_once_who_is_missing_and_once_that_nobody_is_left(
    world: World,
) -> None:
    await world.conversations.save(thread())
    (request,) = await world.submit(await world.begun(THREAD), "quote")
    await out_of_reach(world, request, "ben")
    _, *first = await unsent(world)  # without whom it waits for
    await out_of_reach(world, request, "cara")
    _, *second = await unsent(world)
    for delivery in await world.records.deliveries(request.id):
        world.clock.advance(PROBE_S)
        world.channel.failures.append(unreachable())
        await world.courier.deliver(delivery.id)

    what = f"Quote ({request.id})"
    assert [f"{what}: {WHY.rstrip('.')}; Cara can decide."] == first
    assert len(second) == 2
    assert f"{what}: nobody who may decide it can be reached in Microsoft Teams now. " in second[1]
    assert WHY.rstrip(".") in second[1]
    assert WHY.replace("Ben", "Cara").rstrip(".") in second[1]
    assert second[1].endswith(". It is shown as soon as one of them can be.")
    assert second == (await unsent(world))[1:]


async def test_of_two_who_are_found_out_of_reach_at_once_one_is_told_as_the_last(
    world: World,
) -> None:
    await world.conversations.save(thread())
    for _ in range(5):
        (request,) = await world.submit(await world.begun(THREAD), "quote")
        deliveries = await world.records.deliveries(request.id)
        world.channel.failures.extend(unreachable() for _ in deliveries)
        await asyncio.gather(*(world.courier.deliver(each.id) for each in deliveries))
    told = [text for text in await unsent(world) if " waits for " not in text]

    assert (5, 5) == (sum("can decide" in t for t in told), sum("nobody" in t for t in told))


async def test_operators_see_how_many_wait_and_why(world: World) -> None:
    (request,) = await world.asked()
    await world.asked()
    await closed(world)
    await out_of_reach(world, request)
    figures = await world.store.read(lambda c: read(c, world.clock.now()))
    why = await world.store.read(delivery_rows.out_of_reach)

    assert [(1, 0)] == [(b.unreachable, b.failing) for b in figures.backlogs]
    assert {"teams": 1} == figures.closed
    assert {WHY: 1} == why


async def test_what_was_given_up_because_it_was_closed_is_due_after_the_migration(
    tmp_path: Path,
) -> None:
    old = tmp_path / "old.db"
    _migrated_to_0009(f"sqlite:///{old}")
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.executescript(OLD)
    upgrade(f"sqlite:///{old}")
    with closing(sqlite3.connect(old)) as connection:
        query = "SELECT id, status, next_at < ? FROM deliveries ORDER BY id"
        found = connection.execute(query, (codec.to_text(datetime.now(UTC)),)).fetchall()

    assert [
        ("D-1", "unreachable", 1),
        ("D-2", "unreachable", 1),
        ("D-3", "abandoned", None),
    ] == found


OLD = """
PRAGMA foreign_keys = OFF;
INSERT INTO deliveries (
  id, request_id, channel, target, status, error, shown_version, wanted_version, attempts) VALUES
  ('D-1', 'R-1', 'teams', 'person:alex', 'abandoned', 'status 403 X; it is gone', 0, 1, 1),
  ('D-2', 'R-1', 'teams', 'card:0123', 'abandoned', 'status 403; it is gone', 0, 1, 1),
  ('D-3', 'R-1', 'teams', 'conversation:old', 'abandoned', 'status 404; it is gone', 0, 1, 1);
"""
