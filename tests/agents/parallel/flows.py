"""Workflows whose chats work side by side, and the scripts of their models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import autogen
from autogen import AssistantAgent, GroupChat, GroupChatManager

from countersign import ApprovalProxy, Chat, Parallel, WorkflowContext, workflow
from countersign.agents.classic.workflows import Workflow
from countersign.sandbox.openai import Call, Conversation, Reply, Say, ToolCall
from tests.agents.teams import Effects, Mode, tools

Step = Reply | Callable[[Conversation], Reply]
Tools = Mapping[str, Callable[..., Any]]
DONE = "TERMINATE"


def crm(record: str = "ACME-1", stage: str = "won") -> ToolCall:
    """A guarded call."""
    return ToolCall("update_crm", {"record": record, "stage": stage, "rationale": "it is won"})


def mail(to: str = "ceo@acme.test") -> ToolCall:
    """Another one."""
    given = {"to": to, "subject": "Renewal", "body": "Dear ACME", "rationale": "they wait"}
    return ToolCall("send_email", given)


def find(name: str = "sales") -> ToolCall:
    """A call that nobody has to approve."""
    return ToolCall("look_up", {"name": name})


def said(text: str) -> Say:
    """The last words of a branch."""
    return Say(f"{text} {DONE}")


def call(*calls: ToolCall) -> Call:
    """Calls of one message, with ids of their own."""
    return Call(tuple(calls))


STEPS: Mapping[str, Sequence[Step]] = {
    "crm": [call(crm()), said("CRM is up to date.")],
    "mail": [call(find()), call(mail()), said("The mail is out.")],
    "facts": [call(find("a")), call(find("b")), said("Two contacts.")],
    "writer": [lambda c: said(f"SUMMARY of {len(c.task)} characters")],
}


def plays(steps: Mapping[str, Sequence[Any]]) -> Callable[[Conversation], Reply]:
    """Each agent says its steps, one after the other, counted by what it said before."""

    def script(conversation: Conversation) -> Reply:
        name = next(each for each in steps if f"You are {each}." in conversation.agent)
        own = steps[name]
        before = sum(
            message["role"] == "assistant" and message.get("name") in (None, name)
            for message in conversation.messages
        )
        step: Step = own[before]
        return step(conversation) if callable(step) else step

    return script


def chat(context: WorkflowContext, functions: Tools, name: str, **proxy: Any) -> Chat:
    """Two agents: a worker that is called like its branch, and who executes its tools."""
    worker = AssistantAgent(name, f"You are {name}.", llm_config=context.llm_config)
    gate = _gate(name, proxy)
    for tool, function in functions.items():
        autogen.register_function(
            function, caller=worker, executor=gate, name=tool, description=tool
        )
    return Chat(gate, worker)


def group(context: WorkflowContext, functions: Tools, name: str, **proxy: Any) -> Chat:
    """The same as a group chat."""
    worker = AssistantAgent(name, f"You are {name}.", llm_config=context.llm_config)
    gate = _gate(name, proxy)
    for tool, function in functions.items():
        autogen.register_function(
            function, caller=worker, executor=gate, name=tool, description=tool
        )
    members = GroupChat([gate, worker], [], max_round=12, speaker_selection_method="round_robin")
    manager = GroupChatManager(
        members,
        name=f"{name}_manager",
        llm_config=context.llm_config,
        is_termination_msg=lambda message: DONE in str(message.get("content")),
    )
    return Chat(gate, manager)


def _gate(name: str, proxy: dict[str, Any]) -> ApprovalProxy:
    options: dict[str, Any] = {
        "human_input_mode": "NEVER",
        "is_termination_msg": lambda message: DONE in str(message.get("content")),
    }
    return ApprovalProxy(f"{name}_gate", **options | proxy)


def side_by_side(
    effects: Effects,
    *names: str,
    mode: Mode = "async",
    then: str = "",
    made: Callable[..., Chat] = chat,
    **proxy: Any,
) -> Workflow:
    """A workflow with a branch for each of these names."""

    def build(context: WorkflowContext) -> Parallel:
        functions = tools(effects)
        branches = {name: made(context, functions, name, **proxy) for name in names}
        return Parallel(branches, then=chat(context, functions, then) if then else None)

    return workflow("parallel", "1", "Side by side", mode=mode)(build)
