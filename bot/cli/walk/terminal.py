"""The terminal of whoever decides: prints lines, and reads only what was typed after the question.

A line must be ended with Enter to count, so it works over every ssh and no stray key decides.
"""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Iterable, Iterator
from typing import Protocol

from rich.cells import chop_cells
from rich.console import Console
from rich.text import Text

from countersign.approvals.forms.wording import visible

HEAD, SOFT, WARN, GOOD, BAD, PLAIN = "bold", "dim", "bold yellow", "green", "bold red", ""
DEFAULT_WIDTH = 80
"""Of a terminal that does not say how wide it is, as over some ssh."""
GOES_ON = "    ↪ "
"""Begins each further row of a line: others' words must not begin a row, or they pass for ours."""
Line = tuple[str, str]
"""How it looks, and its text; the text is drawn as it is, so others' words must be made visible."""


class Left(Exception):  # noqa: N818 - no error: somebody went away
    """The input has ended. Nothing is decided by that."""


class Terminal(Protocol):
    """Where a person reads and types."""

    def show(self, lines: Iterable[Line]) -> None:
        """Print them."""

    def ask(self, question: str) -> str:
        """The line that is typed after the question, without what surrounds it. Raises Left."""


class Tty:
    """The real one, on stdin and stdout."""

    def __init__(self) -> None:
        width = os.get_terminal_size(sys.stdout.fileno()).columns or DEFAULT_WIDTH
        self._console = Console(emoji=False, markup=False, highlight=False, width=width)

    def show(self, lines: Iterable[Line]) -> None:
        """Print them; a long one goes on in the next row, and nothing of it is cut off."""
        for style, text in lines:
            for row in rows(text, self._console.width):
                self._console.print(Text(row, style=style), soft_wrap=True)

    def ask(self, question: str) -> str:
        """The line that is typed after the question; what was typed before it is dropped."""
        sys.stdout.flush()
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        self._console.print(Text(question, style=HEAD), end="")
        sys.stdout.flush()
        line = sys.stdin.buffer.readline()
        if not line.endswith(b"\n"):  # Ctrl-D, or the connection broke in the middle of a line
            self._console.print()
            raise Left
        try:
            return line.decode().strip()
        except UnicodeDecodeError:
            self.show([(BAD, "That is no UTF-8; type it again.")])
            return ""


def rows(text: str, width: int) -> Iterator[str]:
    """A text in rows that fit, by the cells that its characters take."""
    first, *rest = text.expandtabs(4).split("\n")
    head, *_ = chop_cells(first, width) or [""]
    yield head
    for part in (first[len(head) :], *rest):
        for row in chop_cells(part, max(width - len(GOES_ON), 1)):
            yield GOES_ON + row


def is_terminal() -> bool:
    """Whether a person can read and type here."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def quoted(text: str) -> Iterator[Line]:
    """Others' words: made visible, and marked in each line so that none passes for ours."""
    for line in visible(text).strip().split("\n") or [""]:
        yield PLAIN, f"  | {line}"
