"""Builds a chat of a workflow: checked, watched, and with the baseline that it is reset to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from countersign.agents.classic import beforehand, entries, topology
from countersign.agents.classic.answer_log import AnswerLog
from countersign.agents.classic.awaited_models import await_models
from countersign.agents.classic.baseline import Baseline
from countersign.agents.classic.built import BuiltChat
from countersign.agents.classic.chat import Chat
from countersign.agents.classic.fast_conditions import replace_conditions
from countersign.agents.classic.fingerprint import fingerprint, fingerprint_with_schemas
from countersign.agents.classic.reach import Reach, reach
from countersign.agents.classic.sync_twins import ask_once
from countersign.agents.classic.tools import (
    offered_to,
    parameters,
    schemas_before_versions,
    show,
)
from countersign.agents.classic.workflows import Workflow, WorkflowContext
from countersign.agents.guard import processes
from countersign.agents.guard.contexts import ChatContext
from countersign.agents.guard.libraries import package_of
from countersign.agents.values.effective import ToolParameters


@dataclass(frozen=True)
class Made:
    """A chat as its factory makes it."""

    chat_context: ChatContext
    chat: Chat
    reach: Reach
    """All that it holds."""
    tools: Mapping[str, ToolParameters]
    """What its tools take."""


def make(workflow: Workflow, context: WorkflowContext) -> Made:
    """Call the factory and check the chat. Raises ConfigurationError if it is unsafe."""
    chat_context, chat = _called(workflow, context)
    found = reach(chat.agents)
    topology.check(chat, workflow.name, found)
    return Made(chat_context, chat, found, parameters(chat, workflow.name))


def takes(workflow: Workflow, context: WorkflowContext) -> Mapping[str, ToolParameters]:
    """What the tools take of one more chat, which is compared with others and never runs."""
    _, chat = _called(workflow, context)
    return parameters(chat, workflow.name)


def _called(workflow: Workflow, context: WorkflowContext) -> tuple[ChatContext, Chat]:
    chat_context = ChatContext()
    with chat_context.building():
        chat = workflow(context)
    if not isinstance(chat, Chat):
        raise TypeError(f"it returns {type(chat).__name__}; return a Chat")
    return chat_context, chat


def build(
    workflow: Workflow, context: WorkflowContext, needs_rationale: Callable[[str], bool]
) -> tuple[BuiltChat, str, str]:
    """The chat, its version, and its version as it was written before tools had versions."""
    made = make(workflow, context)
    chat, tools = made.chat, made.tools
    before = fingerprint_with_schemas(chat, schemas_before_versions(chat))
    named = [f"{workflow.version}+{each}" for each in (fingerprint(chat), before)]
    show(chat, tools, needs_rationale)
    beforehand.offer(chat, workflow.name)
    replace_conditions(chat.agents)
    if workflow.mode == "async":
        ask_once(chat.agents)
        await_models(chat.agents)
    package = package_of(workflow.factory.__module__)
    answers, rounds = AnswerLog(), 0 if chat.group is None else chat.group.max_round
    answers.watch(chat.agents)
    baseline = Baseline(chat.agents, [package])
    _guard(made)
    offered = {agent.name: offered_to(agent) for agent in chat.agents}
    mode = workflow.mode
    built = BuiltChat(chat, mode, tools, offered, baseline, made.chat_context, answers, rounds)
    return built, named[0], named[1]


def _guard(made: Made) -> None:
    """Everything in the chat that could execute beside its gate is watched from now on."""
    entries.guard_executors()  # those that the workflow has brought along
    made.chat_context.adopt(made.reach.agents)
    if made.reach.code:
        processes.install()
