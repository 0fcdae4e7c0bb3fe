"""Who takes part, and how each is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.environments import python_of
from bench.launch import ROOT
from bench.lockstep.blocks import Program
from bench.lockstep.builds import checkout
from bench.ours import workflow_names as names

SESSIONS = "bench.ours.sessions"
OURS, BEFORE = "countersign", "countersign-before"
BEFORE_COMMIT = "b3cfc9c"
"""Before the hot path was made shorter. BEFORE=... names another one."""


@dataclass(frozen=True)
class Contender:
    """One framework in one configuration. `environment` is None for Countersign's own."""

    name: str
    module: str
    environment: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None
    """Of this repository, if it is not the one that is checked out."""

    @property
    def is_ours(self) -> bool:
        """Whether it is Countersign as it is here, whose failure is a failure of the run."""
        return self.module == SESSIONS and self.commit is None

    def program(self) -> Program:
        """What to run, installed and checked out if need be. Raises BenchError with the reason if
        it cannot be had."""
        if self.commit is not None:
            return of_commit(self.name, self.module, self.commit, self.env)
        if self.environment is None:
            return Program(self.name, self.module, where="before", env=self.env)
        return Program(self.name, self.module, python=python_of(self.environment), env=self.env)


def of_commit(name: str, module: str, commit: str, env: Mapping[str, str] | None = None) -> Program:
    """A module of this checkout on the code of another commit: same Python, same packages.

    Raises BenchError if the commit is not in the history here.
    """
    path = ROOT / (module.replace(".", "/") + ".py")
    return Program(name, str(path), root=checkout(commit), where="before", env=env or {})


def before() -> str:
    """The commit to compare with."""
    return os.environ.get("BEFORE") or BEFORE_COMMIT


GROUP = {"WORKFLOW": names.GROUP}
CONTENDERS = (
    Contender(OURS, SESSIONS, env=GROUP),
    Contender(BEFORE, SESSIONS, env=GROUP, commit=before()),
    Contender("agent-framework", "bench.peers.agent_framework", environment="agent-framework"),
    Contender(
        "agent-framework-same-work",
        "bench.peers.agent_framework_same_work",
        environment="agent-framework",
    ),
    Contender(
        "langgraph-exit",
        "bench.peers.langgraph",
        environment="langgraph",
        env={"DURABILITY": "exit"},
    ),
    Contender("langgraph-default", "bench.peers.langgraph", environment="langgraph"),
    Contender("openai-agents", "bench.peers.openai_agents", environment="openai-agents"),
    Contender("storage-floor", "bench.peers.storage_floor"),
    Contender("autogen-floor", "bench.ours.autogen_floor"),
    Contender("countersign-stock-agents", SESSIONS, env={"WORKFLOW": names.GROUP_STOCK}),
    Contender("countersign-two-agent", SESSIONS, env={"WORKFLOW": names.TWO}),
    Contender("countersign-sync", SESSIONS, env={"WORKFLOW": names.GROUP_SYNC}),
)
NOT_BY_DEFAULT = frozenset(
    {"countersign-stock-agents", "countersign-two-agent", "countersign-sync"}
)
