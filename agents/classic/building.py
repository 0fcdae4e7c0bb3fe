"""Builds a chat of a workflow: checked, watched, and with the baseline that it is reset to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from countersign.agents.classic import beforehand, entries, parallel, topology
from countersign.agents.classic.answer_log import AnswerLog
from countersign.agents.classic.awaited_models import await_models
from countersign.agents.classic.baseline import Baseline
from countersign.agents.classic.built import BuiltChat
from countersign.agents.classic.built_parallel import Built, BuiltParallel
from countersign.agents.classic.chat import Chat
from countersign.agents.classic.fast_conditions import replace_conditions
from countersign.agents.classic.fingerprint import (
    fingerprint,
    fingerprint_of_parallel,
    fingerprint_with_schemas,
)
from countersign.agents.classic.parallel import Parallel
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
from countersign.approvals.models.sessions import THEN


@dataclass(frozen=True)
class Made:
    """A chat as its factory makes it."""

    chat_context: ChatContext
    chat: Chat
    reach: Reach
    """All that it holds."""
    tools: Mapping[str, ToolParameters]
    """What its tools take."""


def takes(workflow: Workflow, context: WorkflowContext) -> Mapping[str, ToolParameters]:
    """What the tools take of one more chat, which is compared with others and never runs."""
    _, chats = _called(workflow, context)
    found: dict[str, ToolParameters] = {}
    for chat in chats.values():
        found |= parameters(chat, workflow.name)
    return found


def _called(workflow: Workflow, context: WorkflowContext) -> tuple[ChatContext, Mapping[str, Chat]]:
    """What the factory makes; a chat that is alone has no name."""
    chat_context = ChatContext()
    with chat_context.building():
        made = workflow(context)
    if isinstance(made, Chat):
        beforehand.offer_plans(made, workflow.name)
        return chat_context, {"": made}
    if not isinstance(made, Parallel):
        raise TypeError(f"it returns {type(made).__name__}; return a Chat, or a Parallel of them")
    parallel.check(made, workflow.name)
    for chat in made.chats.values():
        beforehand.offer_plans(chat, workflow.name)
    return chat_context, made.chats


def _made(workflow: Workflow, chat_context: ChatContext, chat: Chat) -> Made:
    """Check the chat. Raises ConfigurationError if it is unsafe."""
    found = reach(chat.agents)
    topology.check(chat, workflow.name, found)
    return Made(chat_context, chat, found, parameters(chat, workflow.name))


def build(
    workflow: Workflow, context: WorkflowContext, needs_rationale: Callable[[str], bool]
) -> tuple[Built, str, *tuple[str, ...]]:
    """What the factory makes, its version, and that as it was written before tools had versions.

    Raises ConfigurationError if a chat is unsafe.
    """
    chat_context, chats = _called(workflow, context)
    made = {name: _made(workflow, chat_context, chat) for name, chat in chats.items()}
    named = [f"{workflow.version}+{each}" for each in _fingerprints(chats)]
    built = {name: _built(workflow, each, needs_rationale) for name, each in made.items()}
    if "" in built:
        return built[""], named[0], *named[1:]
    then = built.pop(THEN, None)
    return BuiltParallel(built, then), named[0], *named[1:]


def _fingerprints(chats: Mapping[str, Chat]) -> list[str]:
    if "" not in chats:
        return [fingerprint_of_parallel(chats)]
    chat = chats[""]
    return [fingerprint(chat), fingerprint_with_schemas(chat, schemas_before_versions(chat))]


def _built(workflow: Workflow, made: Made, needs_rationale: Callable[[str], bool]) -> BuiltChat:
    chat, tools = made.chat, made.tools
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
    return BuiltChat(chat, mode, tools, offered, baseline, made.chat_context, answers, rounds)


def _guard(made: Made) -> None:
    """Everything in the chat that could execute beside its gate is watched from now on."""
    entries.guard_executors()  # those that the workflow has brought along
    made.chat_context.adopt(made.reach.agents)
    if made.reach.code:
        processes.install()
