"""Programs are told once of each thing that happened, in order, and what fails is not lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.errors import NotFoundError
from countersign.approvals.models import (
    Conversation,
    DeliveryStatus,
    Finding,
    JsonObject,
    Outcome,
    Principal,
    RequestStatus,
    Result,
    Via,
)
from countersign.approvals.ports import Channel
from countersign.approvals.store import dead_letters
from countersign.bot.clock import SystemClock
from countersign.connectors.system import Deployment
from countersign.connectors.webhook.channel import given_up_words
from countersign.connectors.webhook.events import body, happened
from countersign.connectors.webhook.settings import WebhookSettings
from countersign.connectors.webhook.system import SYSTEM
from countersign.testing.suites.asked import CUSTOMER, NOW, asked, delivery, executed
from countersign.testing.suites.channel import *  # noqa: F403
from tests.connectors.webhook.hook_world import (
    EVERYTHING,
    OTHER,
    SECRET,
    HookWorld,
    Receiver,
    hooked,
    receiving,
)
from tests.doubles.database import empty_store
from tests.doubles.directory import BEN, CARA, FakeDirectory
from tests.doubles.links import links


class ByHook:
    """`countersign.testing.suites.channel.ChannelUnderTest`."""

    approvers: Sequence[Principal] = (BEN, CARA)
    speaks = False

    def __init__(self, channel: Channel, receiver: Receiver):
        self.channel, self._receiver = channel, receiver

    async def shown(self) -> list[str]:
        """All that is told of each request; a message that comes again is known by its id."""
        events: dict[str, dict[str, str]] = {}
        for said in self._receiver.heard:
            if said["type"].startswith("request."):
                of = events.setdefault(said["data"]["request"], {})
                of[said["id"]] = json.dumps(said, ensure_ascii=False)
        return ["\n".join(each.values()) for each in events.values()]

    async def conversation(self) -> Conversation:
        raise AssertionError("nobody talks to programs")

    async def said(self) -> list[str]:
        return []

    async def vanish(self, reference: JsonObject) -> None:
        self._receiver.always = 410

    @contextmanager
    def outage(self) -> Iterator[None]:
        self._receiver.always = 503
        yield
        self._receiver.always = 200


@pytest_asyncio.fixture
async def channel(tmp_path: Path) -> AsyncIterator[ByHook]:
    async with empty_store(tmp_path, "sqlite") as store, receiving() as receiver:
        endpoint = {
            "name": "ops",
            "url": receiver.url,
            "secrets": [OTHER, SECRET],  # the next one already, and still the one before
            "include": EVERYTHING,
        }
        deployment = Deployment(
            clock=SystemClock(),
            store=store,
            directory=FakeDirectory([BEN, CARA]),
            conversations=Any,  # type: ignore[arg-type]
            links=links(),
            local=True,
            host="127.0.0.1",
        )
        settings = WebhookSettings.model_validate({"endpoints": [endpoint]})
        async with SYSTEM.configured(settings).open(deployment) as opened:
            yield ByHook(opened.channel, receiver)


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[HookWorld]:
    async with hooked(tmp_path, give_up_after=2) as running:
        yield running


async def test_each_step_is_told_once_and_in_order(world: HookWorld) -> None:
    request = await world.mailed()
    await world.decide(world.said(request))
    await world.after(minutes=1)
    run = await world.begin(request.session_id)
    claimed = await world.runs.claim(run, request.id, request.arguments)
    await world.runs.unknown(run, request.id, message="It hung up.")
    await world.after(minutes=1)

    heard = world.receiver.heard
    assert claimed is not None
    assert [kind for kind, _ in world.receiver.told] == ["created", "decided", "in_doubt"]
    assert [said["sequence"] for said in heard] == [1, 2, 3]
    assert heard[1]["data"]["decision"]["by"] == "ben"
    assert heard[0]["data"]["page"] == f"https://gate.example/inbox/requests/{request.id}"


async def test_nothing_is_let_out_that_the_configuration_does_not(world: HookWorld) -> None:
    """Neither what agents propose nor what people wrote."""
    request = await world.mailed()
    status, _ = await world.decide(world.said(request, verdict="reject", comment="a remark"))
    await world.after(minutes=1)
    last = world.receiver.heard[-1]

    assert (status, last["type"]) == (200, "request.decided")
    assert {"arguments", "rationale", "task", "result"}.isdisjoint(last["data"])
    assert "a remark" not in json.dumps(world.receiver.heard)


def test_ten_thousand_who_may_decide_are_a_number_and_the_first_of_them() -> None:
    crowd = tuple(BEN.model_copy(update={"id": f"p{number:05}"}) for number in range(10_000))
    (event,) = happened(asked(crowd))
    told = body(asked(crowd), event, (), "", 1)

    assert [each.id for each in crowd[:100]] == told["data"]["eligible"]
    assert len(crowd) == told["data"]["eligible_count"]
    assert len(json.dumps(told)) < 3_000


async def test_what_fails_is_tried_again_and_then_kept_for_operators(world: HookWorld) -> None:
    world.receiver.answers = [500, 302]
    request = await world.mailed()
    (waits,) = await world.told_of(request)
    await world.after(minutes=1)
    (dead,) = await world.told_of(request)
    (letter,) = await world.store.read(lambda c: dead_letters.given_up(c, "webhook", limit=5))

    assert (waits.status, waits.error) == (DeliveryStatus.PENDING, "ops answered 500.")
    assert dead.status is DeliveryStatus.ABANDONED
    assert "redirects are not followed" in (letter.error or "")
    assert "given up after 2 attempts" in (letter.error or "")
    assert [f.name for f in await world.opened.seen(world.store)] == ["dead letters"]
    assert world.receiver.told == []

    again = await world.store.write(
        lambda c: dead_letters.send_again(c, "webhook", [letter.id, "D-none"], world.clock.now())
    )
    await world.due()
    await world.decide(world.said(request))
    await world.after(minutes=1)

    assert again == 1
    assert [kind for kind, _ in world.receiver.told] == ["created", "decided"]
    assert list(await world.opened.seen(world.store)) == []


async def test_what_was_heard_before_is_not_told_again_by_a_redelivery(world: HookWorld) -> None:
    request = await world.mailed()
    world.receiver.answers = [404, 404]
    await world.decide(world.said(request))
    await world.after(minutes=1)
    await world.after(minutes=1)
    (dead,) = await world.told_of(request)
    await world.store.write(
        lambda c: dead_letters.send_again(c, "webhook", [dead.id], world.clock.now())
    )
    await world.due()

    assert dead.status is DeliveryStatus.ABANDONED
    assert [kind for kind, _ in world.receiver.told] == ["created", "decided"]


async def test_an_endpoint_says_how_long_it_is_busy(world: HookWorld) -> None:
    world.receiver.answers = [429]
    request = await world.mailed()
    (waits,) = await world.told_of(request)

    assert waits.next_at is not None
    assert (waits.next_at - world.clock.now()).total_seconds() == 7


async def test_endpoints_hear_of_what_they_want_only(tmp_path: Path) -> None:
    async with receiving() as one, receiving(OTHER) as other:
        endpoints = [
            {"name": "one", "url": one.url, "secrets": [SECRET], "events": ["decided"]},
            {"name": "two", "url": other.url, "secrets": [OTHER], "events": ["created"]},
        ]
        async with hooked(tmp_path, endpoints=endpoints) as world:
            request = await world.mailed()
            await world.decide(world.said(request))
            await world.after(minutes=1)

    assert one.told == [("decided", request.id)]
    assert other.told == [("created", request.id)]


async def test_a_dead_endpoint_holds_up_no_other(tmp_path: Path) -> None:
    async with receiving() as lives:
        endpoints = [
            {"name": "a-dead", "url": "http://127.0.0.1:9/", "secrets": [SECRET]},
            {"name": "b-lives", "url": lives.url, "secrets": [SECRET]},
        ]
        async with hooked(tmp_path, endpoints=endpoints) as world:
            request = await world.mailed()
            dead, fine = await world.told_of(request)
            checked = {found.name: found.ok for found in await world.opened.check()}

    assert lives.told == [("created", request.id)]
    assert (fine.status, "cannot be reached" in (dead.error or "")) == (DeliveryStatus.LIVE, True)
    assert checked == {"endpoint a-dead": False, "endpoint b-lives": True, "caller n8n": False}


async def test_an_endpoint_that_is_removed_is_told_nothing(world: HookWorld) -> None:
    view = asked((BEN,))
    with pytest.raises(NotFoundError, match="no endpoint gone"):
        await world.opened.channel.post(delivery(view, "webhook", "place:gone"), view)
    with pytest.raises(NotFoundError, match="no lists"):
        await world.opened.channel.post_list(delivery(view, "webhook", "place:ops"), [view])


def test_events_are_read_from_how_a_request_stands() -> None:
    """So what could not be told in time is told later, and before what came after it."""
    view, done = asked((BEN,)), executed(asked((BEN,)), BEN)
    finding = Finding(happened=True, note="seen", by=BEN.id, by_name="Ben", via=Via("api"), at=NOW)
    resolved = Result(outcome=Outcome.EXECUTED, finding=finding)

    def marks(**changes: Any) -> list[str]:
        request = done.request.model_copy(update=changes)
        return [e.mark for e in happened(done.model_copy(update={"request": request}))]

    assert [e.mark for e in happened(view)] == ["created"]
    assert marks() == ["created", "decided.1.approve", "executed.1"]
    assert marks(status=RequestStatus.IN_DOUBT, result=None)[-1] == "in_doubt.1"
    assert marks(result=resolved)[-2:] == ["in_doubt.1", "executed.1"]
    assert marks(revision=2, status=RequestStatus.PENDING, decision=None) == [
        "created",
        "updated.2.0",
    ]
    assert marks(status=RequestStatus.EXPIRED, decision=None)[-1] == "decided.1.expired"


def test_a_body_without_anything_let_out_has_no_page_where_there_is_none() -> None:
    view = asked((BEN,))
    (event,) = happened(view)
    said = body(view, event, frozenset(), "", 1)

    assert said["data"]["page"] is None
    assert CUSTOMER not in json.dumps(said)
    assert given_up_words(0) == ()
