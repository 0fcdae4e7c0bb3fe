"""What an exception of a tool means: nothing happened, or nobody knows whether it did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from countersign import ApprovalProxy, NothingHappenedError, OutcomeUnknownError
from countersign.agents.tools.outcomes import describe
from countersign.approvals.errors import ConfigurationError, IntegrityError
from countersign.approvals.models import Cause, RequestStatus, SessionStatus
from countersign.sandbox.openai import (
    Call,
    Conversation,
    Reply,
    Say,
    ToolCall,
)
from tests.agents.teams import GUARDED, Effects, Mode, calls_then, pair
from tests.agents.world import world

pytestmark = pytest.mark.asyncio

MODES = pytest.mark.parametrize("mode", ["async", "sync"])
MAIL = {"to": "bob@x.test", "subject": "Hi", "body": "Hello"}
CRM = {"record": "A", "stage": "b"}
FULL = "mailbox is full"


def _fails_once(effects: Effects, error: BaseException) -> None:
    def before(_: str) -> None:
        effects.before = lambda _: None
        raise error

    effects.before = before


@MODES
@pytest.mark.parametrize(
    "error",
    [
        NothingHappenedError(FULL),
        BlockingIOError(FULL),
        ExceptionGroup("2", [KeyError(), OSError(FULL)]),
    ],
)
@pytest.mark.parametrize("tool", ["send_email", "update_crm"])
async def test_an_error_that_is_declared_harmless_is_told_to_the_agents(
    tool: str, error: Exception, mode: Mode, office: str, tmp_path: Path
) -> None:
    """They propose it again in the same session, and the second time it works."""
    effects = Effects()
    arguments = MAIL if tool == "send_email" else CRM
    harmless = {tool: (OSError, KeyError)}

    def script(conversation: Conversation) -> Reply:
        done = conversation.tool_results
        if done and "executed" in str(done[-1].content):
            return Say("Sent after all. TERMINATE")
        return Call((ToolCall(tool, arguments),))

    _fails_once(effects, error)
    async with world(
        pair(effects, mode=mode, harmless=harmless),
        script,
        path=tmp_path,
        office=office,
        guarded=GUARDED,
    ) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        assert (await w.run()).status is SessionStatus.WAITING
        await w.office.approve((await w.requests())[0])
        ended = await w.run()
        first, second = map(json.loads, await w.tool_texts())

        assert (ended.status, ended.answer) == (SessionStatus.COMPLETED, "Sent after all.")
        assert first["status"] == "failed"
        assert first["error"] == describe(error)
        assert second["status"] == "executed"


@MODES
@pytest.mark.parametrize("tool", ["send_email", "update_crm"])
async def test_a_tool_that_cannot_tell_leaves_its_request_in_doubt(
    tool: str, mode: Mode, office: str, tmp_path: Path
) -> None:
    """The agents are not told that it failed, since it may have worked."""
    effects = Effects()
    arguments = MAIL if tool == "send_email" else CRM
    _fails_once(effects, OutcomeUnknownError("the line broke after the message was sent"))
    script = calls_then(ToolCall(tool, arguments))
    async with world(
        pair(effects, mode=mode), script, path=tmp_path, office=office, guarded=GUARDED
    ) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        ended = await w.run()
        (text,) = await w.tool_texts()
        told = json.loads(text)

        assert ended.status is SessionStatus.COMPLETED
        assert (await w.requests())[0].status is RequestStatus.IN_DOUBT
        assert (told["status"], told["cause"]) == ("not_executed", "in_doubt")
        assert told["retry"] is False
        assert "the line broke" in told["message"]


@MODES
@pytest.mark.parametrize(
    "error",
    [
        ConnectionError("reset by peer"),
        SystemExit("reset by peer"),
        IntegrityError("reset by peer"),
        ExceptionGroup("2", [NothingHappenedError(), ConnectionError("reset by peer")]),
    ],
)
@pytest.mark.parametrize("tool", ["send_email", "update_crm"])
async def test_any_other_error_of_a_guarded_tool_leaves_its_request_in_doubt(
    tool: str, error: BaseException, mode: Mode, office: str, tmp_path: Path
) -> None:
    """It may have taken effect before that; the chat goes on, and it is not run again."""
    effects = Effects()
    _fails_once(effects, error)
    script = calls_then(ToolCall(tool, MAIL if tool == "send_email" else CRM))
    workflow = pair(effects, mode=mode, harmless=(TimeoutError,))
    async with world(workflow, script, path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        ended = await w.run()
        told = json.loads((await w.tool_texts())[0])

        assert SessionStatus.COMPLETED is ended.status
        assert RequestStatus.IN_DOUBT is (await w.requests())[0].status
        assert ("not_executed", "in_doubt", False) == (told["status"], told["cause"], told["retry"])
        assert f"It raised {describe(error)}" in told["message"]
        assert [] == effects.done


async def test_an_error_of_a_tool_that_asks_nobody_is_a_failure(
    office: str, tmp_path: Path
) -> None:
    effects = Effects()
    _fails_once(effects, ValueError("no such contact"))
    script = calls_then(ToolCall("look_up", {"name": "bob"}))
    async with world(pair(effects), script, path=tmp_path, office=office) as w:
        await w.start()
        await w.run()

        assert [{"status": "failed", "error": "ValueError: no such contact"}] == [
            json.loads(text) for text in await w.tool_texts()
        ]


async def test_a_doubt_of_the_tool_itself_is_one_whatever_is_declared(
    office: str, tmp_path: Path
) -> None:
    effects = Effects()
    _fails_once(effects, OutcomeUnknownError("the line broke"))
    script = calls_then(ToolCall("send_email", MAIL))
    workflow = pair(effects, harmless=(Exception,))
    async with world(workflow, script, path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        await w.run()
        result = (await w.requests())[0].result

    assert result is not None
    assert Cause.IN_DOUBT is result.cause


@pytest.mark.parametrize("harmless", [ValueError(), "ValueError", {"send_email": (int,)}])
async def test_harmless_takes_classes_of_exceptions(harmless: Any) -> None:
    with pytest.raises(TypeError, match="gate: harmless takes classes of exceptions"):
        ApprovalProxy("gate", harmless=harmless)


async def test_harmless_names_tools_that_are_there(tmp_path: Path) -> None:
    workflow = pair(Effects(), harmless={"send_mail": ValueError})
    with pytest.raises(ConfigurationError, match=r"send_mail, but does not execute it"):
        async with world(workflow, calls_then(), path=tmp_path):
            pass
