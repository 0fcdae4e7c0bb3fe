"""Messages that Slack tells again, and what cannot be stored: never lost, never twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.errors import BusyError, UnavailableError
from countersign.connectors.slack.settings import SlackSettings
from countersign.connectors.slack.socket import listening
from countersign.sandbox.slack import clicks
from countersign.sandbox.slack.server import APP_TOKEN
from countersign.sandbox.slack.workspace import Message
from tests.connectors.slack.slack_world import SAM, SlackWorld, in_slack, section
from tests.doubles.directory import BEN

TASK = "quote for Contoso, 25 seats"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[SlackWorld]:
    async with in_slack(tmp_path) as running:
        yield running


async def sessions(world: SlackWorld) -> int:
    return len((await world.records.sessions()).items)


def said(world: SlackWorld, *words: str) -> int:
    """How many messages of the app have all of these words."""
    mine = [m.words() for m in world.slack.messages() if m.user == "U0GATE"]
    return sum(all(w in each for w in words) for each in mine)


async def test_store_that_is_away_is_told_again_and_starts_once(
    world: SlackWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, times = world.runs.start, 0

    async def fails_twice(**asked: Any) -> Any:
        nonlocal times
        times += 1
        if times <= 2:
            raise UnavailableError("The database cannot be reached.")
        return await real(**asked)

    monkeypatch.setattr(world.runs, "start", fails_twice)
    written = await world.slack.write(SAM, TASK)
    again = await world.slack.tell(clicks.event_payload(world.slack.workspace, written))
    await world.answers.drain()

    assert (3, 1) == (times, again)
    assert (1, 1) == (await sessions(world), said(world, "Started Sales quote"))
    assert [] == world.slack.complaints


async def test_after_the_last_time_whoever_wrote_is_told(
    world: SlackWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(**_: Any) -> Any:
        raise BusyError("Too many sessions are running.", retry_after_s=5)

    monkeypatch.setattr(world.runs, "start", fails)
    await world.slack.write(SAM, TASK)
    await world.answers.drain()

    assert ["That did not work: Too many sessions are running."] == world.slack.told(SAM)
    assert 0 == await sessions(world)
    assert [] == world.slack.complaints


async def test_slow_store_has_it_told_again_and_starts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack is answered in time: with an error, for nothing is stored; what is told again waits for
    the first."""
    async with in_slack(tmp_path, ack_s=0.05) as world:
        going, real, times = asyncio.Event(), world.runs.start, 0

        async def held(**asked: Any) -> Any:
            nonlocal times
            times += 1
            await going.wait()
            return await real(**asked)

        monkeypatch.setattr(world.runs, "start", held)
        written = world.slack.workspace.post(
            Message(world.slack.workspace.open_chat(SAM).id, "", SAM, TASK)
        )
        payload = clicks.event_payload(world.slack.workspace, written)
        first = await world.slack._told(payload, 0)
        second = await world.slack._told(payload, 1)
        going.set()
        await world.answers.drain()
        third = await world.slack._told(payload, 2)
        await world.answers.drain()

        assert (False, False, True, 1) == (first, second, third, times)
        assert (1, 1) == (await sessions(world), said(world, "Started Sales quote"))


async def test_other_process_that_is_told_again_starts_nothing(world: SlackWorld) -> None:
    """The message names its session for good, also where nobody remembers that it was heard."""
    written = await world.slack.write(SAM, TASK)
    world.answers.talking._heard.clear()
    await world.slack.tell(clicks.event_payload(world.slack.workspace, written))
    await world.answers.drain()

    assert 1 == await sessions(world)


async def test_command_that_takes_long_is_answered_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_slack(tmp_path, ack_s=0.05) as world:
        going, real = asyncio.Event(), world.records.sessions

        async def held(**asked: Any) -> Any:
            await going.wait()
            return await real(**asked)

        monkeypatch.setattr(world.records, "sessions", held)
        await world.slack.command(SAM, "status")
        assert "That takes a moment." in world.slack.told(SAM)[-1]
        going.set()
        await world.answers.drain()

        assert 1 == said(world, "No session was started in this chat yet")
        assert [] == world.slack.complaints


@pytest.mark.parametrize("by_socket", [False, True])
async def test_text_that_may_start_something_is_asked(world: SlackWorld, by_socket: bool) -> None:
    """By its address and by its socket: the button starts it with what was written, once."""
    settings = SlackSettings.model_validate(section(world.slack, app_token=APP_TOKEN))
    if by_socket:
        world.slack.hook_url = "http://127.0.0.1:9/nowhere"
        async with listening(settings, world.answers):
            async with asyncio.timeout(30):
                await world.slack.connected.wait()
            await _asked_and_started(world)
        return
    await _asked_and_started(world)


async def _asked_and_started(world: SlackWorld) -> None:
    await world.slack.write(SAM, "Contoso would like to have a quote for 25 seats")
    await world.answers.drain()
    (asking,) = [m for m in world.slack.messages() if "Start Sales quote with this?" in m.words()]
    assert 0 == await sessions(world)
    button = clicks.click_payload(world.slack.workspace, asking, SAM, "instead")
    await world.slack.send(button)
    await world.slack.send(button)
    await world.answers.drain()
    (session,) = (await world.records.sessions()).items

    assert "Contoso would like to have a quote for 25 seats" == session.task
    assert "Sales quote is started." in asking.words()
    assert [] == world.slack.complaints


async def test_progress_grows_in_one_message_and_goes_on_if_that_is_gone(
    world: SlackWorld,
) -> None:
    written = await world.slack.write(SAM, TASK)
    await world.answers.drain()
    (session,) = (await world.records.sessions()).items
    run = await world.begin(session.id)
    first, second = await world.submit(
        run, world.proposal(session.id, "quote"), world.proposal(session.id, "quote")
    )
    await world.work()
    (told,) = _told(world, first.id)
    await world.vote(first, BEN)
    await world.work()

    assert told.ts == _told(world, first.id)[-1].ts
    assert written.ts == told.thread_ts
    assert 1 == told.edits
    assert "Approved" in told.words()

    del world.slack.workspace.conversation(told.channel).messages[told.ts]
    await world.vote(second, BEN)
    await world.work()

    (anew,) = _told(world, second.id)
    assert "Approved" in anew.words()
    assert written.ts == anew.thread_ts


def _told(world: SlackWorld, request_id: str) -> list[Message]:
    return [m for m in world.slack.messages() if m.thread_ts and request_id in m.words()]
