"""The rounds: a block of every contender in turn, whose order changes each time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from bench.data import directory
from bench.lockstep.blocks import Program, Worker, running
from bench.measure import BenchError, held_bytes, require

T = TypeVar("T")
LEGS = ("pause", "resume")
WARM_UP = 2
"""Rounds that are not counted."""


def in_turn(everybody: Sequence[T], number: int) -> Sequence[T]:
    """The order of a round: somebody else first each time, and backwards every other time, so
    that nobody always follows the same one."""
    turn = number // 2 % len(everybody) if everybody else 0
    order = [*everybody[turn:], *everybody[:turn]]
    return order if number % 2 else order[::-1]


class Rounds:
    """The processes that are up, and how far each has come."""

    def __init__(self, stack: ExitStack):
        self._stack = stack
        self.workers: dict[str, Worker] = {}
        self._next: dict[str, int] = {}

    def join(self, program: Program, database: Path) -> None:
        """Start a contender. Raises BenchError if it does not."""
        self.workers[program.name] = self._stack.enter_context(running(program, database))
        self._next[program.name] = 0

    def block(self, name: str, leg: str, n: int, at_once: int = 1) -> dict[str, Any]:
        """A contender's next block. Raises BenchError if it did not do its job."""
        first = self._next[name]
        figures = self.workers[name].block(leg, first=first, n=n, at_once=at_once)
        if leg == LEGS[-1]:
            self._next[name] = first + n
        return figures


def round_of(
    rounds: Rounds, names: Sequence[str], number: int, n: int, at_once: int = 1
) -> Iterator[tuple[str, str, dict[str, Any] | BenchError]]:
    """Every contender's pause and then every contender's resume, or why there was none."""
    failed: set[str] = set()
    for leg in LEGS:
        for name in in_turn(names, number):
            if name in failed:
                continue
            try:
                yield name, leg, rounds.block(name, leg, n, at_once)
            except BenchError as exc:
                failed.add(name)
                yield name, leg, exc


def prove(program: Program, n: int) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """What each leg leaves behind for a session, if one process pauses and another one resumes.

    Also the versions. Raises BenchError if the state did not survive the first process.
    """
    left: dict[str, dict[str, Any]] = {}
    with directory() as path:
        database = path / "bench.db"
        for leg in LEGS:
            with running(program, database) as worker:
                if not worker.stores:
                    for each in LEGS:
                        worker.block(each, first=0, n=n)
                    nothing = dict.fromkeys(_SIZES, 0)
                    return dict.fromkeys(LEGS, nothing), worker.versions
                worker.block(leg, first=0, n=n)
                counted = worker.ask("statements") if "STATEMENTS" in program.env else {}
                versions, ledger = worker.versions, worker.ledger
            left[leg] = held_bytes(database, n, ledger)
            if counted:
                require(counted.get(leg), "no statement was counted")
                left[leg]["statements"] = round(counted[leg] / n, 1)
    return left, versions


_SIZES = ("bytes_per_session", "ledger_bytes_per_session", "file_bytes_per_session")
