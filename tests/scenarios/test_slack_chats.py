"""People write to the app in Slack: they start a chat of AutoGen, follow it and answer it there."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from countersign.sandbox.slack import clicks
from countersign.sandbox.slack.server import APP_TOKEN, Slack
from countersign.sandbox.slack.workspace import BOT_USER, Message
from countersign.sandbox.standins import ask_in, use_slack
from tests.scenarios.test_typed_answers import ALL, MODULE, SCRIPT, WHICH, paid
from tests.scenarios.world import World, world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]
ALEX, MEGAN, SAM, GUEST = "U0ALEX", "U0MEGAN", "U0SAM", "U9GUEST"
TASK = "quote for Contoso, 25 seats"


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


@asynccontextmanager
async def asking(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[World, Any]]:
    """With a chat that asks people for words; through the socket, as the app has no address."""
    (folder / "refunds.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "refunds", raising=False)
    async with Slack.start(hook_url="http://127.0.0.1:9/nowhere") as slack:

        def adjust(document: dict[str, Any]) -> None:
            rule = {"effect": "require_approval", "roles": ["account_executive"]}
            document["workflows"] = {"modules": ["refunds"]}
            document["policy"] = {"tools": {"pay": {**rule, "channels": ["slack"]}}}
            use_slack(document, slack.ready(), app_token=APP_TOKEN)

        async with world(folder, adjust, script=SCRIPT) as app, app.server():
            async with asyncio.timeout(30):
                await slack.connected.wait()
            yield app, slack


async def says(app: World, slack: Slack, *words: str, by: str = BOT_USER) -> Message:
    """The newest message with all of these words."""

    async def look() -> Message | None:
        found = [m for m in slack.messages() if m.user == by and all(w in m.words() for w in words)]
        return found[-1] if found else None

    try:
        found = await app.eventually(look)
    except TimeoutError:
        pytest.fail(f"{words} in {[(m.user, m.words()) for m in slack.messages()]}")
    assert isinstance(found, Message)
    return found


async def sessions(app: World) -> list[Any]:
    found: list[Any] = (await app.call("GET", "/api/v1/sessions"))[1]["items"]
    return found


async def test_message_starts_a_session_that_goes_on_below_it(tmp_path: Path) -> None:
    """Asked in the chat with the app, approved in the approver's, followed in one message that
    grows; asked how it stands and what waits; told its answer."""
    async with in_slack(tmp_path) as (app, slack):
        written = await slack.write(SAM, TASK)
        (session,) = await sessions(app)
        started = await says(app, slack, "Started Sales quote", session["id"])
        request = await app.pending(session["id"], tool="release_quote")
        progress = await says(app, slack, "waits for Alex Wilber", request["id"])

        assert ("sam", TASK) == (session["owner"], session["task"])
        assert {(written.channel, written.ts)} == {
            (m.channel, m.thread_ts) for m in (started, progress)
        }
        await slack.write(SAM, "status")
        stands = await says(app, slack, session["id"], "waiting")
        assert "" == stands.thread_ts
        await slack.write(ALEX, "pending")
        await says(app, slack, "One request waits for your decision", request["id"])
        await slack.write(ALEX, "approve")
        await says(app, slack, "only the buttons of a message decide")
        assert "pending" == (await app.request(request["id"]))["status"]

        message = slack.asking(request["id"], ALEX)[-1]
        await slack.click(message, ALEX, "approve")
        await app.over(session["id"])
        await says(app, slack, "Approved by Alex Wilber", "Ran")
        end = await says(app, slack, str((await app.session(session["id"]))["answer"])[:40])

        assert written.ts == end.thread_ts
        told = [m for m in slack.messages(written.channel) if request["id"] in m.words()]
        grown = [m for m in told if m.edits and m.thread_ts == written.ts]
        assert [progress.ts] == [m.ts for m in grown]
        assert [] == slack.complaints


async def test_mention_is_answered_in_its_thread_and_counts_once(tmp_path: Path) -> None:
    """Told again by Slack, from a channel that is shared with others, and by people who are not
    known; nobody of another workspace starts anything."""
    async with in_slack(tmp_path, channel="C0SALES") as (app, slack):
        written = await slack.write(SAM, TASK, "C0SALES")
        payload = clicks.event_payload(slack.workspace, written)
        for again in (1, 2, 3):
            await slack._told(payload, again)
        (session,) = await sessions(app)
        await says(app, slack, "Started Sales quote")
        request = await app.pending(session["id"], tool="release_quote")
        message = await says(app, slack, "What exactly would run", request["id"])
        await slack.write(GUEST, TASK, "C0SALES")
        stranger = await slack.write("U0OTHERBOT", TASK, "C0SALES", bot_id="B1")
        slack.workspace.users[SAM].team = "T9PARTNER"
        await slack.write(SAM, TASK, "C0SALES")
        slack.workspace.users[SAM].team = "T0ACME"
        await slack.write(SAM, TASK, "C0SALES", team="")  # looked up then
        await slack.write(SAM, "", "C0SALES", written.ts)

        assert "C0SALES" == message.channel
        assert "" == message.thread_ts
        replies = [m for m in slack.messages("C0SALES") if m.thread_ts == written.ts]
        assert 1 == sum("Started" in m.words() for m in replies)
        assert 2 == len(await sessions(app))
        await app.eventually(lambda: _told(slack, GUEST, "another", "workspace", "start"))
        assert not [m for m in slack.messages() if m.thread_ts == stranger.ts]
        await says(app, slack, "I put a person's approval", "as a message")
        assert [] == slack.complaints


async def _told(slack: Slack, user: str, *words: str) -> bool:
    return any(all(w in each for w in words) for each in slack.told(user)) or not words


async def test_command_opens_a_form_and_answers_beside(tmp_path: Path) -> None:
    async with in_slack(tmp_path) as (app, slack):
        assert {} == await slack.command(SAM)
        form = slack.modal(SAM)
        assert form is not None
        options = form.inputs()["workflow"]["element"]["options"]
        (chosen,) = [o["value"] for o in options if o["text"]["text"] == "Sales quote"]
        wrong = await slack.submit(form, {"workflow": chosen, "task": " "})
        assert {"task": "Say what it is to do."} == wrong["errors"]
        await slack.submit(form, {"workflow": chosen, "task": TASK})
        (session,) = await sessions(app)
        asked = await says(app, slack, "You asked for Sales quote", TASK)
        started = await says(app, slack, "Started Sales quote", session["id"])

        assert "goes on in your chat" in form.words()
        assert (f"D{SAM[1:]}", asked.ts) == (started.channel, started.thread_ts)
        await app.pending(session["id"], tool="release_quote")
        await slack.command(SAM, "status")
        assert session["id"] in slack.told(SAM)[-1]
        await slack.command(SAM, f"cancel {session['id']}")
        assert "is cancelled" in slack.told(SAM)[-1]
        assert "cancelled" == (await app.session(session["id"]))["status"]
        await slack.command(SAM, TASK)
        assert 2 == len(await sessions(app))
        await slack.command(SAM, "something with a sales quote perhaps")
        again = slack.modal(SAM)
        assert again is not None
        assert chosen == again.inputs()["workflow"]["element"]["initial_option"]["value"]
        slack.workspace.users["U0NEW"] = type(slack.workspace.users[SAM])("U0NEW", "new", "New", "")
        await slack.command("U0NEW", "status")
        assert (
            "`slack: T0ACME/U0NEW`" in slack.told("U0NEW")[-1]
            or "slack: T0ACME/U0NEW" in (slack.told("U0NEW")[-1])
        )
        assert [] == slack.complaints


async def test_question_of_an_agent_is_answered_in_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through Socket Mode: in words, in a form, and by the button that asks what was meant."""
    async with asking(tmp_path, monkeypatch) as (app, slack):
        written = await slack.write(ALEX, "refund for Contoso please")
        question = await says(app, slack, "Your reply is needed", WHICH)
        assert (written.channel, written.ts) == (question.channel, question.thread_ts)
        await slack.write(ALEX, "It is INV-7", "", written.ts)
        taken = await says(app, slack, "Taken as your answer", "the agents have it")
        assert written.ts == taken.thread_ts
        (session,) = await sessions(app)
        request = await app.pending(session["id"], tool="pay")
        message = await says(app, slack, "What exactly would run", request["id"])
        await slack.write(MEGAN, "ok but only 30 EUR")
        await says(app, slack, "A message waits for you", request["id"], "Nothing was decided")
        assert [] == paid()

        await slack.click(slack.asking(request["id"], MEGAN)[-1], MEGAN, "approve")
        again = await says(app, slack, "Your reply is needed", ALL)
        assert [("INV-7", 40)] == paid()
        assert message.channel == f"D{MEGAN[1:]}"
        await slack.write(ALEX, "refund is done, thank you", "", written.ts)
        asked = await says(app, slack, "Is this your answer?", "No, start Refund")
        assert 1 == len(await sessions(app))
        await slack.click(asked, ALEX, "is_answer")
        await says(app, slack, "Taken as your answer: the agents have it.")
        assert "✓ Replied" in (await says(app, slack, "✓ Replied", "refund is done")).words()
        third = await app.pending(session["id"])
        await app.eventually(lambda: _asked(slack, third["id"]))
        form_of = slack.asking(third["id"])[-1]
        await slack.click(form_of, ALEX, "reply")
        view = slack.modal(ALEX)
        assert view is not None
        await slack.submit(view, {"text": "No, that was all."})
        entries = [e for e in await app.ledger(session["id"]) if e["kind"] == "decided"]

        assert again.thread_ts == written.ts
        assert ["slack"] * len(entries) == [e["body"]["via"] for e in entries]
        assert 4 <= len(entries)
        last = await app.pending(session["id"])
        await app.eventually(lambda: _asked(slack, last["id"]))
        await slack.click(slack.asking(last["id"])[-1], ALEX, "end")
        await app.over(session["id"])
        await says(app, slack, "✗ Chat ended")
        assert [] == slack.complaints


async def _asked(slack: Slack, request_id: str) -> bool | None:
    return bool(slack.asking(request_id)) or None
