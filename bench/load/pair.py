"""The two builds that are compared, and how the rows of a part come about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from bench.contenders import BEFORE, OURS, Contender, before
from bench.data import directory
from bench.lockstep.blocks import Worker, running
from bench.measure import BenchError
from bench.results import Results

Row = dict[str, Any]
Tell = Callable[[str], None]


def contenders(module: str, **env: str) -> Sequence[Contender]:
    """This build and the one before it with the same module of ours."""
    return (
        Contender(OURS, module, env=env),
        Contender(BEFORE, module, env=env, commit=before()),
    )


@contextmanager
def pair(results: Results, part: str, module: str, **env: str) -> Iterator[dict[str, Worker]]:
    """Both of them up, by name; the one before is left out, with the reason, if it cannot be had.

    Raises BenchError if ours does not come up, or not to a good end.
    """
    with ExitStack() as stack:
        workers = {}
        for contender in contenders(module, **env):
            try:
                program = contender.program()
                path = stack.enter_context(directory())
                workers[contender.name] = stack.enter_context(running(program, path / "bench.db"))
            except BenchError as exc:
                if contender.name == OURS:
                    raise
                results.lacks(contender.name, f"{part}: {exc}")
        yield workers


def progress(tell: Tell, part: str, number: int, rounds: int, row: Row, *names: str) -> None:
    """One line for a row that was measured."""
    figures = ", ".join(f"{name} {row[name]:,}" for name in names)
    tell(f"{part} {number}/{rounds} {row['peer']}: {figures}")
