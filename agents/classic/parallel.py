"""Parallel: what a workflow returns whose chats work side by side."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from countersign.agents.classic.chat import Chat
from countersign.agents.classic.tools import bodies
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models.sessions import THEN

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
MOST = 50
"""Branches of one workflow."""


@dataclass(frozen=True)
class Parallel:
    """Chats that begin side by side, each with the task of the session.

    Calls of theirs that people have to decide are one checkpoint: it is asked when every branch
    has come to such a call or to its end, and nothing of it runs until all of it is decided. Then
    it runs in the order of `branches`. `then` is a chat that follows with all that came of them;
    without one, the answer of the session is that of every branch.
    """

    branches: Mapping[str, Chat]
    """By name: small letters, digits, `_` and `-`."""
    then: Chat | None = None

    @property
    def chats(self) -> dict[str, Chat]:
        """All of them, by name."""
        last = {} if self.then is None else {THEN: self.then}
        return {**self.branches, **last}


def check(parallel: Parallel, workflow: str) -> None:
    """Return if the chats can work side by side. Raises ConfigurationError with every problem."""
    problems = [f"workflow {workflow}: {problem}" for problem in _problems(parallel)]
    if problems:
        raise ConfigurationError(problems)


def _problems(parallel: Parallel) -> Iterator[str]:
    if not 1 <= len(parallel.branches) <= MOST:
        yield f"Parallel has {len(parallel.branches)} branches. Give it 1 to {MOST}."
    for name in parallel.branches:
        if name == THEN or not _NAME.fullmatch(name):
            yield (
                f"a branch cannot be named {name!r}. Use small letters, digits, _ and -, a letter "
                f"first, at most 32; not {THEN}."
            )
    chats = parallel.chats
    for (one, left), (other, right) in combinations(chats.items(), 2):
        for agent in left.agents:
            if any(agent is each for each in right.agents):
                yield (
                    f"{agent.name} is in the chats {one} and {other}, which may run at the same "
                    "time. Make an agent for each."
                )
    found = {id(agent): agent.name for chat in chats.values() for agent in chat.agents}
    for agent_name, count in Counter(found.values()).items():
        if count > 1 and all(_count(agent_name, chat) < 2 for chat in chats.values()):
            yield f"{count} agents are named {agent_name}. Give each its own name."
    owners: dict[str, tuple[str, object]] = {}
    for name, chat in chats.items():
        for tool, origin in bodies(chat):
            owner, first = owners.setdefault(tool, (name, origin))
            if first is not origin:
                yield f"the chats {owner} and {name} have different tools named {tool}. Rename one."


def _count(agent_name: str, chat: Chat) -> int:
    return sum(agent.name == agent_name for agent in chat.agents)
