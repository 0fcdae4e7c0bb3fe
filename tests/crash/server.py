"""The real server, made to `kill -9` itself at one step of the story.

`COUNTERSIGN_TEST_CRASH=claim:after:2` ends the process right after the second `claim` has been
committed; `COUNTERSIGN_TEST_STEPS=file` records the steps instead, so that a test can enumerate
them. Nothing of this is in the product: the steps are wrapped here, in the test's own process.
"""

from __future__ import annotations

import functools
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from approvals.delivery import Courier
from approvals.runs import Runs
from approvals.service import ApprovalService
from bot.cli import main

STEPS: dict[str, tuple[type, str]] = {
    "start": (Runs, "start"),
    "begin": (Runs, "begin"),
    "submit": (Runs, "submit"),
    "vote": (ApprovalService, "vote"),
    "claim": (Runs, "claim"),
    "finish": (Runs, "finish"),
    "complete": (Runs, "complete"),
    "post": (Courier, "_send"),
    "delivered": (Courier, "_delivered"),
}
_counts: Counter[str] = Counter()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _note(record: Path, step: str) -> None:
    with record.open("a") as out:
        out.write(f"{step}\n")


def _wrapped(name: str, step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    crash_name, _, rest = os.environ.get("COUNTERSIGN_TEST_CRASH", "::").partition(":")
    side, _, number = rest.partition(":")
    record = os.environ.get("COUNTERSIGN_TEST_STEPS")

    @functools.wraps(step)
    async def run(*args: Any, **kwargs: Any) -> Any:
        _counts[name] += 1
        here = name == crash_name and number == str(_counts[name])
        if record:
            _note(Path(record), f"{name}:{_counts[name]}")
        if here and side == "before":
            _die()
        value = await step(*args, **kwargs)
        if here and side == "after":
            _die()
        return value

    return run


if __name__ == "__main__":
    for name, (owner, method) in STEPS.items():
        setattr(owner, method, _wrapped(name, getattr(owner, method)))
    main()
