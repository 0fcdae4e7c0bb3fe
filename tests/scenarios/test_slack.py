"""A chat of AutoGen waits for people in Slack, who press buttons and send modals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from countersign.sandbox.slack.server import Slack
from countersign.sandbox.slack.workspace import Message, View
from countersign.sandbox.standins import ask_in, use_slack
from tests.scenarios.world import World, world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]

TASK = "quote for Contoso, 25 seats"
ALEX, ADELE, MEGAN = "U0ALEX", "U0ADELE", "U0MEGAN"


@asynccontextmanager
async def in_slack(folder: Path, **more: Any) -> AsyncIterator[tuple[World, Slack]]:
    """The whole application, with everything asked in Slack."""
    async with Slack.start() as slack:

        def adjust(document: dict[str, Any]) -> None:
            use_slack(document, slack.ready(), **more)
            ask_in(document, "slack")

        async with world(folder, adjust) as app, app.server():
            slack.hook_url = f"{app.url}/webhooks/slack"
            yield app, slack


async def asked(app: World, slack: Slack) -> tuple[dict[str, Any], Message]:
    """A request that waits, and the message in which Alex is asked."""
    session_id = await app.start("sales_quote", TASK)
    request = await app.pending(session_id, tool="release_quote")
    return request, await message_of(app, slack, request)


async def message_of(app: World, slack: Slack, request: dict[str, Any]) -> Message:
    async def look() -> Message | None:
        return next(iter(slack.asking(request["id"])), None)

    found = await app.eventually(look)
    assert isinstance(found, Message)
    return found


async def says(app: World, message: Message, *words: str) -> str:
    async def look() -> str | None:
        text = message.words()
        return text if all(each in text for each in words) else None

    return str(await app.eventually(look))


async def opened(slack: Slack, message: Message, action: str, user: str = ALEX) -> View:
    await slack.click(message, user, action)
    view = slack.modal(user)
    assert view is not None, slack.told(user)
    return view


async def test_people_decide_in_slack(tmp_path: Path) -> None:
    """Approve; change with a wrong value and then a right one; ask, then reject with a reason."""
    async with in_slack(tmp_path) as (app, slack):
        request, message = await asked(app, slack)
        await slack.click(message, ALEX, "approve")
        await app.over(request["session_id"])
        done = await says(app, message, "✓ Approved and done", "Approved by Alex Wilber")

        assert [request["arguments"]] == app.quotes()
        assert "through Slack" in done
        assert set(message.buttons()) == set() or {"open"} == set(message.buttons())
        (vote,) = (await app.request(request["id"]))["votes"]
        assert ("alex", "slack") == (vote["by"], vote["via"])
        await app.ledger(request["session_id"])

        request, message = await asked(app, slack)
        form = await opened(slack, message, "change")
        amount = _input(form, "Amount")
        wrong = await slack.submit(form, {amount: "a lot"})
        right = await slack.submit(form, {amount: "27000", "text": "Rounded."})
        await app.over(request["session_id"])

        assert {amount: "A number is needed."} == wrong["errors"]
        assert ({}, False) == (right, form.is_open)
        assert 27000 == app.quotes()[-1]["amount"]
        await says(app, message, "Approved with changes by Alex Wilber", "What the agent had")

        request, message = await asked(app, slack)
        await slack.submit(await opened(slack, message, "ask"), {"text": "Why 12 percent?"})
        await says(app, message, "Alex Wilber asked: Why 12 percent?")
        await slack.submit(await opened(slack, message, "reject"), {"text": "Too much <discount>."})
        await says(app, message, "✗ Rejected", "Too much <discount>.")

        assert "rejected" == (await app.request(request["id"]))["status"]
        assert [] == slack.complaints


async def test_who_may_not_decide_is_told(tmp_path: Path) -> None:
    """The wrong person, somebody unknown, whoever is too late, and of two at once the second; in
    a channel that all of them see."""
    async with in_slack(tmp_path, channel="C0SALES") as (app, slack):
        request, message = await asked(app, slack)
        before = message.edits
        await slack.click(message, ADELE, "approve")
        await slack.click(message, ADELE, "change")
        await slack.click(message, "U9GUEST", "approve")

        assert "C0SALES" == message.channel
        assert ["You cannot decide this."] * 2 == [t[:23] for t in slack.told(ADELE)]
        assert "guest of another Slack workspace" in slack.told("U9GUEST")[0]
        assert (None, before) == (slack.modal(ADELE), message.edits)
        assert "pending" == (await app.request(request["id"]))["status"]

        form = await opened(slack, message, "reject")
        answers = await asyncio.gather(
            slack.submit(form, {"text": "No."}), slack.click(message, ALEX, "approve")
        )
        after = await app.request(request["id"])

        assert after["status"] in ("approved", "executing", "executed", "rejected")
        assert 1 == len(after["votes"])
        lost = [*slack.told(ALEX), str(answers[0])]
        assert any("decided before, by Alex Wilber" in each for each in lost)
        await says(app, message, "Alex Wilber through Slack")
        assert [] == slack.complaints


def _input(view: View, label: str) -> str:
    found = [b for b, block in view.inputs().items() if label in block["label"]["text"]]
    assert found, view.words()
    return found[0]
