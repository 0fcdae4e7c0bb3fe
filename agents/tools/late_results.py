"""Late results: what comes of tools that were given up, stored when they end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from countersign.agents.retry import retry_while_unavailable
from countersign.agents.tools.outcomes import ToolOutcome
from countersign.approvals.errors import CountersignError, LostLeaseError
from countersign.approvals.models import RequestId
from countersign.approvals.runs import Run, Runs

log = structlog.get_logger(__name__)


class LateResults:
    """Waits for them, as long as this process lives."""

    def __init__(self, runs: Runs):
        self._runs = runs
        self._waiting: set[asyncio.Task[None]] = set()

    def expect(
        self, run: Run, request_id: RequestId, late: Callable[[], Awaitable[ToolOutcome | None]]
    ) -> None:
        """Store what `late` gives; None is nothing that anybody knows."""
        task = asyncio.create_task(self._store(run, request_id, late), name=f"late:{request_id}")
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def wait(self) -> None:
        """Wait for all of them: for tests."""
        await asyncio.gather(*self._waiting)

    async def close(self) -> None:
        """Wait no more: what they would say nobody will know."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    async def _store(
        self, run: Run, request_id: RequestId, late: Callable[[], Awaitable[ToolOutcome | None]]
    ) -> None:
        outcome = await late()
        if outcome is None:
            return
        log.warning("tool answered late", request_id=request_id, ok=outcome.ok)
        content = outcome.content
        try:
            if outcome.ok or outcome.harmless:
                await retry_while_unavailable(
                    lambda: self._runs.finish(
                        run, request_id, ok=outcome.ok, content=content, late=True
                    )
                )
            else:
                await retry_while_unavailable(
                    lambda: self._runs.raised(run, request_id, content=content, late=True)
                )
        except LostLeaseError:  # it is stored; the session goes on elsewhere, or is over
            pass
        except CountersignError as exc:
            log.error("late result not stored", request_id=request_id, error=str(exc))
