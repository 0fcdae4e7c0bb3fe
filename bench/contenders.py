"""Who takes part, and how each is started."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.environments import python_of
from bench.ours import workflow_names as names

SESSIONS = "bench.ours.sessions"


@dataclass(frozen=True)
class Contender:
    """One framework in one configuration. `environment` is None for Countersign's own."""

    name: str
    module: str
    environment: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether it is Countersign, whose failure is a failure of the run."""
        return self.module == SESSIONS

    def python(self) -> Path:
        """The interpreter to run it with. Raises BenchError if there is none."""
        return Path(sys.executable) if self.environment is None else python_of(self.environment)


OURS = "countersign"
CONTENDERS = (
    Contender(OURS, SESSIONS, env={"WORKFLOW": names.GROUP}),
    Contender("agent-framework", "bench.peers.agent_framework", environment="agent-framework"),
    Contender("countersign-stock-agents", SESSIONS, env={"WORKFLOW": names.GROUP_STOCK}),
    Contender("countersign-two-agent", SESSIONS, env={"WORKFLOW": names.TWO}),
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
    Contender("countersign-sync", SESSIONS, env={"WORKFLOW": names.GROUP_SYNC}),
)
NOT_BY_DEFAULT = frozenset({"countersign-sync"})
