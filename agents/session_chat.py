"""The seam between the session manager and a framework: what it builds, begins and resumes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from countersign.agents.gate import Gate
from countersign.agents.guard.contexts import ChatContext
from countersign.agents.ports import PausableChat, Position, Progress
from countersign.agents.side_gate import Exchange, SideGate
from countersign.approvals.forms.causes import Ending
from countersign.approvals.models import StoredChat


@dataclass(frozen=True)
class Ended:
    """A chat that came to its end."""

    ending: Ending
    usage: Any
    """What its models were asked for, in the framework's own words; for the log."""


class SessionChat(PausableChat, Protocol):
    """A chat of any framework, built and as new, for one run of one session."""

    @property
    def chat_context(self) -> ChatContext:
        """Where its agents belong, which tells what they may do."""

    @property
    def progress(self) -> Progress:
        """What is said in it."""

    def restore(self, state: StoredChat) -> Position:
        """Bring it into a stored state. Raises IntegrityError if it is of other agents."""

    async def begin(self, gate: Gate, task: str) -> Ended:
        """Run it with a new task. Raises ChatSuspendedError at a pause."""

    async def resume(self, gate: Gate, waiting: str) -> Ended:
        """Go on from the restored state, with this runner's turn. Raises ChatSuspendedError."""

    async def consult(self, gate: SideGate, agent: str, exchanges: Sequence[Exchange]) -> str:
        """What this agent answers to the last of these, beside the restored chat, which is not
        gone on with. Raises CannotAnswerError."""


class Versions(Protocol):
    """The versions of a workflow that sessions may be tied to."""

    @property
    def version(self) -> str:
        """Of the workflow as it is here."""

    @property
    def also(self) -> Sequence[str]:
        """The same, as earlier releases wrote it."""


class Workflows(Protocol):
    """The workflows of a process, of whatever framework."""

    def info(self, name: str) -> Versions:
        """The versions of one. Raises WorkflowMissingError."""

    def session_chat(self, name: str) -> AbstractAsyncContextManager[SessionChat]:
        """A chat for one run. Raises ModelError for what its model or the model's server raises,
        also in the block; WorkflowMissingError."""
