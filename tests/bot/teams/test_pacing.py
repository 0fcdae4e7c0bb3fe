"""Sends into one conversation keep to what Teams allows; other conversations notice nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.errors import BusyError
from countersign.approvals.models import Delivery, DeliveryId, DeliveryStatus, JsonObject, RequestId
from countersign.bot.teams.connector_error import ConnectorError
from countersign.bot.teams.messages import Text
from countersign.bot.teams.pacing import WINDOWS, paced_for_teams
from countersign.bot.teams.places import key_of
from countersign.connectors.pacing import LONGEST_WAIT_S
from tests.bot.teams.stage import stage
from tests.bot.teams.test_sending import reference

pytestmark = pytest.mark.asyncio


class Channel:
    """Notes down when it was called, on a clock that sleeping moves."""

    def __init__(self, windows: tuple[tuple[int, float], ...] = WINDOWS):
        self.now = 100.0
        self.pacing = paced_for_teams(windows, monotonic=lambda: self.now, sleep=self.sleep)
        self.sent: dict[str, list[float]] = {}
        self.refusals: list[ConnectorError] = []

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def send(self, conversation: str = "a") -> float | None:
        """When to come again; None if it was sent."""

        async def call() -> None:
            if self.refusals:
                raise self.refusals.pop()
            self.sent.setdefault(conversation, []).append(self.now)

        try:
            await self.pacing.send(conversation, call)
        except BusyError as error:
            return error.retry_after_s
        return None

    async def send_all(self, count: int, conversation: str = "a") -> None:
        """Messages that come back when they are told to, as rows do."""
        for _ in range(count):
            while (wait_s := await self.send(conversation)) is not None:
                self.now += wait_s


async def test_no_window_ever_sees_more_than_teams_allows() -> None:
    channel = Channel()
    await channel.send_all(2000)
    times = channel.sent["a"]

    for count, seconds in WINDOWS:
        spans = [late - early for early, late in zip(times, times[count:], strict=False)]
        assert seconds <= min(spans) + 1e-6
    assert times[6] == times[0]  # and no slower than that


async def test_other_conversations_are_not_held_up() -> None:
    channel = Channel()
    await channel.send_all(7, "a")
    now = channel.now
    await channel.send("b")

    assert [now] == channel.sent["b"]


async def test_a_429_holds_back_its_own_conversation_as_long_as_it_says() -> None:
    channel = Channel()
    channel.refusals.append(ConnectorError(429, "", 30))
    with pytest.raises(ConnectorError):
        await channel.send("a")
    at_once, another = await channel.send("a"), await channel.send("b")
    channel.now += 30

    assert (30, None, None) == (at_once, another, await channel.send("a"))


async def test_another_error_holds_nothing_back() -> None:
    channel = Channel()
    channel.refusals.append(ConnectorError(502, "", 30))
    with pytest.raises(ConnectorError):
        await channel.send("a")

    assert await channel.send("a") is None


async def test_those_sent_away_come_back_one_after_the_other() -> None:
    channel = Channel(((1, 60.0),))
    await channel.send()

    assert [60.0, 60.5, 61.0] == [await channel.send() for _ in range(3)]


async def test_conversation_is_busy_while_it_would_send_away() -> None:
    """One that is asked takes its turn among those that are sent away."""
    channel = Channel(((1, 60.0),))
    unknown = channel.pacing.busy_s("a")
    await channel.send()
    asked = [channel.pacing.busy_s("a"), await channel.send(), channel.pacing.busy_s("a")]
    channel.now += 60.0 - LONGEST_WAIT_S

    assert 0.0 == unknown
    assert [60.0, 60.5, 61.0] == asked
    assert 0.0 == channel.pacing.busy_s("a")


async def test_who_already_waits_minds_a_429_that_comes_meanwhile() -> None:
    asleep, awake = asyncio.Event(), asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await awake.wait()

    pacing = paced_for_teams(((1, 1.0),), monotonic=lambda: 0.0, sleep=sleep)

    async def refused() -> None:
        raise ConnectorError(429, "", 30)

    async def sent() -> None:
        raise AssertionError("sent while Teams had asked to wait")

    async def first() -> None:
        await asleep.wait()
        await refused()

    sending = asyncio.create_task(pacing.send("a", first))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(pacing.send("a", sent))
    with pytest.raises(ConnectorError):
        await sending
    awake.set()
    with pytest.raises(BusyError):
        await waiting


async def test_idle_conversations_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.connectors.pacing.SWEPT_EVERY", 10)
    channel = Channel()
    for number in range(9):
        await channel.send(f"old-{number}")
    channel.now += 3601
    await channel.send("new")

    assert {"new"} == set(channel.pacing._places)


async def test_real_sends_are_paced_by_conversation(tmp_path: Path) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    pacing = paced_for_teams(((3, 1.5),), monotonic=lambda: 100.0, sleep=sleep)
    async with stage(tmp_path, pacing=pacing) as world:
        where = await reference(world)
        waits.clear()
        other = {**where, "conversation": {**where["conversation"], "id": "another"}}
        results = await asyncio.gather(
            *(world.adapter.send(where, Text("hello")) for _ in range(9)),
            return_exceptions=True,
        )
        before = len(waits)
        with pytest.raises(Exception, match="gone"):  # there is no such chat, and it was tried
            await world.adapter.send(other, Text("hello"))

    assert before == len(waits) > 0
    assert LONGEST_WAIT_S >= max(waits)
    assert any(isinstance(result, BusyError) for result in results)
    assert any(isinstance(result, str) for result in results)


async def test_channel_knows_that_a_conversation_is_busy_before_it_draws_a_card(
    tmp_path: Path,
) -> None:
    """By the message that is to be updated or the thread to be posted into. Where a person's chat
    is may have to be found out first."""

    async def call() -> None:
        """A message."""

    pacing = paced_for_teams(((1, 60.0),), monotonic=lambda: 0.0)
    message = {"channelId": "msteams", "conversation": {"id": "19:a"}, "activityId": "1"}
    async with stage(tmp_path, pacing=pacing) as world:
        await pacing.send("19:a", call)
        at = [
            ("person:alex", message),
            ("conversation:msteams:19:a", None),
            ("conversation:msteams:19:b", None),
            ("person:19:a", None),
        ]
        busy = [world.channel.busy_s(shown_at(target, known)) for target, known in at]

    assert [60.0, 60.5, 0.0, 0.0] == busy


async def test_no_card_is_drawn_that_would_be_sent_away(tmp_path: Path) -> None:
    """Where it is not its turn, nobody looks at what would be on it."""

    async def call() -> None:
        """A message."""

    nothing: Any = None
    pacing = paced_for_teams(((9, 60.0),), monotonic=lambda: 0.0)
    async with stage(tmp_path, pacing=pacing) as world:
        where = await reference(world)
        chat = str(where["conversation"]["id"])
        while pacing.busy_s(chat) == 0:
            await pacing.send(chat, call)
        new = shown_at(f"conversation:{key_of(where)}", None)
        old = shown_at("person:alex", {**where, "activityId": "1"})
        with pytest.raises(BusyError):
            await world.channel.post(new, nothing)
        with pytest.raises(BusyError):
            await world.channel.update(old, nothing)


def shown_at(target: str, reference: JsonObject | None) -> Delivery:
    """A delivery to there."""
    return Delivery(
        id=DeliveryId("D-1"),
        request_id=RequestId("R-1"),
        channel="teams",
        target=target,
        status=DeliveryStatus.LIVE,
        reference=reference,
    )
