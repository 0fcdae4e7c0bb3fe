"""Votes taken back and approvals revoked in Slack; and lists and quiet hours there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import time
from pathlib import Path

import pytest_asyncio

from countersign.approvals.models import Digest, QuietHours, Request, RequestStatus
from countersign.connectors.slack.retracting import NOTHING, TAKEN_BACK
from countersign.sandbox.slack import clicks
from tests.connectors.slack.slack_world import ALEX, MEGAN, PEOPLE, SlackWorld, in_slack
from tests.doubles.world import RULES

ASK = {"effect": "require_approval", "roles": ["manager"], "channels": ["slack"]}

SOON = 0.01
"""Hours after which a message may be drawn again: a conversation takes one in a while."""


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[SlackWorld]:
    async with in_slack(tmp_path) as running:
        yield running
        assert [] == running.slack.complaints


async def later(world: SlackWorld, hours: float, *requests: Request) -> None:
    """What is due by then is done."""
    world.clock.advance(hours=hours)
    for request in requests:
        for delivery in await world.records.deliveries(request.id):
            await world.courier.deliver(delivery.id)


async def test_a_vote_is_taken_back_by_its_button(world: SlackWorld) -> None:
    request, alexs = await world.shown("wire")
    before = alexs.words()
    _, megans = world.slack.asking(request.id)
    await world.press(alexs, ALEX)
    voted = alexs.words()
    await world.press(megans, MEGAN, "withdraw")
    payload = clicks.click_payload(world.slack.workspace, alexs, ALEX, "withdraw")
    for _ in range(2):  # Slack may tell of a press twice
        await world.slack.send(payload)
    await world.work()
    votes = (await world.records.view(request.id)).votes
    after = alexs.words()
    await world.press(alexs, ALEX)

    assert "Take back my vote" not in before
    assert "Take back my vote" in voted
    assert "Votes so far" not in after
    assert "Take back my vote" not in after
    assert "You have not voted on this request" in world.told(MEGAN)
    assert TAKEN_BACK == world.slack.told(ALEX)[1]
    assert () == tuple(votes)
    assert 1 == len((await world.records.view(request.id)).votes)
    assert 1 == (await world.kinds(request.session_id)).count("vote_withdrawn")


async def test_an_approval_is_revoked_with_a_reason_until_its_call_has_begun(
    world: SlackWorld,
) -> None:
    request, alexs = await world.shown()
    _, megans = world.slack.asking(request.id)
    await world.press(alexs, ALEX)
    await later(world, SOON, request)
    late = clicks.click_payload(world.slack.workspace, alexs, ALEX, "revoke")
    hers = await world.form(megans, MEGAN, "revoke")
    refused = await world.slack.submit(hers, {"text": "I would not."})
    his = await world.form(alexs, ALEX, "revoke")
    empty = await world.slack.submit(his, {"text": "  "})
    approved = (await world.now(request)).status
    done = await world.slack.submit(his, {"text": "The price is wrong."})
    await world.work()
    await later(world, SOON, request)
    await world.slack.send(late)
    after = await world.now(request)

    assert "Not revoked" in str(refused["view"]["title"])
    assert "Say in at most" in empty["errors"]["text"]
    assert RequestStatus.APPROVED is approved
    assert {} == done
    assert RequestStatus.REJECTED is after.status
    assert after.decision is not None
    assert "The price is wrong." == after.decision.comment
    assert "Revoke" not in alexs.words()
    assert NOTHING == world.told(ALEX)


async def test_what_has_begun_is_not_revoked(world: SlackWorld) -> None:
    request, alexs = await world.shown()
    await world.press(alexs, ALEX)
    await later(world, SOON, request)
    form = await world.form(alexs, ALEX, "revoke")
    run = await world.begin(request.session_id)
    await world.runs.claim(run, request.id, request.arguments)
    answer = await world.slack.submit(form, {"text": "Stop."})

    assert "Not revoked" in str(answer["view"]["title"])
    assert RequestStatus.EXECUTING is (await world.now(request)).status


async def test_low_risk_comes_in_one_list_with_where_each_is_decided(world: SlackWorld) -> None:
    ben = PEOPLE[0].model_copy(update={"digest": Digest(zone="UTC", at=(time(12),))})
    world.directory.put(ben)
    world.use({**RULES, "tools": {"low": {**ASK, "risk": "low", "people": ["ben"], "roles": []}}})
    found = [(await world.asked("low"))[0] for _ in range(2)]
    await world.work()
    early = [message for each in found for message in world.slack.asking(each.id)]
    await later(world, 3, *found)
    (listed,) = [m for m in world.slack.messages() if found[0].id in m.words()]

    assert [] == early
    assert found[1].id in listed.words()
    assert "Decide them here" in listed.words()


async def test_quiet_hours_hold_what_is_for_one_person(world: SlackWorld) -> None:
    quiet = QuietHours(zone="UTC", begins=time(8), ends=time(10))
    world.directory.put(PEOPLE[0].model_copy(update={"quiet": quiet}))
    world.use({**RULES, "tools": {"held": {**ASK, "people": ["ben"], "roles": []}}})
    (request,) = await world.asked("held")
    await world.work()
    early = world.slack.asking(request.id)
    await later(world, 1, request)

    assert [] == early
    assert 1 == len(world.slack.asking(request.id))
