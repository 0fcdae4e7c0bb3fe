"""Free-text questions of a user proxy: asked once, answered once, with AutoGen's meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign.approvals.models import RequestKind, SessionStatus
from countersign.sandbox.openai import (
    Call,
    Conversation,
    Reply,
    Say,
    ToolCall,
)
from tests.agents.teams import GUARDED, Effects, Mode, pair, team
from tests.agents.world import World, world

pytestmark = pytest.mark.parametrize("mode", ["async", "sync"])


def _heard(conversation: Conversation) -> list[str]:
    return [str(m["content"]) for m in conversation.messages if m["role"] == "user"]


def _colours(conversation: Conversation) -> Reply:
    heard = _heard(conversation)
    if len(heard) == 1:
        return Say("Which colour?")
    return Say("Then I choose." if heard[-1] == "" else f"{heard[-1]} it is. TERMINATE")


async def _question(w: World) -> tuple[str, str, str]:
    (request,) = await w.requests()
    assert request.kind is RequestKind.INPUT
    assert request.tool == "human_input"
    return request.arguments["message"], request.agent, request.executor


async def test_always_asks_at_every_message(mode: Mode, office: str, tmp_path: Path) -> None:
    """An empty answer goes on by itself, a text is said, "exit" ends; none is asked twice."""
    workflow = pair(Effects(), mode=mode, human_input_mode="ALWAYS")
    async with world(workflow, _colours, path=tmp_path, office=office) as w:
        await w.start("paint it")
        await w.run()
        assert await _question(w) == ("Which colour?", "worker", "gatekeeper")
        await w.office.answer((await w.requests())[0], "")

        await w.run()
        assert await _question(w) == ("Then I choose.", "worker", "gatekeeper")
        await w.office.answer((await w.requests())[0], "Blue")

        await w.run()
        assert await _question(w) == ("Blue it is. TERMINATE", "worker", "gatekeeper")
        await w.office.answer((await w.requests())[0], "exit")

        ended = await w.run()
        said = [(m["name"], m["content"]) for m in await w.messages()]

        assert (ended.status, ended.answer) == (SessionStatus.COMPLETED, "Blue it is.")
        assert said == [
            ("gatekeeper", "paint it"),
            ("worker", "Which colour?"),
            ("gatekeeper", ""),
            ("worker", "Then I choose."),
            ("gatekeeper", "Blue"),
            ("worker", "Blue it is. TERMINATE"),
        ]
        assert w.model_calls == 3
        assert w.refused_by_model() == []


async def test_a_question_that_expires_ends_the_chat(
    mode: Mode, office: str, tmp_path: Path
) -> None:
    """Nobody there to answer is not a wish to go on."""
    workflow = pair(Effects(), mode=mode, human_input_mode="ALWAYS")
    async with world(workflow, _colours, path=tmp_path, office=office) as w:
        await w.start("paint it")
        await w.run()
        await w.office.expire((await w.requests())[0])

        ended = await w.run()

        assert (ended.status, ended.cause) == (SessionStatus.FAILED, "nobody_answered")
        assert w.model_calls == 1


async def test_terminate_asks_only_at_the_end(mode: Mode, office: str, tmp_path: Path) -> None:
    """In a group: tools and turns run through; the termination message brings the question."""

    def script(conversation: Conversation) -> Reply:
        if "You are planner" in conversation.agent:
            return Say("Fine.")
        if not conversation.tool_results:
            return Call((ToolCall("look_up", {"name": "bob"}),))
        heard = "louder" in "".join(_heard(conversation))
        return Say("HELLO BOB. TERMINATE" if heard else "hello bob. TERMINATE")

    def ends(message: dict[str, object]) -> bool:
        return "TERMINATE" in str(message.get("content"))

    workflow = pair(Effects(), mode=mode, human_input_mode="TERMINATE", is_termination_msg=ends)
    async with world(workflow, script, path=tmp_path, office=office) as w:
        await w.start("greet bob")
        await w.run()
        assert (await _question(w))[0] == "hello bob. TERMINATE"
        await w.office.answer((await w.requests())[0], "louder")
        await w.run()
        assert (await _question(w))[0] == "HELLO BOB. TERMINATE"
        await w.office.answer((await w.requests())[0], "")

        ended = await w.run()

        assert (ended.status, ended.answer) == (SessionStatus.COMPLETED, "HELLO BOB.")


async def test_never_counts_its_auto_replies_over_a_pause(
    mode: Mode, office: str, tmp_path: Path
) -> None:
    """Three auto replies in all, one of them with a result, as with AutoGen's UserProxyAgent."""

    def script(conversation: Conversation) -> Reply:
        heard = _heard(conversation).count("go on")
        if heard == 1 and not conversation.tool_results:
            return Call((ToolCall("update_crm", {"record": "A", "stage": "b"}),))
        return Say(f"heard {heard}")

    workflow = pair(Effects(), mode=mode, max_consecutive_auto_reply=3, default_auto_reply="go on")
    async with world(workflow, script, path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        ended = await w.run()
        said = [m["content"] for m in await w.messages() if m["name"] == "gatekeeper"]

        assert (ended.status, ended.answer) == (SessionStatus.COMPLETED, "heard 2")
        assert said.count("go on") == 2


async def test_roles_of_the_proxy_say_who_answers(mode: Mode, tmp_path: Path) -> None:
    """The policy's default is the owner; a proxy with roles asks those."""
    asking = team(Effects(), mode=mode, human_input_mode="ALWAYS", roles=["manager"])
    async with world(asking, lambda _: Say("Well?"), path=tmp_path, office="sqlite") as w:
        await w.start()
        await w.run()
        (request,) = await w.requests()

        assert request.stages[0].roles == ("manager",)
