"""After-commit callbacks: what a unit wants to have done once its transaction is durable."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

log = structlog.get_logger(__name__)


def ring(callbacks: Iterable[Callable[[], None]]) -> None:
    """Call them all: the unit stands, and nobody may wait for ever because one of them fails."""
    for callback in callbacks:
        try:
            callback()
        except Exception:  # the transaction stands: the others, and its caller, must hear of it
            log.exception("doorbell failed")
