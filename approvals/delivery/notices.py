"""Notices: progress and the final answer, carried to the threads of their sessions in order."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from countersign.approvals import backoff
from countersign.approvals.errors import (
    BusyError,
    CountersignError,
    NotFoundError,
    UnavailableError,
    UnreachableError,
)
from countersign.approvals.models import Conversation, Notice
from countersign.approvals.observer import Observer
from countersign.approvals.outages import Outages, named
from countersign.approvals.ports import (
    Channel,
    Channels,
    Clock,
    Store,
)
from countersign.approvals.store import codec
from countersign.approvals.store import conversations as conversation_rows
from countersign.approvals.store import notices as notice_rows

log = structlog.get_logger(__name__)

NOTICE_ATTEMPTS = 16
"""Progress that could not be posted for about two hours is dropped; requests never are."""
UPDATE_ATTEMPTS = 3
"""A line that could not be added to the message it continues so often is posted by itself: a
channel may refuse one message for good, and what comes after it must not wait for that."""


class Notifier:
    """The handler of the job `notify`."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        channels: Channels,
        observer: Observer,
        outages: Outages,
    ):
        self._store, self._clock, self._channels = store, clock, channels
        self._observer, self._outages = observer, outages

    async def notify(self, conversation_key: str) -> None:
        """Post what waits for a conversation, in order, until one fails."""
        while True:
            found = await self._take_notice(conversation_key)
            if found is None:
                return
            notice, conversation, channel = found
            try:
                async with asyncio.timeout(backoff.SEND_TIMEOUT_S):
                    reference = await channel.say(conversation, notice)
            except BusyError as exc:
                await self._notice_later(notice, backoff.capped_s(exc.retry_after_s), exc)
                return
            except UnreachableError as exc:  # what ends it makes the notice due again
                await self._notice_later(notice, backoff.PROBE_S, exc)
                return
            except (CountersignError, TimeoutError) as exc:
                await self._notice_failed(channel.name, notice, exc)
                return
            except Exception as exc:  # as above
                log.exception("notice cannot be posted", channel=channel.name)
                failed = UnavailableError(f"{backoff.UNFORESEEN} ({named(exc)})")
                await self._notice_failed(channel.name, notice, failed)
                return
            self._outages.up(channel.name)
            said = partial(notice_rows.record_said, notice=notice, reference=reference)
            await self._store.write(said)
            self._observer.delivered(channel.name, "said")

    async def _take_notice(
        self, conversation_key: str
    ) -> tuple[Notice, Conversation, Channel] | None:
        now = self._clock.now()

        def unit(connection: Connection) -> tuple[Notice, Conversation | None] | None:
            found = notice_rows.first_unsent(connection, conversation_key)
            if found is None or found[1] > now:
                return None
            notice = found[0]
            until = codec.to_text(now + timedelta(seconds=backoff.ATTEMPT_S))
            tried = notice.attempts + 1
            notice_rows.record(connection, notice.id, next_at=until, attempts=tried, error=None)
            if notice.progress and tried <= UPDATE_ATTEMPTS:
                notice = notice_rows.with_running(connection, notice)
            return notice, conversation_rows.get(connection, conversation_key)

        taken = await self._store.write(unit)
        if taken is None:
            return None
        notice, conversation = taken
        channel = None if conversation is None else self._channels.get(conversation.channel)
        if conversation is None or channel is None:
            await self._drop("none", notice, "the conversation is not known or its channel is off")
            return None
        return notice, conversation, channel

    async def _notice_later(self, notice: Notice, wait_s: float, exc: UnavailableError) -> None:
        next_at = codec.to_text(self._clock.now() + timedelta(seconds=wait_s))
        await self._store.write(
            lambda c: notice_rows.record(
                c, notice.id, next_at=next_at, attempts=notice.attempts, error=str(exc)
            )
        )

    async def _notice_failed(self, channel: str, notice: Notice, exc: Exception) -> None:
        why = str(exc) or "timed out"
        if isinstance(exc, NotFoundError) or notice.attempts + 1 >= NOTICE_ATTEMPTS:
            await self._drop(channel, notice, why)
            return
        if getattr(exc, "outage", True):
            self._outages.down(channel, why)
        self._observer.delivered(channel, "failed")
        wait_s = backoff.backoff_s(
            notice.attempts,
            backoff.BACKOFF_BASE_S,
            backoff.BACKOFF_MAX_S,
            getattr(exc, "retry_after_s", None),
        )
        next_at = codec.to_text(self._clock.now() + timedelta(seconds=wait_s))
        await self._store.write(
            lambda c: notice_rows.record(c, notice.id, next_at=next_at, error=why[:1000])
        )

    async def _drop(self, channel: str, notice: Notice, why: str) -> None:
        self._observer.delivered(channel, "abandoned")
        log.warning("notice dropped", session_id=notice.session_id, channel=channel, reason=why)
        await self._store.write(
            lambda c: notice_rows.record(c, notice.id, next_at=None, error=why[:1000])
        )
