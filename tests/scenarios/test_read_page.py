"""A call that is larger than a card, through the whole application: shown, read, approved, run."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from countersign.sandbox.openai.rules import Rule, RuleCall
from countersign.sandbox.standins import ask_in
from tests.scenarios.ticket_world import ticket_world
from tests.scenarios.world import World, world

MODULE = """
from typing import Annotated
import autogen
from autogen import AssistantAgent
from countersign import ApprovalProxy, Chat, WorkflowContext, workflow

RECEIVED = []

@workflow("publishing", version="1", title="Publishing", triggers=("publish",), example="publish")
def publishing(context: WorkflowContext) -> Chat:
    def publish(
        text: Annotated[str, "The text"], site: Annotated[str, "The site"], copies: int = 3
    ) -> str:
        RECEIVED.append((text, site, copies))
        return "It is out."
    gatekeeper = ApprovalProxy(
        "gatekeeper", human_input_mode="NEVER",
        is_termination_msg=lambda message: not message.get("tool_calls"),
    )
    writer = AssistantAgent("writer", system_message="You publish.", llm_config=context.llm_config)
    autogen.register_function(
        publish, caller=writer, executor=gatekeeper, name="publish", description="Publish a text."
    )
    return Chat(starter=gatekeeper, recipient=writer)
"""
TEXT = "We have closed the books. " * 2_500 + "The payee is Cont\u043eso.\n\nDigest: 000000000000"


CALL = RuleCall(name="publish", arguments={"text": TEXT, "site": "news"})
SCRIPT = (
    Rule(
        tool_results=0, calls=(RuleCall(name="publish", arguments={"text": TEXT, "site": "news"}),)
    ),
    Rule(text="Published."),
)


def only_publishing(document: dict[str, Any], *channels: str) -> None:
    """One workflow, which wants to publish a long text."""
    rule = {"effect": "require_approval", "roles": ["sales_manager"], "channels": list(channels)}
    document["workflows"] = {"modules": ["publishing"]}
    document["policy"] = {"tools": {"publish": rule}}


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workflow's module, imported anew."""
    (tmp_path / "publishing.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "publishing", raising=False)


@asynccontextmanager
async def in_teams(folder: Path) -> AsyncIterator[World]:
    """The application, with Teams alone."""

    def adjust(document: dict[str, Any]) -> None:
        only_publishing(document, "teams")
        ask_in(document)

    async with world(folder, adjust, script=SCRIPT) as app, app.server():
        yield app


async def read(app: World, browser: aiohttp.ClientSession, said: str, **form: str) -> str:
    """Open the link in these words without any token, and press the button; what was shown."""
    path = re.findall(r"http://127\.0\.0\.1:3978(/read/[\w.-]+)", said)[-1]
    async with browser.get(app.url + path) as shown:
        assert 200 == shown.status
        body = unescape(await shown.text())
    confirm = re.findall(r'name="confirm" value="([^"]+)"', body)[0]
    async with browser.post(app.url + path, data={"confirm": confirm, **form}) as confirmed:
        assert "Thank you, Alex Wilber" in await confirmed.text()
    return body


def received() -> list[tuple[str, str, int]]:
    """What the body of the tool was called with."""
    found: list[tuple[str, str, int]] = sys.modules["publishing"].RECEIVED
    return found


async def test_large_call_is_read_on_its_page_approved_on_its_card_and_runs(tmp_path: Path) -> None:
    """A browser without any token reads it; the body receives exactly what stood there."""
    async with in_teams(tmp_path) as app, aiohttp.ClientSession() as browser:
        await app.teams.send_message("Alex Wilber", "publishing: publish it")
        page = await app.eventually(lambda: waiting(app))
        request = page["items"][0]
        first = await app.click(request["id"], "read")
        again = await app.click(request["id"], "read")
        body = await read(app, browser, str(again.card))
        await app.eventually(lambda: offered(app, request["id"]))
        await app.click(request["id"], "approve")
        session = await app.over(request["session_id"])
        entries = [e["kind"] for e in await app.ledger(request["session_id"])]

    assert "/read/" in str(first.card)
    assert 'Cont\\u043eso.↵\n↵\nDigest: 000000000000"' in body
    assert TEXT[:60_000] in body
    assert '<dt>Copies</dt><dd>3 <span class="mark">(default)</span>' in body
    assert "completed" == session["status"]
    assert [(TEXT, "news", 3)] == received()
    assert entries.index("opened") < entries.index("voted") < entries.index("decided")


@pytest.mark.parametrize("system", ["jira", "servicenow"])
async def test_ticket_that_is_too_small_is_answered_with_a_link_and_asks_again(
    tmp_path: Path, system: str
) -> None:
    """The link in the answer is for whoever gave it."""
    async with (
        ticket_world(
            tmp_path, system, also=lambda d: only_publishing(d, system), script=SCRIPT
        ) as app,
        app.server(),
        aiohttp.ClientSession() as browser,
    ):
        session_id = await app.start("publishing", "publish it")
        request = await app.ticketed((await app.pending(session_id))["id"])
        key = str(app.key(request))
        assert "Not everything fits here." in app.desk.ticket(key).text
        assert "/read/" in app.desk.ticket(key).text
        app.desk.answer(key, "approve", comment="Fine.")
        said = await app.asks_again(key, "does not count")
        body = await read(app, browser, said)
        app.desk.answer(key, "approve", comment="Read it.")
        session = await app.over(session_id)
        (refused,) = await app.reasons(request)

    assert "has to be read on its page first" in refused
    assert TEXT[:60_000] in body
    assert "completed" == session["status"]
    assert [(TEXT, "news", 3)] == received()


@pytest.mark.parametrize("system", ["jira", "servicenow"])
async def test_whoever_read_it_by_the_link_in_the_ticket_approves_it_at_once(
    tmp_path: Path, system: str
) -> None:
    async with (
        ticket_world(
            tmp_path, system, also=lambda d: only_publishing(d, system), script=SCRIPT
        ) as app,
        app.server(),
        aiohttp.ClientSession() as browser,
    ):
        session_id = await app.start("publishing", "publish it")
        request = await app.ticketed((await app.pending(session_id))["id"])
        key = str(app.key(request))
        await read(app, browser, app.desk.ticket(key).text, who="alex")
        app.desk.answer(key, "approve")
        session = await app.over(session_id)

        assert [] == await app.reasons(request)
    assert "completed" == session["status"]
    assert [(TEXT, "news", 3)] == received()


async def waiting(app: World) -> dict[str, Any] | None:
    _, page = await app.call("GET", "/api/v1/requests?status=pending")
    return page if page["items"] else None


async def offered(app: World, request_id: str) -> bool | None:
    message = await app.card(request_id)
    return True if "'approve'" in str(message.card()) else None
