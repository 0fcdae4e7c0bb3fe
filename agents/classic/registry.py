"""The workflows of a process: found by import path, built and checked once, pooled for reuse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from countersign.agents.classic import client_options, entries
from countersign.agents.classic.bodies import same_bodies
from countersign.agents.classic.building import build, takes
from countersign.agents.classic.built import BuiltChat
from countersign.agents.classic.built_parallel import Built, BuiltParallel
from countersign.agents.classic.chat_errors import translated
from countersign.agents.classic.facts import (
    Facts,
    ToolFacts,
    WorkflowFacts,
    WorkflowInfo,
    missing,
)
from countersign.agents.classic.loading import load
from countersign.agents.classic.session_chat import ClassicChat, parallel_of
from countersign.agents.classic.tools import (
    require_the_same,
    undescribed,
    versions,
)
from countersign.agents.classic.workflows import Workflow, WorkflowContext
from countersign.agents.guard import threads
from countersign.agents.guard.context_executor import ContextExecutor
from countersign.agents.guard.contexts import RunContext
from countersign.agents.guard.libraries import belongs_to_workflows
from countersign.agents.lanes import SESSIONS_AT_ONCE
from countersign.agents.session_chat import SessionChat
from countersign.agents.tools.checks import Checks
from countersign.agents.values import time_limit
from countersign.agents.values.effective import ToolParameters
from countersign.approvals.errors import (
    BesideGateError,
    CheckFailedError,
    ConfigurationError,
)
from countersign.approvals.models import Checked, Effective, JsonObject, Reversibility

THREADS = 4
"""Of one workflow, for what its validators and checks say when people vote."""


def _always(_: str) -> bool:
    return True


class Registry:
    """Workflows by name. Also the ToolCatalog of `approvals.ports`.

    `needs_rationale` says of which tools the model must give a reason: those that the policy
    does not allow outright.
    """

    def __init__(
        self, context: WorkflowContext, *, needs_rationale: Callable[[str], bool] = _always
    ):
        entries.install()
        client_options.read_once()
        threads.install()
        self._context = context
        self._needs_rationale = needs_rationale
        self._workflows: dict[str, Workflow] = {}
        self._infos: dict[str, WorkflowInfo] = {}
        self._tools: dict[str, dict[str, ToolParameters]] = {}
        self._forms: dict[tuple[str, str], str] = {}
        self._roles: dict[tuple[str, str], tuple[str, ...]] = {}
        self._checks: dict[tuple[str, str], Checks | None] = {}
        self._same: dict[str, list[frozenset[str]]] = {}
        self._reversibility: dict[str, Reversibility] = {}
        self._undescribed: dict[str, dict[str, list[str]]] = {}
        self._idle: dict[str, list[Built]] = {}
        self._threads: dict[str, ContextExecutor] = {}

    def load(self, *import_paths: str) -> None:
        """Add every workflow of these modules, e.g. `examples.sales_quote`.

        Those that are sound are there afterwards, also if it raises ConfigurationError with what
        is wrong with the others.
        """
        load(import_paths, self.add)

    def add(self, workflow: Workflow) -> None:
        """Add one workflow, build it twice and check it.

        Raises ConfigurationError with everything that makes its chat unsafe.
        """
        if self._workflows.get(workflow.name, workflow) is not workflow:
            raise ConfigurationError([f"workflows: two are named {workflow.name}; rename one."])
        belongs_to_workflows([workflow.factory.__module__])
        try:
            built, version, *also = self._build(workflow)
            another = takes(workflow, self._context)
        except ValueError as exc:  # what a factory says of the settings that it needs
            raise ConfigurationError(
                f"The workflow {workflow.name} cannot be built: {exc}"
            ) from exc
        require_the_same(workflow.name, built.tools, another)
        self._workflows[workflow.name] = workflow
        self._infos[workflow.name] = WorkflowInfo(
            name=workflow.name,
            version=version,
            also=tuple(also),
            title=workflow.title,
            triggers=workflow.triggers,
            example=workflow.example,
            tools=tuple(built.tools),
            agents=tuple(agent.name for agent in built.agents),
        )
        self._takes(workflow.name, built.tools)
        self._same[workflow.name] = same_bodies(built.proxies)
        self._undescribed[workflow.name] = {
            tool: names for each in built.chats for tool, names in undescribed(each.chat).items()
        }
        for proxy in built.proxies:
            self._roles[workflow.name, proxy.name] = proxy.roles
            for tool, declared in proxy.reversibility.items():
                known = self._reversibility.get(tool, declared)
                self._reversibility[tool] = max(known, declared, key=list(Reversibility).index)
            for tool in proxy.function_map:
                self._checks[workflow.name, tool] = proxy.checks_of(tool)
        self._idle[workflow.name] = [built] if workflow.pooled else []

    def facts(self) -> Facts:
        """What all of them say of themselves, as data."""
        return Facts(
            workflows=tuple(self._facts_of(name) for name in self._infos),
            classes=dict(self._reversibility),
        )

    def _facts_of(self, name: str) -> WorkflowFacts:
        return WorkflowFacts(
            info=self._infos[name],
            tools={
                tool: ToolFacts(takes=known.schema, version=known.version)
                for tool, known in self._tools[name].items()
            },
            asks={proxy: roles for (of, proxy), roles in self._roles.items() if of == name},
            same_bodies=tuple(self._same[name]),
            undescribed={tool: tuple(names) for tool, names in self._undescribed[name].items()},
        )

    def infos(self) -> tuple[WorkflowInfo, ...]:
        """All workflows, in the order they were added."""
        return tuple(self._infos.values())

    def info(self, name: str) -> WorkflowInfo:
        """One workflow. Raises WorkflowMissingError that lists the known ones."""
        self._require(name)
        return self._infos[name]

    def schema(self, workflow: str, tool: str) -> JsonObject | None:
        """The JSON Schema of the tool's arguments as the tool takes them; None if unknown."""
        known = self._tools.get(workflow, {}).get(tool)
        return None if known is None else known.schema

    def forms(self) -> Mapping[tuple[str, str], str]:
        """Names what each tool takes here and now, by workflow and tool."""
        return self._forms

    def schema_versions(self) -> frozenset[str]:
        """Those of all tools here."""
        return frozenset(self._forms.values())

    async def effective(self, workflow: str, tool: str, arguments: JsonObject) -> Effective | None:
        """What the tool's body would receive; None if the tool is unknown.

        Raises InvalidArgumentsError with a reason by argument.
        """
        known = self._tools.get(workflow, {}).get(tool)
        if known is None:
            return None
        return await time_limit.effective(known, arguments, self._threads_of(workflow))

    async def checked(self, workflow: str, tool: str, arguments: JsonObject) -> Checked | None:
        """What the tool's check and preview say of these effective arguments; None if the tool is
        unknown. Raises PreconditionFailedError, or CheckFailedError if they cannot say anything."""
        if (workflow, tool) not in self._checks:
            return None
        checks, run_context = self._checks[workflow, tool], RunContext(f"check of {tool}")
        if checks is None:
            return Checked()
        try:
            checked = await checks.now(arguments, run_context, self._threads_of(workflow))
            run_context.require()
        except BesideGateError as exc:
            raise CheckFailedError(
                f"The check of {tool} was about to {exc.tried} ({exc.how}), which was refused."
            ) from exc
        return checked

    @property
    def same_bodies(self) -> tuple[frozenset[str], ...]:
        """Groups of tool names under which one function is registered."""
        return tuple(group for groups in self._same.values() for group in groups)

    @property
    def reversibility(self) -> Mapping[str, Reversibility]:
        """The classes that workflows declare of their tools, by name; of two that differ, the worse
        one."""
        return self._reversibility

    @property
    def undescribed(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """The arguments of whose description models see nothing, by workflow and tool."""
        return self._undescribed

    @property
    def asking(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """The roles that user proxies name for their questions, by (workflow, proxy)."""
        return {proxy: roles for proxy, roles in self._roles.items() if roles}

    def input_roles(self, workflow: str, executor: str) -> tuple[str, ...]:
        """Who answers this user proxy's questions; () for the policy's default."""
        return self._roles.get((workflow, executor), ())

    @asynccontextmanager
    async def borrow(self, name: str) -> AsyncIterator[BuiltChat]:
        """The chat of a workflow that has one, for one session; see `_borrow`."""
        async with self._borrow(name) as built:
            (chat,) = built.chats
            yield chat

    @asynccontextmanager
    async def _borrow(self, name: str) -> AsyncIterator[Built]:
        """What a workflow makes, for one session, as new.

        Afterwards it is reset and kept, as many as sessions are at work at once: to build one
        takes 10 ms of CPU, to keep it 0.2 MB. After an exception nobody knows what state it is in
        (a thread may still be using it), so then it is dropped.
        """
        workflow = self._require(name)
        idle = self._idle[name]
        built = idle.pop() if idle else (await asyncio.to_thread(self._build, workflow))[0]
        self._refresh(name, built)
        yield built
        self._return(workflow, built)

    @asynccontextmanager
    async def session_chat(self, name: str) -> AsyncIterator[SessionChat]:
        """See `agents.session_chat.Workflows`."""
        with translated():
            async with self._borrow(name) as built:
                if isinstance(built, BuiltParallel):
                    chats = parallel_of(built)
                    yield chats
                    built.spoiled = chats.is_spoiled
                else:
                    yield ClassicChat(built)

    def _refresh(self, name: str, built: Built) -> None:
        """Tools take what they take in the chat that was built last (a default that is today's
        date): what was asked for an earlier one is asked again."""
        if versions(built.tools) != versions(self._tools[name]):
            self._takes(name, built.tools)
            self._idle[name].clear()

    def _takes(self, name: str, tools: Mapping[str, ToolParameters]) -> None:
        self._tools[name] = dict(tools)
        self._forms = {
            (workflow, tool): known.version
            for workflow, all_of_it in self._tools.items()
            for tool, known in all_of_it.items()
        }

    def _return(self, workflow: Workflow, built: Built) -> None:
        idle = self._idle[workflow.name]
        current = versions(built.tools) == versions(self._tools[workflow.name])
        if workflow.pooled and current and not built.spoiled and len(idle) < SESSIONS_AT_ONCE:
            built.reset()
            idle.append(built)

    def _build(self, workflow: Workflow) -> tuple[Built, str, *tuple[str, ...]]:
        return build(workflow, self._context, self._needs_rationale)

    def _threads_of(self, workflow: str) -> ContextExecutor:
        if workflow not in self._threads:
            self._threads[workflow] = ContextExecutor(THREADS, thread_name_prefix="vote")
        return self._threads[workflow]

    def _require(self, name: str) -> Workflow:
        workflow = self._workflows.get(name)
        if workflow is None:
            raise missing(name, list(self._workflows))
        return workflow
