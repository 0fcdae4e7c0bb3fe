"""The contract of `approvals.ports.Channel`; every channel brings a way to look at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.errors import NotFoundError, UnavailableError
from countersign.approvals.models import (
    Conversation,
    Delivery,
    Notice,
    RequestStatus,
)
from countersign.approvals.ports import Channel, RequestView
from tests.doubles.channel import FakeChannel
from tests.doubles.directory import BEN, CARA
from tests.doubles.world import THREAD, World, opened


@dataclass(frozen=True)
class Outside:
    """A channel under test, and what its people see."""

    channel: Channel
    shown: Callable[[], list[RequestView]]
    said: Callable[[], list[str]]
    fail: Callable[[Exception], None]


def fake() -> Outside:
    channel = FakeChannel()
    return Outside(
        channel,
        shown=lambda: list(channel.cards.values()),
        said=lambda: [text for _, text in channel.said],
        fail=channel.failures.append,
    )


@pytest.fixture(params=[fake], ids=["fake"])
def outside(request: pytest.FixtureRequest) -> Outside:
    made: Outside = request.param()
    return made


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


async def planned(world: World) -> tuple[Delivery, RequestView]:
    (request,) = await world.asked()
    (delivery, *_) = await world.records.deliveries(request.id)
    return delivery, await world.records.view(request.id)


def conversation() -> Conversation:
    return Conversation.model_validate(
        {
            "key": THREAD,
            "channel": "teams",
            "kind": "personal",
            "principal_id": "ben",
            "reference": {},
            "updated_at": "2026-03-02T09:00:00Z",
        }
    )


def notice(text: str) -> Notice:
    return Notice.model_validate(
        {"id": 1, "session_id": "S-1", "conversation": THREAD, "text": text}
    )


async def test_post_shows_the_request_and_returns_its_reference(
    outside: Outside, world: World
) -> None:
    delivery, view = await planned(world)
    reference = await outside.channel.post(delivery, view)

    assert reference
    assert [view] == outside.shown()


async def test_update_is_idempotent_and_shows_what_is_now(outside: Outside, world: World) -> None:
    delivery, view = await planned(world)
    reference = await outside.channel.post(delivery, view)
    posted = delivery.model_copy(update={"reference": reference})
    await world.vote(view.request)
    changed = await world.records.view(view.request.id)
    await outside.channel.update(posted, changed)
    await outside.channel.update(posted, changed)

    assert [RequestStatus.APPROVED] == [v.request.status for v in outside.shown()]


async def test_message_that_is_gone_is_not_found(outside: Outside, world: World) -> None:
    delivery, view = await planned(world)
    gone = delivery.model_copy(update={"reference": {"card": "nowhere"}})

    with pytest.raises(NotFoundError):
        await outside.channel.update(gone, view)


async def test_outage_is_unavailable_and_passes(outside: Outside, world: World) -> None:
    delivery, view = await planned(world)
    attempts: list[Callable[[], Any]] = [
        lambda: outside.channel.post(delivery, view),
        lambda: outside.channel.say(conversation(), notice("Hello.")),
        outside.channel.check,
    ]
    for attempt in attempts:
        outside.fail(UnavailableError("down"))
        with pytest.raises(UnavailableError):
            await attempt()
        await attempt()

    assert 1 == len(outside.shown())
    assert ["Hello."] == outside.said()


async def test_targets_are_pure_and_name_everybody_who_decides(
    outside: Outside, world: World
) -> None:
    _, view = await planned(world)

    def targets() -> list[str]:
        return list(outside.channel.targets(view.request, view.session, [BEN, CARA], None))

    assert targets() == targets()
    assert {"person:ben", "person:cara"} == set(targets())
    assert [] == outside.shown()
