"""Other shapes of chats and messages: two agents, old calls, several proxies, mixed batches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from autogen import AssistantAgent, GroupChat, GroupChatManager

from countersign import (
    ApprovalProxy,
    Chat,
    WorkflowContext,
    workflow,
)
from countersign.approvals.models import RequestStatus, SessionStatus
from countersign.sandbox.openai import (
    Call,
    Conversation,
    Reply,
    Say,
    ToolCall,
)
from tests.agents.teams import (
    DENIED,
    GUARDED,
    SELECTIONS,
    Effects,
    Mode,
    calls_then,
    pair,
    story,
    team,
    tools,
)
from tests.agents.world import world

MAIL = {"to": "bob@x.test", "subject": "Hi", "body": "Hello"}


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_two_agents_without_a_manager(mode: Mode, office: str, tmp_path: Path) -> None:
    """The same pauses work in a plain two-agent chat."""
    effects = Effects()

    def script(conversation: Conversation) -> Reply:
        reply = story(conversation)
        return Say("Finished. TERMINATE") if isinstance(reply, Say) else reply

    async with world(
        pair(effects, mode=mode), script, path=tmp_path, office=office, guarded=GUARDED
    ) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        await w.run()
        crm, _, mail = await w.requests()
        assert crm.agent == "worker"
        await w.office.approve(crm)
        await w.office.approve(mail, {**mail.arguments, "body": "changed"})
        ended = await w.run()

        assert (ended.status, ended.answer) == (SessionStatus.COMPLETED, "Finished.")
        assert [a["body"] for a in effects.of("send_email")] == ["Dear ACME", "changed"]
        assert w.model_calls == 3
        assert w.refused_by_model() == []
        assert {m["name"] for m in await w.messages()} == {"gatekeeper", "worker"}


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("selection", SELECTIONS)
async def test_old_function_calls_pass_the_same_gate(
    selection: str, mode: Mode, office: str, tmp_path: Path
) -> None:
    """A legacy `function_call` waits, runs once, and is answered as AutoGen expects."""
    effects = Effects()
    answered: list[Any] = []

    def script(conversation: Conversation) -> Reply:
        answered[:] = [m for m in conversation.messages if m["role"] == "function"]
        if conversation.is_speaker_selection:
            return Say("worker")
        if answered:
            return Say("Done. TERMINATE")
        if "You are worker" not in conversation.agent:
            return Say("PLAN")
        return Call((ToolCall("send_email", {**MAIL, "rationale": "he waits"}),))

    flow = team(effects, selection=selection, mode=mode, style="function")
    async with world(flow, script, path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        (request,) = await w.requests()
        assert (request.arguments, request.rationale) == (MAIL, "he waits")
        assert effects.done == []
        await w.office.approve(request)
        ended = await w.run()
        (told,) = await w.tool_texts()

        assert ended.status is SessionStatus.COMPLETED
        assert effects.of("send_email") == [MAIL]
        assert json.loads(told)["status"] == "executed"
        assert answered[0]["name"] == "send_email"
        assert w.refused_by_model() == []


async def test_allowed_denied_guarded_and_broken_calls_in_one_message(
    office: str, tmp_path: Path
) -> None:
    """Each gets its own answer, in order; nobody is asked about the broken ones."""
    effects = Effects()
    script = calls_then(
        ToolCall("look_up", {"name": "bob"}),
        ToolCall("wipe", {"table": "users"}),
        ToolCall("send_email", MAIL),
        ToolCall("send_email", {"to": 7, "colour": "red"}),
        ToolCall("launch", {}),
    )
    flow = team(effects)
    async with world(
        flow, script, path=tmp_path, office=office, guarded=GUARDED, denied=DENIED
    ) as w:
        await w.start()
        await w.run()
        statuses = [r.status for r in await w.requests()]
        assert statuses == [
            RequestStatus.APPROVED,
            RequestStatus.REJECTED,
            RequestStatus.PENDING,
            RequestStatus.REJECTED,
            RequestStatus.REJECTED,
        ]
        assert effects.done == []
        await w.office.approve((await w.requests())[2])
        await w.run()
        allowed, denied, guarded, misfit, unknown = await w.tool_texts()

        assert allowed == "bob@corp.test"
        assert json.loads(denied)["cause"] == "denied_by_policy"
        assert json.loads(denied)["retry"] is False
        assert json.loads(guarded)["status"] == "executed"
        assert json.loads(misfit)["cause"] == "invalid_arguments"
        assert json.loads(misfit)["retry"] is True
        for reason in ("to: ", "colour: is not an argument", "subject: is required"):
            assert reason in json.loads(misfit)["message"]
        assert "There is no tool launch; there are: look_up" in json.loads(unknown)["message"]
        assert [name for name, _ in effects.done] == ["look_up", "send_email"]
        assert w.refused_by_model() == []


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_calls_without_ids_and_with_the_same_id(
    mode: Mode, office: str, tmp_path: Path
) -> None:
    """Our own call ids stay unique; the answers carry what the model gave."""
    effects = Effects()

    def script(conversation: Conversation) -> Reply:
        n = len(conversation.tool_results)
        return Say("Done. TERMINATE") if n > 1 else Call((ToolCall("send_email", MAIL, "call_x"),))

    async with world(
        pair(effects, mode=mode), script, path=tmp_path, office=office, guarded=GUARDED
    ) as w:
        await w.start()
        await w.run()
        (first,) = await w.requests()
        await w.office.approve(first)
        await w.run()
        (second,) = await w.requests()
        await w.office.approve(second)
        ended = await w.run()

        assert (first.call_id, second.call_id) == ("0.0:call_x", "1.0:call_x")
        assert ended.status is SessionStatus.COMPLETED
        assert len(effects.of("send_email")) == 2


def _two_desks(effects: Effects, mode: Mode) -> Any:
    """Sales may mail, finance may write to the CRM; one worker needs both."""

    def build(context: WorkflowContext) -> Chat:
        mine = tools(effects)
        worker = AssistantAgent("worker", "You are worker", llm_config=context.llm_config)
        never: dict[str, Any] = {"human_input_mode": "NEVER", "is_termination_msg": lambda _: False}
        sales = ApprovalProxy("sales", roles=["sales"], **never)
        finance = ApprovalProxy("finance", roles=["manager"], **never)
        for proxy, tool in ((sales, "send_email"), (finance, "update_crm")):
            worker.register_for_llm(name=tool, description=tool)(mine[tool])
            proxy.register_for_execution(name=tool)(mine[tool])
        group = GroupChat(
            [sales, finance, worker],
            messages=[],
            max_round=20,
            speaker_selection_method="round_robin",
        )
        manager = GroupChatManager(
            group,
            llm_config=context.llm_config,
            is_termination_msg=lambda m: "TERMINATE" in str(m.get("content")),
        )
        return Chat(sales, manager)

    return workflow("desks", "1", "Desks", mode=mode)(build)


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_several_proxies_each_run_their_own_tools(
    mode: Mode, office: str, tmp_path: Path
) -> None:
    """A call goes to its executor; one mixed into another's message is sent back with advice."""
    effects = Effects()
    crm = ToolCall("update_crm", {"record": "A", "stage": "b"})

    def script(conversation: Conversation) -> Reply:
        done = conversation.tool_results
        if not done:
            return Call((ToolCall("send_email", MAIL), crm))
        return Call((crm,)) if len(done) == 2 else Say("Done. TERMINATE")

    flow = _two_desks(effects, mode)
    async with world(flow, script, path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        mail, stray = await w.requests()
        assert (mail.executor, stray.status) == ("sales", RequestStatus.REJECTED)
        await w.office.approve(mail)
        await w.run()
        (moved,) = await w.requests()
        assert moved.executor == "finance"
        await w.office.approve(moved)
        ended = await w.run()
        texts = await w.tool_texts()

        assert ended.status is SessionStatus.COMPLETED
        assert [name for name, _ in effects.done] == ["send_email", "update_crm"]
        assert "update_crm is executed by finance" in json.loads(texts[1])["message"]


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_rounds_are_counted_over_pauses(mode: Mode, tmp_path: Path) -> None:
    """A pause does not buy more rounds: max_round messages in all, then the chat ends."""
    effects = Effects()
    async with world(
        team(effects, mode=mode, max_round=6), story, path=tmp_path, guarded=GUARDED
    ) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        ended = await w.run()

        assert (ended.status, ended.cause) == (SessionStatus.FAILED, "limit")
        assert "(max_round=6)" in (ended.error or "")
        assert len(await w.messages()) == 6
        assert len(effects.done) == 1
