"""Retry while the store is away: what a tool returned is known nowhere else."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from countersign.approvals.backoff import backoff_s
from countersign.approvals.errors import UnavailableError

T = TypeVar("T")
log = structlog.get_logger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
KEEP_TRYING_S = 120.0
"""About what the failover of a database takes, and more than the restart of one. Afterwards the
request stays in doubt, as it does when the process dies."""


async def retry_while_unavailable(store: Callable[[], Awaitable[T]]) -> T:
    """The answer of `store`, which may be repeated; tried again while it raises UnavailableError.

    Raises UnavailableError in the end.
    """
    waited_s = 0.0
    for attempt in itertools.count():
        try:
            return await store()
        except UnavailableError as exc:
            if waited_s >= KEEP_TRYING_S:
                raise
            if not attempt:
                log.warning("result not stored yet", reason=str(exc))
        wait_s = backoff_s(attempt, FIRST_WAIT_S, LONGEST_WAIT_S)
        await asyncio.sleep(wait_s)
        waited_s += wait_s
    raise AssertionError("unreachable: the attempts do not end")
