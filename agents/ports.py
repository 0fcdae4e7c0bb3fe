"""The seam between the gate and a framework: what a chat of any framework offers the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from countersign.agents.tools.checks import Checks
from countersign.agents.tools.outcomes import Errors
from countersign.agents.tools.undo import Undo
from countersign.agents.values.effective import ToolParameters
from countersign.approvals.models import ChatState


class Runner(Protocol):
    """Who executes tools in a chat, and asks people."""

    idempotent: frozenset[str]
    """The tools that may be called again after a crash, with the same execution token."""

    asks_beforehand: bool
    """Whether agents may ask it what would become of a call."""

    @property
    def name(self) -> str:
        """As the chat calls it."""

    @property
    def function_map(self) -> Mapping[str, Callable[..., Any]]:
        """Its sealed tools by name."""

    def harmless_of(self, tool: str) -> Errors:
        """The exceptions of this tool after which nothing has happened."""

    def undo_of(self, tool: str) -> Undo | None:
        """What takes back a call of this tool; None if nothing does."""

    def checks_of(self, tool: str) -> Checks | None:
        """What can be said of a call of this tool before it runs; None if nothing can."""


@dataclass(frozen=True)
class Position:
    """Where a stored chat stands: the runner whose turn it is, and how many batches it has
    proposed before."""

    waiting: str
    turn: int
    needs_batch: bool = True
    """Whether it can only go on with the requests of its last checkpoint."""


class PausableChat(Protocol):
    """A chat that can be stored in the middle."""

    @property
    def tools(self) -> Mapping[str, ToolParameters]:
        """What each tool takes, by name."""

    @property
    def offered(self) -> Mapping[str, frozenset[str]]:
        """Which tools each agent was shown, by the agent's name."""

    @property
    def runners(self) -> Sequence[Runner]:
        """Everybody who executes tools in it."""

    def state(self, waiting: str, turn: int) -> ChatState:
        """The whole state, which has to be stored: `waiting` is the runner whose turn it is, `turn`
        how many batches were proposed before."""


class Progress(Protocol):
    """What the agents said and proposed, in lines for the thread that people follow."""

    def skip(self) -> None:
        """Leave out everything that was said so far."""

    def lines(self, *, without: str = "") -> list[str]:
        """What was said since the last call, oldest first; not the last words if they are
        `without`: whoever tells the answer tells them."""
