"""Chats to test with, and the scripts of their models."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import autogen
from autogen import AssistantAgent, ConversableAgent, GroupChat, GroupChatManager
from autogen.coding import LocalCommandLineCodeExecutor

from countersign import (
    ApprovalProxy,
    Chat,
    WorkflowContext,
    current_execution,
    workflow,
)
from countersign.agents.classic.workflows import Workflow
from countersign.sandbox.openai import (
    Call,
    Conversation,
    Reply,
    Say,
    ToolCall,
)

Mode = Literal["async", "sync"]
SELECTIONS = ("round_robin", "auto", "custom")


@dataclass
class Effects:
    """What really happened outside."""

    done: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda _: None
    """Called inside a tool body before its effect: to fail, or to die."""
    returns: Any = None
    """What the tools return, if not words of their own."""

    def happen(self, tool: str, **arguments: Any) -> None:
        """Record an effect."""
        self.before(tool)
        self.tokens.append(current_execution().token)
        self.done.append((tool, arguments))

    def of(self, tool: str) -> list[dict[str, Any]]:
        """The arguments with which a tool took effect."""
        return [arguments for name, arguments in self.done if name == tool]


def tools(effects: Effects) -> dict[str, Callable[..., Any]]:
    """A guarded sync tool, a guarded async tool, a harmless one and one that is forbidden."""

    def send_email(to: str, subject: str, body: str) -> Any:
        """Send an email."""
        effects.happen("send_email", to=to, subject=subject, body=body)
        return effects.returns or f"sent to {to}"

    async def update_crm(record: str, stage: str) -> Any:
        """Update a CRM record."""
        await asyncio.sleep(0)
        effects.happen("update_crm", record=record, stage=stage)
        return effects.returns or f"{record} -> {stage}"

    def look_up(name: str) -> Any:
        """Look up a contact."""
        effects.happen("look_up", name=name)
        return effects.returns or f"{name}@corp.test"

    def wipe(table: str) -> str:
        """Wipe a table."""
        effects.happen("wipe", table=table)
        return "wiped"

    return {f.__name__: f for f in (send_email, update_crm, look_up, wipe)}


def code_execution() -> dict[str, Any]:
    """A configuration that lets an agent execute code.

    With an executor: pyautogen 0.9 otherwise looks for Docker, and leaves a socket open.
    """
    return {"executor": LocalCommandLineCodeExecutor()}


GUARDED = ("send_email", "update_crm")
DENIED = ("wipe",)


def team(
    effects: Effects,
    *,
    selection: str = "round_robin",
    mode: Mode = "async",
    style: Literal["tool", "function"] = "tool",
    max_round: int = 30,
    pooled: bool = True,
    **proxy: Any,
) -> Workflow:
    """A gatekeeper, a planner and a worker in a group chat."""

    def build(context: WorkflowContext) -> Chat:
        planner = AssistantAgent("planner", "You are planner", llm_config=context.llm_config)
        worker = AssistantAgent("worker", "You are worker", llm_config=context.llm_config)
        options: dict[str, Any] = {"human_input_mode": "NEVER", "is_termination_msg": _never}
        gate = ApprovalProxy("gatekeeper", description="executes tools", **options | proxy)
        for name, function in tools(effects).items():
            worker.register_for_llm(name=name, description=function.__doc__, api_style=style)(
                function
            )
            gate.register_for_execution(name=name)(function)
        method: Any = _custom if selection == "custom" else selection
        group = GroupChat(
            [gate, planner, worker],
            messages=[],
            max_round=max_round,
            speaker_selection_method=method,
        )
        manager = GroupChatManager(
            group, llm_config=context.llm_config, is_termination_msg=_terminates
        )
        return Chat(gate, manager)

    return workflow("team", "1", "A team", mode=mode, pooled=pooled)(build)


def pair(
    effects: Effects, *, mode: Mode = "async", max_turns: int | None = None, **proxy: Any
) -> Workflow:
    """Two agents, without a manager."""

    def build(context: WorkflowContext) -> Chat:
        worker = AssistantAgent("worker", "You are worker", llm_config=context.llm_config)
        options: dict[str, Any] = {"human_input_mode": "NEVER", "is_termination_msg": _terminates}
        gate = ApprovalProxy("gatekeeper", **options | proxy)
        for name, function in tools(effects).items():
            autogen.register_function(
                function, caller=worker, executor=gate, name=name, description=name
            )
        return Chat(gate, worker, max_turns)

    return workflow("pair", "1", "A pair", mode=mode)(build)


def one_tool(
    context: WorkflowContext, body: Callable[..., Any], *, name: str = "", **proxy: Any
) -> Chat:
    """A worker with one tool, and the gatekeeper that executes it."""
    worker = AssistantAgent("worker", "You are worker", llm_config=context.llm_config)
    options: dict[str, Any] = {"human_input_mode": "NEVER", "is_termination_msg": _terminates}
    gate = ApprovalProxy("gatekeeper", **options | proxy)
    named = name or body.__name__
    autogen.register_function(
        body, caller=worker, executor=gate, name=named, description=f"{named.capitalize()}."
    )
    return Chat(gate, worker)


def story(conversation: Conversation) -> Reply:
    """The long story: one call; then three at once; then a revised one; then the end."""
    told = _texts(conversation)
    if conversation.is_speaker_selection:
        return Say(_next(told))
    done = [
        call_id for call_id in ("call_1", "call_2a", "call_3") if _answered(conversation, call_id)
    ]
    if "You are planner" in conversation.agent:
        if "REPORT" in told:
            return Say("All wrapped up. TERMINATE")
        return Say(f"PLAN: worker, go on ({len(done)} done)")
    if "call_1" not in done:
        return Call((_mail("call_1", "ceo@acme.test", "Dear ACME"),))
    if "call_2a" not in done:
        return Call(
            (
                ToolCall("update_crm", {"record": "ACME-1", "stage": "renewed"}, "call_2a"),
                ToolCall("look_up", {"name": "sales"}, "call_2b"),
                _mail("call_2c", "sales@corp.test", "secret discount 40%"),
            )
        )
    if "USER_REJECT" in told and "call_3" not in done:
        return Call((_mail("call_3", "sales@corp.test", "no discount mentioned"),))
    return Say("REPORT: everything handled")


def calls_then(
    *calls: ToolCall, finish: str = "Done. TERMINATE"
) -> Callable[[Conversation], Reply]:
    """A worker that makes these calls in one message and ends when they are answered."""

    def script(conversation: Conversation) -> Reply:
        if conversation.is_speaker_selection:
            return Say("worker")
        if conversation.tool_results or any(m["role"] == "tool" for m in conversation.messages):
            return Say(finish)
        return Call(calls) if "You are worker" in conversation.agent else Say("PLAN: go")

    return script


def _mail(call_id: str, to: str, body: str) -> ToolCall:
    arguments = {"to": to, "subject": "Renewal", "body": body, "rationale": f"because of {to}"}
    return ToolCall("send_email", arguments, call_id)


def _answered(conversation: Conversation, call_id: str) -> bool:
    return any(
        m.get("tool_call_id") == call_id or (m["role"] == "function" and call_id in str(m))
        for m in conversation.messages
    )


def _texts(conversation: Conversation) -> str:
    said = [m for m in conversation.messages if m["role"] != "system"]
    return json.dumps(said)


def _next(told: str) -> str:
    if "REPORT" in told or "PLAN" not in told:
        return "planner"
    return "worker"


def _custom(last: ConversableAgent, group: GroupChat) -> ConversableAgent:
    """Counts its turns on the group: state that a pause must keep."""
    group.turns = getattr(group, "turns", 0) + 1  # type: ignore[attr-defined]
    message = group.messages[-1]
    agents: list[Any] = group.agents
    gate, planner, worker = agents
    if message.get("tool_calls") or message.get("function_call"):
        return gate  # type: ignore[no-any-return]
    first = group.turns == 1  # type: ignore[attr-defined]
    chosen: ConversableAgent = planner if first or "REPORT" in str(message["content"]) else worker
    return chosen


def _terminates(message: dict[str, Any]) -> bool:
    return "TERMINATE" in str(message.get("content"))


def _never(_: dict[str, Any]) -> bool:
    return False
