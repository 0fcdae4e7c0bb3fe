"""What a call has done is taken back from its message, by whoever could approve it, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from countersign.approvals.models import Request, UndoOffer, UndoState
from countersign.sandbox.slack.workspace import Message
from tests.connectors.slack.slack_world import ALEX, MEGAN, SAM, SlackWorld, in_slack
from tests.doubles.world import QUOTE

OFFER = UndoOffer(tool="quote", executor="gatekeeper", arguments=QUOTE, within_s=3600)


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[SlackWorld]:
    async with in_slack(tmp_path) as running:
        yield running
        assert [] == running.slack.complaints


async def executed(world: SlackWorld, undo: UndoOffer | None = OFFER) -> tuple[Request, Message]:
    """A call that was approved in Slack and has run, and its message."""
    request, message = await world.shown()
    await world.press(message, ALEX)
    run = await world.begin(request.session_id)
    await world.runs.claim(run, request.id, request.arguments)
    await world.runs.finish(run, request.id, ok=True, content="Q-1", undo=undo)
    await world.work()
    return request, message


async def states(world: SlackWorld, request: Request) -> list[UndoState]:
    return [each.state for each in (await world.records.view(request.id)).undos]


async def test_message_offers_it_in_full_and_asks_why(world: SlackWorld) -> None:
    request, message = await executed(world)
    assert "takes it back, if nothing has changed; until" in message.words()
    form = await world.form(message, ALEX, "undo")
    empty = await world.slack.submit(form, {"text": " "})
    await world.slack.submit(form, {"text": "The customer said no."})
    await world.work()

    assert ["text"] == list(empty["errors"])
    assert [UndoState.UNDER_WAY] == await states(world, request)
    assert "has it undone" in message.words()
    assert "undo" not in message.buttons()


async def test_asked_for_twice_it_is_begun_once(world: SlackWorld) -> None:
    """By two people who have the form open, and by a button of a message that is old."""
    request, message = await executed(world)
    world.slack.workspace.conversation(message.channel).members.add(MEGAN)
    old = message.buttons()["undo"]
    mine = await world.form(message, ALEX, "undo")
    other = await world.form(message, MEGAN, "undo")
    await world.slack.submit(mine, {"text": "Wrong customer."})
    late = await world.slack.submit(other, {"text": "Wrong customer."})
    message.blocks.append({"type": "actions", "elements": [old]})
    await world.press(message, ALEX, "undo")

    assert "Not undone" in str(late["view"]["title"])
    assert "Nothing takes this back any more" in world.told(ALEX)
    assert [UndoState.UNDER_WAY] == await states(world, request)


async def test_whoever_could_not_approve_it_may_not_undo_it(world: SlackWorld) -> None:
    request, message = await executed(world)
    world.slack.workspace.conversation(message.channel).members.add(SAM)
    form = await world.form(message, SAM, "undo")
    answer = await world.slack.submit(form, {"text": "Please."})

    assert "Not undone" in str(answer["view"]["title"])
    assert [] == await states(world, request)


async def test_what_is_not_shown_whole_has_no_button(world: SlackWorld) -> None:
    """Nobody asks for what they cannot read; and nothing is offered where nothing takes it back."""
    long = OFFER.model_copy(update={"arguments": {**QUOTE, "customer": "x" * 2_000}})
    _, message = await executed(world, long)
    _, plain = await executed(world, None)

    assert "Undo it on the page" in message.words()
    assert "undo" not in message.buttons()
    assert "undo" not in plain.buttons()
    assert "takes it back" not in plain.words()
