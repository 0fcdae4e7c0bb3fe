"""The real server, made to `kill -9` itself at one step of the story.

`COUNTERSIGN_TEST_CRASH=claim:after:2` ends the process right after the second `claim` has been
committed (or has failed); `COUNTERSIGN_TEST_STEPS=file` records the steps instead, so that a test
can enumerate them. `COUNTERSIGN_TEST_ATTEMPT_S` shortens how long a delivery that was under way
waits after a crash. Nothing of this is in the product: the steps are wrapped here, in the test's
own process.
"""

from __future__ import annotations

import functools
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from approvals import delivery
from approvals.delivery import Courier
from approvals.runs import Runs
from approvals.service import ApprovalService
from bot.cli import main
from connectors.channel import TicketChannel
from connectors.jira.connector import JiraConnector
from connectors.reconciler import Reconciler
from connectors.servicenow.connector import ServiceNowConnector
from connectors.settling import Settling

CONNECTORS: tuple[type, ...] = (JiraConnector, ServiceNowConnector)
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
    "post_ticket": (TicketChannel, "post"),
    "update_ticket": (TicketChannel, "update"),
    "settle": (Settling, "settle"),
    "look": (Reconciler, "look"),
    "poll": (Reconciler, "poll"),
}
TICKET_STEPS = ("find", "open_ticket", "adopt", "fetch_one", "close")
"""Methods of every connector."""
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
        try:
            return await step(*args, **kwargs)
        finally:
            if here and side == "after":
                _die()

    return run


def _wrap_everything() -> None:
    owned = [(name, owner, method) for name, (owner, method) in STEPS.items()]
    owned += [(name, owner, name) for owner in CONNECTORS for name in TICKET_STEPS]
    for name, owner, method in owned:
        setattr(owner, method, _wrapped(name, getattr(owner, method)))


if __name__ == "__main__":
    _wrap_everything()
    delivery.ATTEMPT_S = float(os.environ.get("COUNTERSIGN_TEST_ATTEMPT_S", delivery.ATTEMPT_S))
    main()
