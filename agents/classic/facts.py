"""What is known of workflows without building them: as data, it can be kept between processes.

Nothing here imports AutoGen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from typing_extensions import override

from countersign.approvals.errors import WorkflowMissingError
from countersign.approvals.models import JsonObject, Reversibility, Value
from countersign.approvals.ports import Forms


class WorkflowInfo(Value):
    """What people may know of a workflow."""

    name: str
    version: str
    """The declared version and a hash of the agents and tools: what a session is tied to."""
    also: tuple[str, ...] = ()
    """The same, as earlier releases wrote it."""
    title: str
    triggers: tuple[str, ...]
    example: str
    tools: tuple[str, ...]
    agents: tuple[str, ...]


class KnownWorkflows(Protocol):
    """What a server asks of its workflows without running code of theirs. See
    `agents.classic.registry.Registry`."""

    def infos(self) -> tuple[WorkflowInfo, ...]:
        """All workflows, in the order they were added."""

    def info(self, name: str) -> WorkflowInfo:
        """One workflow. Raises WorkflowMissingError that lists the known ones."""

    def schema(self, workflow: str, tool: str) -> JsonObject | None:
        """The JSON Schema of the tool's arguments; None if unknown."""

    def forms(self) -> Forms:
        """Names what each tool takes here and now, by workflow and tool."""

    def schema_versions(self) -> frozenset[str]:
        """Those of all tools here."""

    def input_roles(self, workflow: str, executor: str) -> tuple[str, ...]:
        """Who answers this user proxy's questions; () for the policy's default."""

    @property
    def same_bodies(self) -> Sequence[frozenset[str]]:
        """Groups of tool names under which one function is registered."""

    @property
    def reversibility(self) -> Mapping[str, Reversibility]:
        """The classes that workflows declare of their tools, by name."""

    @property
    def undescribed(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """The arguments of whose description models see nothing, by workflow and tool."""

    @property
    def asking(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """The roles that user proxies name for their questions, by (workflow, proxy)."""


class ToolFacts(Value):
    """What one tool takes."""

    takes: JsonObject
    """A JSON Schema."""
    version: str


class WorkflowFacts(Value):
    """What one workflow says of itself once it is built."""

    info: WorkflowInfo
    tools: dict[str, ToolFacts]
    asks: dict[str, tuple[str, ...]]
    """The roles that a user proxy names, by its name; () for the policy's default."""
    same_bodies: tuple[frozenset[str], ...]
    undescribed: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Facts(KnownWorkflows):
    """What all workflows of a process said of themselves when they were built."""

    workflows: tuple[WorkflowFacts, ...]
    classes: Mapping[str, Reversibility]
    """By tool; of workflows that differ, the worse one."""

    @classmethod
    def read(cls, kept: JsonObject) -> Facts:
        """From what `kept` gave. Raises ValueError, KeyError or TypeError."""
        workflows = tuple(map(WorkflowFacts.model_validate, kept["workflows"]))
        return cls(workflows, {k: Reversibility(v) for k, v in kept["reversibility"].items()})

    def kept(self) -> JsonObject:
        """As JSON."""
        return {
            "workflows": [each.model_dump(mode="json") for each in self.workflows],
            "reversibility": dict(self.classes),
        }

    @override
    def infos(self) -> tuple[WorkflowInfo, ...]:
        return tuple(each.info for each in self.workflows)

    @override
    def info(self, name: str) -> WorkflowInfo:
        found = self._of(name)
        if found is None:
            raise missing(name, [info.name for info in self.infos()])
        return found.info

    @override
    def schema(self, workflow: str, tool: str) -> JsonObject | None:
        found = self._of(workflow)
        return found.tools[tool].takes if found is not None and tool in found.tools else None

    @override
    def forms(self) -> Mapping[tuple[str, str], str]:
        return {
            (each.info.name, tool): known.version
            for each in self.workflows
            for tool, known in each.tools.items()
        }

    @override
    def schema_versions(self) -> frozenset[str]:
        return frozenset(self.forms().values())

    @override
    def input_roles(self, workflow: str, executor: str) -> tuple[str, ...]:
        found = self._of(workflow)
        return () if found is None else found.asks.get(executor, ())

    @property
    @override
    def reversibility(self) -> Mapping[str, Reversibility]:
        return self.classes

    @property
    @override
    def same_bodies(self) -> tuple[frozenset[str], ...]:
        return tuple(group for each in self.workflows for group in each.same_bodies)

    @property
    @override
    def undescribed(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        return {each.info.name: each.undescribed for each in self.workflows}

    @property
    @override
    def asking(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        return {
            (each.info.name, proxy): roles
            for each in self.workflows
            for proxy, roles in each.asks.items()
            if roles
        }

    def rules_alike(self, other: Facts) -> bool:
        """Whether rules made for one are right for the other. What tools fill in by themselves (a
        default that is today's date) may differ: each chat that is built may bring another one."""
        mine, others = (list(map(_ruled, each.workflows)) for each in (self, other))
        return mine == others and self.classes == other.classes

    def _of(self, workflow: str) -> WorkflowFacts | None:
        return next((each for each in self.workflows if each.info.name == workflow), None)


def missing(name: str, known: Sequence[str]) -> WorkflowMissingError:
    """The error that lists the known ones."""
    listed = ", ".join(sorted(known)) or "none"
    return WorkflowMissingError(f"There is no workflow {name!r}. Known: {listed}.")


def _ruled(each: WorkflowFacts) -> WorkflowFacts:
    tools = {
        name: ToolFacts(takes=_without_defaults(known.takes), version="")
        for name, known in each.tools.items()
    }
    return each.model_copy(update={"tools": tools})


def _without_defaults(schema: JsonObject) -> JsonObject:
    properties = {
        name: {key: value for key, value in part.items() if key != "default"}
        if isinstance(part, dict)
        else part
        for name, part in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties}
