"""Starts sessions, for every way in: the REST API and the bot."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from countersign.agents.classic.facts import KnownWorkflows, WorkflowInfo
from countersign.approvals.errors import InvalidError, NotFoundError
from countersign.approvals.models import ConversationKey, Principal, Session
from countersign.connectors.system import Starts

log = structlog.get_logger(__name__)


class Sessions:
    """Checks what is asked for, and writes the session that the jobs then run."""

    def __init__(self, starts: Starts, registry: KnownWorkflows):
        self._starts = starts
        self._registry = registry

    def known(self) -> Sequence[WorkflowInfo]:
        """All that can be started, in the order in which they were loaded."""
        return self._registry.infos()

    async def start(
        self,
        workflow: str,
        task: str,
        owner: Principal,
        *,
        conversation: ConversationKey | None = None,
        idempotency_key: str | None = None,
    ) -> Session:
        """A new session; the same key gives the same one again.

        Raises InvalidError for an unknown workflow (naming the known ones) or an empty task.
        """
        try:
            info = self._registry.info(workflow)
        except NotFoundError as exc:
            raise InvalidError(str(exc)) from exc
        if not task.strip():
            raise InvalidError(f"Say what {info.title} is to do, for example: {info.example}")
        session = await self._starts.start(
            workflow=info.name,
            workflow_version=info.version,
            task=task.strip(),
            owner=owner.id,
            conversation=conversation,
            idempotency_key=idempotency_key,
        )
        log.info("session started", session_id=session.id, workflow=info.name)
        return session
