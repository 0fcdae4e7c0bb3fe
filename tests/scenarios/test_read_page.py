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

from bot.server import serving
from bot.settings import Mode, ProcessSettings, Settings
from bot.settings_file import load_settings
from sandbox.openai.rules import Rule, RuleCall
from sandbox.openai.server import ScriptedModel
from tests.scenarios.world import REPOSITORY, World, only_teams, world

MODULE = """
from typing import Annotated
import autogen
from autogen import AssistantAgent
from agents import ApprovalProxy, Chat, WorkflowContext, workflow

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


@asynccontextmanager
async def publishing(folder: Path) -> AsyncIterator[World]:
    """An application with one workflow, which wants to publish a long text."""
    async with ScriptedModel.start() as model, world(folder) as idle:
        call = RuleCall(name="publish", arguments={"text": TEXT, "site": "news"})
        model.rules = [Rule(tool_results=0, calls=(call,)), Rule(text="Published.")]

        def adjust(document: dict[str, Any]) -> None:
            document["workflows"] = {"modules": ["publishing"]}
            document["policy"] = {
                "tools": {"publish": {"effect": "require_approval", "roles": ["sales_manager"]}}
            }
            only_teams(document)
            document["model"] = {"provider": "scripted", "base_url": model.base_url}

        process = ProcessSettings(env=Mode.LOCAL, database_url=f"sqlite:///{folder}/p.db")
        settings: Settings = load_settings(
            REPOSITORY / "countersign.yaml", process=process, environ={}, adjust=adjust
        )
        app = World(settings, idle.teams, idle.crm, idle.mailbox)
        async with serving(settings, host="127.0.0.1", port=0) as app.url:
            app.teams.bot_url = f"{app.url}/api/messages"
            yield app


async def test_large_call_is_read_on_its_page_approved_on_its_card_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser without any token reads it; the body receives exactly what stood there."""
    (tmp_path / "publishing.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "publishing", raising=False)
    async with publishing(tmp_path) as app, aiohttp.ClientSession() as browser:
        await app.teams.send_message("Alex Wilber", "publishing: publish it")
        page = await app.eventually(lambda: waiting(app))
        request = page["items"][0]
        answer = await app.click(request["id"], "read")
        link = re.findall(r"http://127\.0\.0\.1:3978(/read/[\w.-]+)", str(answer.card))[0]
        async with browser.get(app.url + link) as shown:
            body = unescape(await shown.text())
            status = shown.status
        early = await app.click(request["id"], "read")
        confirm = re.findall(r'name="confirm" value="([^"]+)"', body)[0]
        async with browser.post(app.url + link, data={"confirm": confirm}) as confirmed:
            thanks = await confirmed.text()
        await app.eventually(lambda: offered(app, request["id"]))
        await app.click(request["id"], "approve")
        session = await app.over(request["session_id"])
        entries = [e["kind"] for e in await app.ledger(request["session_id"])]

    assert 200 == status
    assert 'Cont\\u043eso.↵\n↵\nDigest: 000000000000"' in body
    assert TEXT[:60_000] in body
    assert "/read/" in str(early.card)
    assert "Thank you, Alex Wilber" in thanks
    assert "completed" == session["status"]
    assert [(TEXT, "news", 3)] == sys.modules["publishing"].RECEIVED
    assert entries.index("opened") < entries.index("voted") < entries.index("decided")


async def waiting(app: World) -> dict[str, Any] | None:
    _, page = await app.call("GET", "/api/v1/requests?status=pending")
    return page if page["items"] else None


async def offered(app: World, request_id: str) -> bool | None:
    message = await app.card(request_id)
    return True if "'approve'" in str(message.card()) else None
