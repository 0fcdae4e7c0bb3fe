"""Calls of chats side by side in one message of Slack: each with its buttons, and all at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from countersign.sandbox.slack.server import Slack
from countersign.sandbox.slack.workspace import Message
from countersign.sandbox.standins import ask_in, use_slack
from tests.processes import ROOT
from tests.scenarios.test_slack import ADELE, ALEX, MEGAN, says
from tests.scenarios.world import World, world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]

TASK = "renew Contoso, 26,000 EUR, closing 2026-12-30"
CHANGE, LETTER = "update_opportunity", "send_email"
Both = tuple[dict[str, Any], dict[str, Any], Message]


@asynccontextmanager
async def in_slack(folder: Path, **more: Any) -> AsyncIterator[tuple[World, Slack]]:
    """The whole application with the renewal, asked in Slack."""
    example = yaml.safe_load((ROOT / "examples" / "parallel.yaml").read_text())
    async with Slack.start() as slack:

        def adjust(document: dict[str, Any]) -> None:
            use_slack(document, slack.ready(), **more)
            document["workflows"]["modules"] = example["workflows"]["modules"]
            document["policy"]["tools"] = example["policy"]["tools"]
            document["policy"].pop("budgets", None)
            ask_in(document, "slack")

        async with world(folder, adjust) as app, app.server():
            slack.hook_url = f"{app.url}/webhooks/slack"
            yield app, slack


async def asked(app: World, slack: Slack) -> Both:
    """The change and the letter that wait, and the one message in which Alex is asked of both."""
    session_id = await app.start("renewal", TASK)
    change, letter = [await app.pending(session_id, tool=tool) for tool in (CHANGE, LETTER)]

    async def look() -> Message | None:
        found = slack.asking(change["id"], ALEX)
        return next((m for m in found if m in slack.asking(letter["id"], ALEX)), None)

    message = await app.eventually(look)
    assert isinstance(message, Message)
    return change, letter, message


async def test_both_are_in_one_message_and_one_press_runs_both(tmp_path: Path) -> None:
    async with in_slack(tmp_path) as (app, slack):
        change, letter, message = await asked(app, slack)
        words = message.words()

        assert 1 == len(slack.asking(change["id"], ALEX)) == len(slack.asking(letter["id"], ALEX))
        assert "Approval needed: 2 calls" in words
        assert "1. Update opportunity, branch record" in words
        assert str(letter["arguments"]["to"]) in words
        assert 2 == sum(b["action_id"] == "approve" for b in message.all_buttons())

        await slack.click(message, ALEX, "approve_all")
        session = await app.over(change["session_id"])
        await says(app, message, "Decided: 2 calls", "✓ Approved and done")

        assert "completed" == session["status"]
        assert 1 == len(app.mailbox.messages())
        for each in (change, letter):
            (vote,) = (await app.request(each["id"]))["votes"]
            assert ("alex", "slack") == (vote["by"], vote["via"])
        assert [] == slack.complaints
        await app.ledger(change["session_id"])


async def test_each_is_decided_by_its_own_buttons(tmp_path: Path) -> None:
    """Asked about, changed in a form, and the other one turned down with a reason."""
    async with in_slack(tmp_path) as (app, slack):
        change, letter, message = await asked(app, slack)
        await slack.click(message, ALEX, "ask", of=letter["id"])
        form = slack.modal(ALEX)
        assert form is not None
        await slack.submit(form, {"text": "Why this letter?"})
        await says(app, message, "Alex Wilber asked: Why this letter?")

        await slack.click(message, ALEX, "reject", of=letter["id"])
        form = slack.modal(ALEX)
        assert form is not None
        await slack.submit(form, {"text": "I call her myself."})
        await says(app, message, "Approval needed: 1 of 2 calls", "I call her myself.")

        assert "pending" == (await app.request(change["id"]))["status"]
        assert "approve_all" not in message.buttons()

        await slack.click(message, ALEX, "change", of=change["id"])
        form = slack.modal(ALEX)
        assert form is not None, slack.told(ALEX)
        (amount,) = [b for b, i in form.inputs().items() if "mount" in i["label"]["text"]]
        await slack.submit(form, {amount: "25000", "text": "Rounded."})
        await app.over(change["session_id"])
        await says(app, message, "Decided: 2 calls", "Approved with changes by Alex Wilber")

        done = [e["arguments"] for e in app.crm.effects() if e["action"] == "update_opportunity"]
        assert [25000] == [each["amount"] for each in done]
        assert [] == app.mailbox.messages()
        assert [] == slack.complaints


async def test_all_are_turned_down_with_one_reason(tmp_path: Path) -> None:
    async with in_slack(tmp_path) as (app, slack):
        change, letter, message = await asked(app, slack)
        await slack.click(message, ALEX, "reject_all")
        form = slack.modal(ALEX)
        assert form is not None
        empty = await slack.submit(form, {"text": " "})
        await slack.submit(form, {"text": "Not this year."})
        await says(app, message, "Decided: 2 calls", "Not this year.")

        assert empty["response_action"] == "errors"
        for each in (change, letter):
            after = await app.request(each["id"])
            assert ("rejected", "Not this year.") == (after["status"], after["votes"][0]["comment"])
        assert [] == app.mailbox.messages()
        assert [] == slack.complaints


async def test_what_was_shown_before_decides_nothing_of_what_waits_now(tmp_path: Path) -> None:
    """In a channel that all see: who may not decide, and a press on what has changed since."""
    async with in_slack(tmp_path, channel="C0SALES") as (app, slack):
        session_id = await app.start("renewal", TASK)
        change, letter = [await app.pending(session_id, tool=tool) for tool in (CHANGE, LETTER)]

        async def look() -> Message | None:
            return next(iter(slack.asking(letter["id"])), None)

        message = await app.eventually(look)
        button = message.button("approve_all")
        await slack.click(message, ADELE, "approve_all")
        await slack.click(message, "U9GUEST", "approve_all")

        assert "pending" == (await app.request(change["id"]))["status"]
        assert ["This needs the role account_executive. Nothing was decided."] == slack.told(ADELE)
        assert "guest of another Slack workspace" in slack.told("U9GUEST")[0]

        await app.vote(letter, "reject", comment="No letter.")
        await says(app, message, "Approval needed: 1 of 2 calls")
        message.blocks[-1]["elements"].append(button)
        await slack.click(message, MEGAN, "approve_all")

        assert any("out of date" in told for told in slack.told(MEGAN))
        assert "pending" == (await app.request(change["id"]))["status"]

        await slack.click(message, ALEX, "approve", of=change["id"])
        await app.over(session_id)
        await says(app, message, "Decided: 2 calls")
        assert [] == app.mailbox.messages()
