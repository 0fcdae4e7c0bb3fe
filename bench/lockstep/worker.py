"""The process of one contender: it stays up, and works when it is told to.

Started by path (`bench.lockstep.blocks`), in the environment and on the checkout of the contender,
so it needs the standard library only. A command is a line of JSON on the standard input, and each
gets one line back. Between two commands it waits in `readline`, and so does its event loop: who is
not asked takes no processor time.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

RSS_UNITS_PER_MB = 1024 * 1024 if sys.platform == "darwin" else 1024
Side = Any
"""What a contender's module opens: `pause(number)` and `resume(number)`, plain or async, and
perhaps `ready(leg, n)` before a block and `done(leg, n)` after it, which nobody times."""


class Timed:
    """Times each unit of a block and the block as a whole."""

    def __init__(self) -> None:
        self.latencies_s: list[float] = []
        self._began_s, self._cpu_began_s = time.perf_counter(), _cpu_s()

    def figures(self) -> dict[str, Any]:
        """Rates per second, times in ms per unit, and the process's largest resident set."""
        wall_s, cpu_s = time.perf_counter() - self._began_s, _cpu_s() - self._cpu_began_s
        n, ordered = len(self.latencies_s), sorted(self.latencies_s)

        def percentile_ms(rank: float) -> float:
            return round(ordered[min(n - 1, round(rank / 100 * (n - 1)))] * 1e3, 3)

        return {
            "n": n,
            "per_s": round(n / wall_s, 1),
            "p50_ms": percentile_ms(50),
            "p99_ms": percentile_ms(99),
            "cpu_ms": round(cpu_s / n * 1e3, 3),
            "rss_mb": round(
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / RSS_UNITS_PER_MB, 1
            ),
        }


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def _block(side: Side, *, leg: str, first: int, n: int, at_once: int = 1) -> dict[str, Any]:
    """`n` units of an asynchronous contender, so many at a time."""
    await _maybe(side, "ready", leg, n)
    step, numbers = getattr(side, leg), iter(range(first, first + n))

    async def work() -> None:
        for number in numbers:
            began_s = time.perf_counter()
            await step(number)
            timed.latencies_s.append(time.perf_counter() - began_s)

    timed = Timed()
    if at_once == 1:
        await work()
    else:
        await asyncio.gather(*(work() for _ in range(at_once)))
    figures = timed.figures()
    await _maybe(side, "done", leg, n)
    return figures


def _plain_block(side: Side, *, leg: str, first: int, n: int, at_once: int = 1) -> dict[str, Any]:
    """`n` units of a contender without an event loop, which works one after the other."""
    if at_once != 1:
        raise ValueError("only an asynchronous contender does many at once")
    if hasattr(side, "ready"):
        side.ready(leg, n)
    step, timed = getattr(side, leg), Timed()
    for number in range(first, first + n):
        began_s = time.perf_counter()
        step(number)
        timed.latencies_s.append(time.perf_counter() - began_s)
    figures = timed.figures()
    if hasattr(side, "done"):
        side.done(leg, n)
    return figures


async def _maybe(side: Side, name: str, *arguments: Any) -> None:
    found = getattr(side, name, None)
    if found is not None and inspect.isawaitable(waiting := found(*arguments)):
        await waiting


async def _serve(opened: Any, commands: TextIO, answers: TextIO) -> None:
    async with opened as side:
        _tell(answers, _about(side))
        for line in commands:  # on purpose, the loop stands still
            command = json.loads(line)
            name = command.pop("do")
            if name == "block":
                answer = await _block(side, **command)
            elif inspect.isawaitable(answer := getattr(side, name)(**command)):
                answer = await answer
            _tell(answers, {"value": answer})


def _serve_plainly(opened: Any, commands: TextIO, answers: TextIO) -> None:
    with opened as side:
        _tell(answers, _about(side))
        for line in commands:
            command = json.loads(line)
            name = command.pop("do")
            act: Callable[..., Any] = getattr(side, name, None) or (lambda **_: None)
            value = _plain_block(side, **command) if name == "block" else act(**command)
            _tell(answers, {"value": value})


def _about(side: Side) -> dict[str, Any]:
    return {
        "versions": getattr(side, "versions", {}),
        "ledger": getattr(side, "ledger", None),
        "stores": getattr(side, "stores", True),
    }


def _tell(answers: TextIO, value: Any) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()


def _module(name: str) -> Any:
    """A module by its name, or by its path where the checkout has another of that name."""
    if not name.endswith(".py"):
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(f"lockstep_{Path(name).stem}", name)
    if spec is None or spec.loader is None:
        raise ImportError(f"{name} is not there")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """`worker.py before|behind CHECKOUT MODULE DATABASE`: where on the path the checkout comes."""
    where, root, name, database = sys.argv[1:5]
    # Whatever a framework prints is none of the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path.insert(0 if where == "before" else len(sys.path), root)
    opened = _module(name).opened(Path(database))
    if hasattr(opened, "__aenter__"):
        asyncio.run(_serve(opened, sys.stdin, answers))
    else:
        _serve_plainly(opened, sys.stdin, answers)


if __name__ == "__main__":
    main()
