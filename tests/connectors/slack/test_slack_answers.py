"""What people press and send in Slack, and what they are told of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from countersign.approvals.errors import BusyError, UnavailableError
from countersign.approvals.models import RequestStatus, Verdict
from countersign.sandbox.slack import clicks
from tests.connectors.slack.slack_world import ADELE, ALEX, SAM, SlackWorld, in_slack
from tests.doubles.directory import CARA


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[SlackWorld]:
    async with in_slack(tmp_path) as running:
        yield running
        assert [] == running.slack.complaints


async def test_stranger_learns_how_they_would_be_known(world: SlackWorld) -> None:
    request, message = await world.shown()
    world.slack.workspace.conversation(message.channel).members.add(ADELE)
    await world.press(message, ADELE)
    await world.press(message, ADELE, "reject")

    first, second = world.slack.told(ADELE)
    assert "You are not known here." in first
    assert "In the directory you would be `slack: T0ACME/U0ADELE`." in first
    assert "You are not known here." in second
    assert world.slack.modal(ADELE) is None
    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_requester_cannot_approve_own_request(world: SlackWorld) -> None:
    request, message = await world.shown()
    world.slack.workspace.conversation(message.channel).members.add(SAM)
    await world.press(message, SAM)

    assert world.told(SAM).startswith("You cannot decide this.")
    assert "would be" not in world.told(SAM)
    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_old_message_says_so_and_is_drawn_again(world: SlackWorld) -> None:
    """A button approves what stood above it; the form behind one, too."""
    request, message = await world.shown("wire")
    old = clicks.click_payload(world.slack.workspace, message, ALEX, "approve")
    late = clicks.click_payload(world.slack.workspace, message, ALEX, "change")
    form = await world.form(message, ALEX, "reject")
    cheaper = {"customer": "Contoso", "amount": 90}
    await world.vote(request, CARA, Verdict.MODIFY, arguments=cheaper)
    edits = message.edits
    await world.slack.send(old)
    await world.slack.send(late)
    answer = await world.slack.submit(form, {"text": "No."})

    assert ["out of date" in each for each in world.slack.told(ALEX)] == [True, True]
    assert edits + 3 == message.edits
    assert "90" in message.words()
    assert "Out of date" in str(answer["view"]["title"])
    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_same_click_counts_once(world: SlackWorld) -> None:
    """Two of a quorum of two are not one person clicking twice, nor one call told twice."""
    request, message = await world.shown("wire")
    payload = clicks.click_payload(world.slack.workspace, message, ALEX, "approve")
    for _ in range(2):
        await world.slack.send(payload)
    await world.work()

    assert 1 == len((await world.records.view(request.id)).votes)
    assert "More people have to decide." in world.slack.told(ALEX)[0]
    assert "Votes so far" in message.words()


async def test_slow_store_is_acknowledged_and_told_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack is answered while the vote is not stored; whoever voted is told what came of it."""
    async with in_slack(tmp_path, ack_s=0.01) as world:
        request, message = await world.shown()
        form = await _opened_slowly(world, message)
        going = asyncio.Event()
        real = world.approvals.vote

        async def held(*args: Any, **more: Any) -> Any:
            await going.wait()
            return await real(*args, **more)

        monkeypatch.setattr(world.approvals, "vote", held)
        answer = await world.slack.submit(form, {"text": "Too much."})
        clicked = await world.slack.click(message, ALEX, "approve")

        assert "Being stored" in str(answer["view"]["title"])
        assert {} == clicked
        assert RequestStatus.PENDING is (await world.now(request)).status

        going.set()
        await world.answers.drain()
        await world.work()

        assert (await world.now(request)).status in (RequestStatus.REJECTED, RequestStatus.APPROVED)
        assert form.words() != answer["view"]["blocks"][0]["text"]["text"]
        assert [] == world.slack.complaints


