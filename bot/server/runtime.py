"""What is composed, and how it works until it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from countersign.agents.session_manager import SessionManager
from countersign.agents.side_conversations import SideConversations
from countersign.approvals.approvals import Approvals
from countersign.approvals.decisions.review import Review
from countersign.approvals.errors import UnavailableError
from countersign.approvals.jobs import LocalJobs
from countersign.bot.policy.reload import PolicyReload
from countersign.bot.policy.review import Finding
from countersign.bot.server.app import Parts
from countersign.bot.server.health import Health
from countersign.connectors.system import Opened

log = structlog.get_logger(__name__)

REVIEW_AGAIN_S = 10.0


@dataclass(frozen=True)
class Runtime:
    """Everything composed, and nothing working yet."""

    parts: Parts
    jobs: LocalJobs
    health: Health
    systems: Mapping[str, Opened]
    manager: SessionManager
    asides: SideConversations
    approvals: Approvals
    review: Review
    reload: PolicyReload
    findings: tuple[Finding, ...]
    """What does not fit between the rules, the tools and the people."""

    async def self_test(self, url: str) -> None:
        """Require that our own endpoints refuse what nobody has signed, once they listen at `url`.

        Raises ConfigurationError.
        """
        for system in self.systems.values():
            await system.self_test(url)

    def warn(self) -> None:
        """Log what was found of the rules, each in one line."""
        for found in self.findings:
            log.warning("policy", where=found.where, says=found.says, is_error=found.is_error)

    @asynccontextmanager
    async def working(self, *, grace_s: float) -> AsyncIterator[None]:
        """Run the jobs inside the block: sessions, deliveries, deadlines.

        At the end sessions are put down between two steps, and tools and sends that are under way
        may finish for `grace_s`. A tool that is cut off leaves its request in doubt.
        """
        task = asyncio.create_task(self.jobs.run(), name="jobs")
        self.health.watch(task)
        reviewing = asyncio.create_task(self._review(), name="review")
        reloading = asyncio.create_task(self.reload.run(), name="policy")
        try:
            yield
            self.manager.drain()
            self.asides.drain()
            try:
                async with asyncio.timeout(grace_s):
                    await self.jobs.drain()
            except TimeoutError:
                log.warning("work cut off", grace_s=grace_s)
        finally:
            task.cancel()
            reviewing.cancel()
            reloading.cancel()
            await asyncio.gather(task, reviewing, reloading, return_exceptions=True)

    async def _review(self) -> None:
        """Ask again what another release or policy asked, and tell of what nobody can decide with
        the people of this configuration."""
        while True:
            try:
                if changed := await self.approvals.ask_again_what_changed():
                    log.info("requests asked again", count=changed)
                await self.review.run()
            except UnavailableError as exc:
                log.warning("people not reviewed yet", error=str(exc), again_s=REVIEW_AGAIN_S)
                await asyncio.sleep(REVIEW_AGAIN_S)
            except Exception:  # nobody waits for this task, and the server works without it
                log.exception("people not reviewed")
                return
            else:
                return

    @asynccontextmanager
    async def on_hold(self) -> AsyncIterator[None]:
        """Answer people inside the block, and run no job: what they decide waits in its rows."""
        self.health.hold()
        log.warning("on hold: nothing is run or sent")
        yield
