"""Starts sessions while there is room: what runs is bounded, what waits for people is not."""

from __future__ import annotations

from countersign.approvals.errors import BusyError
from countersign.approvals.models import ConversationKey, PrincipalId, Session
from countersign.approvals.ports import Store
from countersign.approvals.runs import Runs
from countersign.approvals.store import session_lists

RETRY_AFTER_S = 5.0
"""When to come again: sessions take seconds, those of a model that answers slowly more."""


class BoundedRuns:
    """`approvals.runs.Runs`, of which only `start` is needed to start sessions."""

    def __init__(self, runs: Runs, store: Store, *, at_most: int):
        self._runs, self._store, self._at_most = runs, store, at_most

    async def start(
        self,
        *,
        workflow: str,
        workflow_version: str,
        task: str,
        owner: PrincipalId,
        conversation: ConversationKey | None = None,
        idempotency_key: str | None = None,
    ) -> Session:
        """See `approvals.runs.Runs.start`. Raises BusyError while `at_most` sessions run.

        Starts at the same moment do not see each other: a few more may get in.
        """
        await self._require_room()
        return await self._runs.start(
            workflow=workflow,
            workflow_version=workflow_version,
            task=task,
            owner=owner,
            conversation=conversation,
            idempotency_key=idempotency_key,
        )

    async def _require_room(self) -> None:
        running = await self._store.read(
            lambda c: session_lists.count_running(c, limit=self._at_most)
        )
        if running >= self._at_most:
            raise BusyError(
                f"{self._at_most} sessions are running, which is as many as there may be (those "
                "that wait for people do not count). Nothing was started; come again soon.",
                retry_after_s=RETRY_AFTER_S,
            )