async def _opened_slowly(world: SlackWorld, message: Any) -> Any:
    await world.slack.click(message, ALEX, "reject")
    await world.answers.drain()
    view = world.slack.modal(ALEX)
    assert view is not None
    return view


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UnavailableError("The database cannot be reached."), "The database cannot be reached."),
        (BusyError("Too much to do."), "Too much to do."),
        (RuntimeError("unforeseen"), "That did not work just now"),
    ],
)
async def test_vote_that_is_not_stored_is_told(
    world: SlackWorld, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    request, message = await world.shown()
    form = await world.form(message, ALEX, "reject")

    async def fails(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(world.approvals, "vote", fails)
    await world.press(message, ALEX)
    answer = await world.slack.submit(form, {"text": "No."})

    assert words in world.told(ALEX)
    assert "othing was decided" in world.told(ALEX)
    assert words in str(answer["view"]["blocks"])
    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_form_that_changes_nothing_says_so(world: SlackWorld) -> None:
    request, message = await world.shown()
    form = await world.form(message, ALEX, "change")
    answer = await world.slack.submit(form, {})

    assert {"text": "You changed nothing. Change a value, or go back and approve."} == (
        answer["errors"]
    )
    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_question_stands_in_the_message(world: SlackWorld) -> None:
    request, message = await world.shown()
    form = await world.form(message, ALEX, "ask")
    await world.slack.submit(form, {"text": "Why <this>?"})
    await world.work()

    assert "Ben asked: Why <this>?" in message.words()
    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_too_late_is_said_with_who_was_first(world: SlackWorld) -> None:
    request, message = await world.shown()
    reject = await world.form(message, ALEX, "reject")
    ask = clicks.click_payload(world.slack.workspace, message, ALEX, "ask")
    payload = clicks.click_payload(world.slack.workspace, message, ALEX, "approve")
    await world.vote(request, verdict=Verdict.APPROVE)
    answer = await world.slack.submit(reject, {"text": "No."})
    await world.slack.send(payload)
    await world.slack.send(ask)

    assert "decided before, by Ben" in str(answer["view"]["blocks"])
    assert "decided before, by Ben" in world.slack.told(ALEX)[0]
    assert "Approved by Ben" in world.slack.told(ALEX)[1]
    assert "✓ Approved" in message.words()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"team": {"id": "T0OTHER"}}, "workspace whose people decide nothing here"),
        ({"team": None}, "workspace whose people decide nothing here"),
        ({"enterprise": {"id": "E0EVIL"}}, "workspace whose people decide nothing here"),
        ({"user": {"id": "U0ALEX", "team_id": "T9PARTNER"}}, "guest of another Slack workspace"),
        ({"user": {"id": "USLACKBOT", "team_id": "T0ACME"}}, "Only people decide this."),
        ({"user": {"id": "B0GATE"}}, "Only people decide this."),
    ],
)
async def test_whoever_is_not_of_this_workspace_is_refused(
    world: SlackWorld, change: dict[str, Any], words: str
) -> None:
    """Whatever the user id is: it means somebody only together with its workspace."""
    request, message = await world.shown()
    user = (change.get("user") or {"id": ALEX})["id"]
    world.slack.workspace.conversation(message.channel).members.add(user)
    payload = clicks.click_payload(world.slack.workspace, message, ALEX, "approve")
    await world.slack.send({**payload, **change})

    assert words in world.told(user)
    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_enterprise_grid_is_part_of_who_somebody_is(tmp_path: Path) -> None:
    async with in_slack(tmp_path, enterprise_id="E0CORP") as world:
        request, message = await world.shown()
        payload = clicks.click_payload(world.slack.workspace, message, ALEX, "approve")
        bare = {**payload, "enterprise": None, "team": {"id": "T0ACME"}}
        await world.slack.send(bare)
        before = (await world.now(request)).status
        await world.slack.send(payload)

        assert RequestStatus.PENDING is before
        assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_button_of_somebody_else_decides_nothing(world: SlackWorld) -> None:
    request, message = await world.shown()
    payload = clicks.click_payload(world.slack.workspace, message, ALEX, "approve")
    (action,) = payload["actions"]
    for value in ("", "{}", '{"request": "R-NONE", "digest": "0"}'):
        await world.slack.send({**payload, "actions": [{**action, "value": value}]})
    await world.slack.send({**payload, "actions": [{**action, "action_id": "open"}]})
    await world.slack.send({**payload, "actions": [{**action, "action_id": "other"}]})
    await world.slack.send({**payload, "actions": []})
    form = await world.form(message, ALEX, "reject")
    form.content = {**form.content, "private_metadata": "{}"}
    answer = await world.slack.submit(form, {"text": "No."})

    told = world.slack.told(ALEX)
    assert 3 == len(told)
    assert "none of ours" in told[0]
    assert "none of ours" in str(answer["view"]["blocks"])
    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_webhook_takes_only_what_slack_has_signed(world: SlackWorld) -> None:
    _, message = await world.shown()
    payload = clicks.click_payload(world.slack.workspace, message, ALEX, "approve")
    body, now_s = clicks.form(payload), world.clock.now().timestamp()
    good = clicks.signed(world.slack.secret, body, now_s)
    json_type = {"Content-Type": "application/json"}
    hello = b'{"type": "url_verification", "challenge": "c-1"}'
    async with httpx.AsyncClient(trust_env=False) as http:

        async def status(content: bytes, headers: Any) -> int:
            answer = await http.post(world.slack.hook_url, content=content, headers=headers)
            return answer.status_code

        refused = [
            await status(body, {}),
            await status(body, clicks.signed("another", body, now_s)),
            await status(body, clicks.signed(world.slack.secret, body, now_s - 301)),
            await status(body, clicks.signed(world.slack.secret, body, now_s + 301)),
            await status(body + b" ", good),
            await status(body, {**good, "X-Slack-Request-Timestamp": "soon"}),
            await status(body, [*good.items(), ("X-Slack-Signature", "v0=0")]),
        ]
        broken = [
            await status(each, clicks.signed(world.slack.secret, each, now_s))
            for each in (b"payload=x", b"payload=[]", b"", b"payload=%7B%7D", b"\xff")
        ]
        signed = {**clicks.signed(world.slack.secret, hello, now_s), **json_type}
        verified = await http.post(world.slack.hook_url, content=hello, headers=signed)
        check = b"ssl_check=1&token=x"
        checked = await status(check, clicks.signed(world.slack.secret, check, now_s))

    assert [401] * 7 == refused
    assert [400] * 5 == broken
    assert {"challenge": "c-1"} == verified.json()
    assert 200 == checked


async def test_old_and_new_secret_count_while_one_is_replaced(tmp_path: Path) -> None:
    async with in_slack(tmp_path, signing_secrets=["the next one", "the one before"]) as world:
        for secret in ("the next one", "the one before"):
            request, message = await world.shown()
            world.slack.secret = secret
            await world.press(message, ALEX)

            assert RequestStatus.APPROVED is (await world.now(request)).status
