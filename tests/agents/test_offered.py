"""An agent calls what its model was shown, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from autogen import AssistantAgent, GroupChat, GroupChatManager

from countersign import (
    ApprovalProxy,
    Chat,
    WorkflowContext,
    workflow,
)
from countersign.agents.classic.workflows import Workflow
from countersign.approvals.models import Cause, SessionStatus
from countersign.sandbox.openai import (
    Call,
    Conversation,
    Reply,
    Say,
    ToolCall,
)
from tests.agents.teams import Effects, tools
from tests.agents.world import OFFICES, world

CALL = ToolCall("look_up", {"name": "sales"}, "c1")


def script(conversation: Conversation) -> Reply:
    """A planner that calls the worker's tool, whether it was shown it or not."""
    if conversation.tool_results:
        return Say("That cannot be done. TERMINATE")
    return Call((CALL,))


def of(effects: Effects) -> Workflow:
    """A group in which only the worker is offered the tool."""

    def build(context: WorkflowContext) -> Chat:
        planner = AssistantAgent("planner", "You are planner", llm_config=context.llm_config)
        worker = AssistantAgent("worker", "You are worker", llm_config=context.llm_config)
        gate = ApprovalProxy("gatekeeper", human_input_mode="NEVER")
        look_up = tools(effects)["look_up"]
        worker.register_for_llm(name="look_up", description="Look up.")(look_up)
        gate.register_for_execution(name="look_up")(look_up)
        group = GroupChat(
            [gate, planner, worker], messages=[], speaker_selection_method="round_robin"
        )
        manager = GroupChatManager(
            group, llm_config=False, is_termination_msg=lambda m: "TERMINATE" in str(m["content"])
        )
        return Chat(gate, manager)

    return workflow("offered", "1", "Offered")(build)


@pytest.mark.parametrize("office", OFFICES)
@pytest.mark.parametrize("guarded", [(), ("look_up",)])
async def test_call_of_an_agent_that_was_not_offered_the_tool_is_not_executed(
    office: str, guarded: tuple[str, ...], tmp_path: Path
) -> None:
    """Neither where a rule would allow it, nor where people would be asked: they are not."""
    effects = Effects()
    async with world(of(effects), script, path=tmp_path, office=office, guarded=guarded) as one:
        await one.start()
        session = await one.run()
        (told,) = [json.loads(text) for text in await one.tool_texts()]

    assert SessionStatus.COMPLETED is session.status
    assert [] == effects.done
    assert ("not_executed", Cause.DENIED_BY_POLICY) == (told["status"], told["cause"])
    assert "planner was not offered look_up" in told["message"]
