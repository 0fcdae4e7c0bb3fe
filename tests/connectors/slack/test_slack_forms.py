"""The form that starts a session, and the command: once, however often they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.errors import BusyError, UnavailableError
from countersign.connectors.slack.channel import SlackChannel
from countersign.sandbox.slack import clicks
from countersign.sandbox.slack.workspace import View
from tests.connectors.slack.slack_world import QUOTES, SAM, SlackWorld, in_slack
from tests.connectors.slack.test_slack_talking import TASK, said, sessions

pytestmark = pytest.mark.asyncio
FILLED: dict[str, str | None] = {"workflow": "0", "task": TASK}
ROOT = "You asked for Sales quote"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[SlackWorld]:
    async with in_slack(tmp_path) as running:
        yield running


async def opened(world: SlackWorld) -> View:
    await world.slack.command(SAM)
    form = world.slack.modal(SAM)
    assert form is not None
    return form


def sent(world: SlackWorld, form: View, filled: dict[str, str | None]) -> dict[str, Any]:
    """What Slack sends then, each time that it is sent."""
    return clicks.submission_payload(world.slack.workspace, form, filled)


@pytest.mark.parametrize("at_once", [False, True])
async def test_form_sent_again_starts_one_session_with_one_message(
    world: SlackWorld, at_once: bool
) -> None:
    """As after an answer that was lost, or by somebody who presses again and again."""
    payload = sent(world, await opened(world), FILLED)
    if at_once:
        answers = await asyncio.gather(*(world.slack.send(payload) for _ in range(4)))
    else:
        answers = [await world.slack.send(payload) for _ in range(2)]
    await world.answers.drain()

    assert {"Started"} == {a["view"]["title"]["text"] for a in answers}
    assert (1, 1) == (await sessions(world), said(world, ROOT, TASK))
    assert 1 == said(world, "Started Sales quote")
    assert [] == world.slack.complaints


async def test_two_forms_start_two_sessions(world: SlackWorld) -> None:
    for _ in range(2):
        await world.slack.send(sent(world, await opened(world), FILLED))
    await world.answers.drain()

    assert (2, 2) == (await sessions(world), said(world, ROOT, TASK))


async def test_form_with_other_words_says_what_it_has_started_before(world: SlackWorld) -> None:
    form = await opened(world)
    first, second = (sent(world, form, {**FILLED, "task": task}) for task in (TASK, "refund INV-7"))
    await world.slack.send(first)
    answer = await world.slack.send(second)
    (session,) = (await world.records.sessions()).items

    assert "Started before" == answer["view"]["title"]["text"]
    told = answer["view"]["blocks"][0]["text"]["text"]
    assert session.id in told
    assert "Nothing else was started" in told
    assert (TASK, 0) == (session.task, said(world, "refund INV-7"))


async def test_command_told_again_starts_once(world: SlackWorld) -> None:
    fields = clicks.command_fields(world.slack.workspace, SAM, "C0SALES", TASK)
    for _ in range(2):
        shown = await world.answers.command(fields)
    (session,) = (await world.records.sessions()).items

    assert session.id in str(shown)
    assert 1 == said(world, ROOT, TASK)


@pytest.mark.parametrize("error", [BusyError("Full.", retry_after_s=1), UnavailableError("Away.")])
async def test_start_that_fails_leaves_no_message_and_can_be_sent_again(
    world: SlackWorld, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    payload = sent(world, await opened(world), FILLED)
    with monkeypatch.context() as broken:

        async def fails(**_: Any) -> Any:
            raise error

        broken.setattr(world.runs, "start", fails)
        refused = await world.slack.send(payload)
    messages = said(world)
    answer = await world.slack.send(payload)

    assert ("errors", 0) == (refused["response_action"], messages)
    assert "Send it again." in refused["errors"]["task"]
    assert "Started" == answer["view"]["title"]["text"]
    assert (1, 1) == (await sessions(world), said(world, ROOT))


async def test_session_of_a_form_goes_on_below_a_message_that_comes_later(
    world: SlackWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack takes no message when the session starts: the first thing that is said of it brings
    the message, and everything is said below that one."""
    payload = sent(world, await opened(world), FILLED)
    with monkeypatch.context() as broken:

        async def away(*_: Any) -> Any:
            raise UnavailableError("Slack cannot be reached.")

        broken.setattr(SlackChannel, "reply", away)
        answer = await world.slack.send(payload)
    before = said(world)
    (session,) = (await world.records.sessions()).items
    run = await world.runs.begin(session.id)
    assert run is not None
    call = world.proposal(session.id, "quote", None)
    (request,) = await world.submit(run, call)
    await world.work()

    assert ("Started", 0) == (answer["view"]["title"]["text"], before)
    (root,) = [m for m in world.slack.messages(f"D{SAM[1:]}") if ROOT in m.words()]
    (progress,) = [
        m for m in world.slack.messages(root.channel) if request.id in m.words() and m.ts != root.ts
    ]
    assert ("", root.ts) == (root.thread_ts, progress.thread_ts)
    assert QUOTES.title in root.words()
