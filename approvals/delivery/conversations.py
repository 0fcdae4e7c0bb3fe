"""Conversations: where people can be reached, remembered from what arrives from there."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from sqlalchemy import Connection

from countersign.approvals.decisions.outbox import DELIVER, NOTIFY
from countersign.approvals.models import Conversation, ConversationKey, PrincipalId
from countersign.approvals.ports import Clock, Job, Jobs, Moment, Store, Unit
from countersign.approvals.store import conversations as rows
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import notices as notice_rows

log = structlog.get_logger(__name__)


class Conversations:
    """Implements `approvals.ports.Conversations`. Each call is one transaction."""

    def __init__(self, store: Store, clock: Clock, jobs: Jobs):
        self._store, self._clock, self._jobs = store, clock, jobs

    async def get(self, key: ConversationKey) -> Conversation | None:
        """The conversation of this key."""
        return await self._store.read(lambda c: rows.get(c, key))

    async def personal(self, principal_id: PrincipalId, channel: str) -> Conversation | None:
        """The newest one-to-one chat with this person in this channel."""
        return await self._store.read(lambda c: rows.personal(c, principal_id, channel))

    async def save(
        self, heard: Conversation, *, only_known: bool = False, installed: bool = False
    ) -> bool:
        """It was heard of: remember where it is, that it is open to us, and try what waited.

        Nothing is written if it says nothing new, unless the app was `installed` there: in a
        team that opens all of the team's conversations. Whether it was not known before: of
        several calls at once, one learns that.
        """
        if not installed:
            known = await self._store.read(lambda c: rows.get(c, heard.key))
            if rows.is_as_known(known, heard) or (known is None and only_known):
                return False

        def work(unit: Unit) -> rows.Change | None:
            change = rows.save(unit.connection, heard, only_known=only_known)
            if change is None:
                return None
            current = heard.model_copy(update={"principal_id": change.principal_id})
            self._send_what_waits(unit, current, moved=change.moved)
            if installed or change.reopened:
                for other in rows.of_team(unit.connection, heard):
                    self._reopen(unit, other.key)
            return change

        change = await self._store.unit(work, Moment(self._clock.now()))
        if change is not None and change.reopened:
            log.info("conversation open again", conversation=heard.key)
        return change is not None and change.added

    async def closed(self, known: Conversation, reason: str) -> bool:
        """It refuses us until people there undo that. False, and nothing is stored, if it was heard
        of since `known` was read."""
        now = self._clock.now()

        def unit(connection: Connection) -> Sequence[str] | None:
            current = rows.get(connection, known.key, lock=True)
            if current is None or current.updated_at != known.updated_at:
                return None
            return rows.block(connection, [known.key], reason=reason, now=now)

        newly = await self._store.write(unit)
        _say_closed(newly or (), reason)
        return newly is not None

    async def removed(self, heard: Conversation, reason: str) -> None:
        """The app was removed from there, and so from all of its team, if it has one."""
        now = self._clock.now()

        def unit(connection: Connection) -> Sequence[str]:
            others = [other.key for other in rows.of_team(connection, heard)]
            return rows.block(connection, [heard.key, *others], reason=reason, now=now)

        _say_closed(await self._store.write(unit), reason)

    async def opened(self, key: ConversationKey) -> None:
        """Something could be sent there, though it was closed: try what waits."""
        moment = Moment(self._clock.now())
        if await self._store.unit(lambda unit: self._reopen(unit, key), moment):
            log.info("conversation open again", conversation=key)

    def _reopen(self, unit: Unit, key: str) -> bool:
        conversation = rows.unblock(unit.connection, key)
        if conversation is not None:
            self._send_what_waits(unit, conversation, moved=False)
        return conversation is not None

    def _send_what_waits(self, unit: Unit, conversation: Conversation, *, moved: bool) -> None:
        due = delivery_rows.revive(unit.connection, conversation, unit.now, moved=moved)
        for delivery_id in due:
            self._jobs.enqueue(unit, Job(kind=DELIVER, id=delivery_id))
        if notice_rows.revive(unit.connection, conversation.key, unit.now):
            self._jobs.enqueue(unit, Job(kind=NOTIFY, id=conversation.key))


def _say_closed(keys: Sequence[str], reason: str) -> None:
    for key in keys:
        log.warning("conversation closed", conversation=key, reason=reason)
