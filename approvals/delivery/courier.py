"""Deliveries: carries rows to channels, requests as cards or tickets, notices as messages.

Nothing is delivered from memory. A row is due until an attempt is recorded, so a crash repeats at
most the last attempt; what failed comes back with back-off; what can never arrive is abandoned,
kept with its reason, and logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection
from structlog.contextvars import bound_contextvars

from countersign.approvals import backoff
from countersign.approvals.approvals import Approvals
from countersign.approvals.delivery import digests
from countersign.approvals.delivery.attempts import NEVER_SHOWN, TURN, Attempts, is_untried
from countersign.approvals.delivery.digests import Fellow
from countersign.approvals.delivery.notices import Notifier
from countersign.approvals.delivery.quiet_times import HELD, held, person_of
from countersign.approvals.delivery.reminding import Reminding
from countersign.approvals.errors import (
    BusyError,
    CountersignError,
    NoRecipientError,
    NotFoundError,
    UnreachableError,
)
from countersign.approvals.models import Delivery, DeliveryStatus, JsonObject
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.outages import Outages, named
from countersign.approvals.ports import Channel, Channels, Clock, RequestView, Store
from countersign.approvals.ports.channels import is_over
from countersign.approvals.records import Records
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store.view_rows import ViewRows, view_rows

log = structlog.get_logger(__name__)

Shown = tuple[Delivery, RequestView]


class Courier:
    """Handlers of the jobs `deliver`, `notify` and `remind`."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        records: Records,
        approvals: Approvals,
        channels: Channels,
        observer: Observer = SILENT,
    ):
        self._store = store
        self._clock = clock
        self._records, self._channels, self._observer = records, channels, observer
        self._outages = Outages("channel")
        self._attempts = Attempts(store, clock, approvals, observer, self._outages)
        self._notifier = Notifier(store, clock, channels, observer, self._outages)
        self._reminding = Reminding(store, clock, records, channels, observer, self._outages)

    async def deliver(self, delivery_id: str) -> None:
        """Post or update one delivery, if it is due."""
        taken = await self._take(delivery_id)
        if taken is None:
            return
        delivery, view, fellows = taken
        with bound_contextvars(
            session_id=view.session.id, request_id=view.request.id, delivery_id=delivery.id
        ):
            again = await self._attempt(delivery, view, fellows)
        for each in again:
            await self.deliver(each)

    async def _attempt(
        self, delivery: Delivery, view: RequestView, fellows: Sequence[Shown]
    ) -> Sequence[str]:
        """Ids of deliveries that have to be made again at once."""
        channel = self._channels.get(delivery.channel)
        if channel is None:
            why = f"The channel {delivery.channel} is not configured."
            return await self._attempts.failed(delivery, None, why)
        try:
            with self._observer.span("deliver", view.request, channel=delivery.channel):
                async with asyncio.timeout(backoff.SEND_TIMEOUT_S):
                    reference = await self._send(channel, delivery, view, fellows)
        except NotFoundError as exc:
            return await self._attempts.gone(delivery, str(exc))
        except BusyError as exc:
            return await self._attempts.later(delivery, exc)
        except NoRecipientError as exc:
            if delivery.reference is None and channel.over(delivery, view):
                return await self._attempts.never_shown(delivery)
            if isinstance(exc, UnreachableError):
                return await self._attempts.unreachable(delivery, view, exc)
            if delivery.attempts == 0:
                log.warning("delivery waits", channel=delivery.channel, reason=str(exc))
            return await self._attempts.failed(delivery, None, str(exc), outage=False)
        except (CountersignError, TimeoutError) as exc:
            retry_after_s = getattr(exc, "retry_after_s", None)
            outage = getattr(exc, "outage", True)
            why = str(exc) or "timed out"
            return await self._attempts.failed(delivery, retry_after_s, why, outage=outage)
        except Exception as exc:  # a fault of ours: others must not wait for it, nor people wonder
            log.exception("delivery cannot be made", channel=delivery.channel)
            why = f"{backoff.UNFORESEEN} ({named(exc)})"
            return await self._attempts.failed(delivery, None, why, outage=False)
        self._outages.up(delivery.channel)
        again: list[str] = []
        for shown, its_view in ((delivery, view), *fellows):
            is_over = channel.over(shown, its_view)
            again += await self._attempts.shown(shown, its_view, reference, is_over=is_over)
        return again

    async def notify(self, conversation_key: str) -> None:
        """Post what waits for a conversation, in order, until one fails."""
        await self._notifier.notify(conversation_key)

    async def remind(self, reminder: str) -> None:
        """Say in one place that a request still waits, if it does."""
        await self._reminding.remind(reminder)

    async def _take(self, delivery_id: str) -> tuple[Delivery, RequestView, Sequence[Shown]] | None:
        now = self._clock.now()
        known, too_late = await self._store.read(lambda c: _known(c, delivery_id))
        if not _is_due(known, now):
            return None
        busy_s = 0.0 if too_late else self._busy_s(known)
        person = self._records.views.person(person_of(known))

        def take(connection: Connection) -> tuple[Delivery, ViewRows, Sequence[Fellow]] | None:
            delivery = rows.get(connection, delivery_id, lock=True)
            if not _is_due(delivery, now):
                return None
            if too_late:  # a card of it would take the turn of one that somebody waits for
                status = DeliveryStatus.CLOSED.value
                rows.record(connection, delivery_id, status=status, next_at=None, error=NEVER_SHOWN)
                return None
            if busy_s > 0:
                next_at = codec.to_text(now + timedelta(seconds=backoff.capped_s(busy_s)))
                rows.record(connection, delivery_id, next_at=next_at, error=TURN)
                return None
            found = view_rows(connection, delivery.request_id)
            later = held(delivery, person, found.request, now)
            if later is not None:
                rows.record(connection, delivery_id, next_at=codec.to_text(later), error=HELD)
                return None
            until = codec.to_text(now + timedelta(seconds=backoff.ATTEMPT_S))
            tried = delivery.attempts + 1
            # Without an error it is under way: `free_attempts` tells that from a back-off.
            rows.record(connection, delivery_id, next_at=until, attempts=tried, error=None)
            listed = digests.take(connection, delivery, person, found.request, now, until)
            return delivery, found, listed

        taken = await self._store.write(take)
        if taken is None:
            return None
        fellows = [(each, self._records.views.shown(found)) for each, found in taken[2]]
        return taken[0], self._records.views.shown(taken[1]), fellows

    def _busy_s(self, delivery: Delivery) -> float:
        channel = self._channels.get(delivery.channel)
        return 0.0 if channel is None else channel.busy_s(delivery)

    async def _send(
        self,
        channel: Channel,
        delivery: Delivery,
        view: RequestView,
        fellows: Sequence[Shown],
    ) -> JsonObject:
        if fellows:
            return await channel.post_list(delivery, [view, *(each for _, each in fellows)])
        if delivery.reference is None:
            return await channel.post(delivery, view)
        return await channel.update(delivery, view) or delivery.reference


def _known(connection: Connection, delivery_id: str) -> tuple[Delivery, bool]:
    """The delivery, and whether it has waited for its turn until there was nothing left to show."""
    known = rows.get(connection, delivery_id)
    if known.error != TURN or not is_untried(known):
        return known, False
    return known, is_over(request_rows.get(connection, known.request_id))


def _is_due(delivery: Delivery, now: datetime) -> bool:
    return delivery.next_at is not None and delivery.next_at <= now
