"""Deliveries: carries rows to channels, requests as cards or tickets, notices as messages.

Nothing is delivered from memory. A row is due until an attempt is recorded, so a crash repeats at
most the last attempt; what failed comes back with back-off; what can never arrive is abandoned,
kept with its reason, and logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import Connection
from structlog.contextvars import bound_contextvars

from countersign.approvals import backoff
from countersign.approvals.approvals import Approvals
from countersign.approvals.delivery import companions, digests
from countersign.approvals.delivery.attempts import (
    NEVER_SHOWN,
    TURN,
    Again,
    Attempts,
    Shown,
    is_untried,
)
from countersign.approvals.delivery.companions import Companions
from countersign.approvals.delivery.digests import Fellow
from countersign.approvals.delivery.notices import Notifier
from countersign.approvals.delivery.quiet_times import HELD, held, person_of
from countersign.approvals.delivery.reminding import Reminding
from countersign.approvals.delivery.second_looks import begin, noticed
from countersign.approvals.errors import (
    BusyError,
    CountersignError,
    NoRecipientError,
    NotFoundError,
    UnreachableError,
)
from countersign.approvals.models import (
    Delivery,
    DeliveryId,
    DeliveryStatus,
    JsonObject,
    Placing,
    Request,
)
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.outages import Outages, named
from countersign.approvals.ports import Channel, Channels, Clock, Moment, RequestView, Store, Unit
from countersign.approvals.ports.channels import is_over
from countersign.approvals.records import Records
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store.view_rows import view_rows

log = structlog.get_logger(__name__)


_NONE: Mapping[DeliveryId, int] = {}


class Taken(NamedTuple):
    """One message that is due, and the deliveries that it is for."""

    delivery: Delivery
    view: RequestView
    """Of the call that the message begins with."""
    listed: Sequence[Shown] = ()
    """Others, of other checkpoints, that stand in one list with it."""
    beside: Sequence[Shown] = ()
    """Others of its checkpoint that the message shows."""
    own: RequestView | None = None
    """Of the request of `delivery`, where the message begins with another one."""
    versions: Mapping[DeliveryId, int] = _NONE
    """As `Companions` have them."""

    @property
    def everything(self) -> Sequence[Shown]:
        """All of them; the one that was due first."""
        return ((self.delivery, self.own or self.view), *self.listed, *self.beside)


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
        (delivery, view), *_ = taken.everything
        with bound_contextvars(
            session_id=view.session.id, request_id=view.request.id, delivery_id=delivery.id
        ):
            again = await self._attempt(taken)
        for each in again:
            await self.deliver(each)

    async def _attempt(self, taken: Taken) -> Again:
        """Ids of deliveries that have to be made again at once."""
        delivery, view = taken.delivery, taken.view
        channel = self._channels.get(delivery.channel)
        if channel is None:
            why = f"The channel {delivery.channel} is not configured."
            return await self._attempts.failed(delivery, None, why)
        try:
            with self._observer.span("deliver", view.request, channel=delivery.channel):
                async with asyncio.timeout(backoff.SEND_TIMEOUT_S):
                    reference = await self._send(channel, taken)
        except Exception as exc:
            again: list[str] = []
            for shown, its_view in taken.everything:
                again += await self._not_shown(channel, shown, its_view, exc)
            return again
        self._outages.up(delivery.channel)
        if not taken.listed:
            return await self._attempts.shown(taken.everything, reference, channel, taken.versions)
        again = []
        for each in taken.everything:
            again += await self._attempts.shown([each], reference, channel, _NONE)
        return again

    async def _not_shown(
        self, channel: Channel, delivery: Delivery, view: RequestView, exc: Exception
    ) -> Again:
        match exc:
            case NotFoundError():
                return await self._attempts.gone(delivery, str(exc))
            case BusyError():
                return await self._attempts.later(delivery, exc)
            case NoRecipientError():
                if delivery.reference is None and channel.over(delivery, view):
                    return await self._attempts.never_shown(delivery)
                if isinstance(exc, UnreachableError):
                    return await self._attempts.unreachable(delivery, view, exc)
                if delivery.attempts == 0:
                    log.warning("delivery waits", channel=delivery.channel, reason=str(exc))
                return await self._attempts.failed(delivery, None, str(exc), outage=False)
            case CountersignError() | TimeoutError():
                retry_after_s = getattr(exc, "retry_after_s", None)
                outage = getattr(exc, "outage", True)
                why = str(exc) or "timed out"
                return await self._attempts.failed(delivery, retry_after_s, why, outage=outage)
            case _:  # a fault of ours: others must not wait for it, nor people wonder
                log.error("delivery cannot be made", channel=delivery.channel, exc_info=exc)
                why = f"{backoff.UNFORESEEN} ({named(exc)})"
                return await self._attempts.failed(delivery, None, why, outage=False)

    async def notify(self, conversation_key: str) -> None:
        """Post what waits for a conversation, in order, until one fails."""
        await self._notifier.notify(conversation_key)

    async def remind(self, reminder: str) -> None:
        """Say in one place that a request still waits, if it does."""
        await self._reminding.remind(reminder)

    async def _take(self, delivery_id: str) -> Taken | None:
        now = self._clock.now()
        known, too_late = await self._store.read(lambda c: _known(c, delivery_id))
        if not _is_due(known, now):
            return None
        busy_s = 0.0 if too_late else self._busy_s(known)
        person = self._records.views.person(person_of(known))
        channel = self._channels.get(known.channel)
        placing = Placing() if channel is None else channel.placing
        shares, redrawn = placing.together, placing.redrawn
        domains = self._records.views.domains

        def take(unit: Unit) -> tuple[Delivery, Sequence[Fellow], Companions, Request] | None:
            connection = unit.connection
            if shares:
                request_rows.lock(unit, known.request_id)
            delivery = rows.get(connection, delivery_id, lock=True)
            if not _is_due(delivery, now):
                return None
            delivery = noticed(delivery, now, redrawn=redrawn)
            if too_late:  # a card of it would take the turn of one that somebody waits for
                status = DeliveryStatus.CLOSED.value
                rows.record(connection, delivery_id, status=status, next_at=None, error=NEVER_SHOWN)
                return None
            if busy_s > 0:
                next_at = codec.to_text(now + timedelta(seconds=backoff.capped_s(busy_s)))
                doubt_at = codec.optional_text(delivery.doubt_at)
                rows.record(connection, delivery_id, next_at=next_at, error=TURN, doubt_at=doubt_at)
                return None
            found = view_rows(connection, delivery.request_id)
            later = held(delivery, person, found.request, now)
            if later is not None:
                rows.record(connection, delivery_id, next_at=codec.to_text(later), error=HELD)
                return None
            until = codec.to_text(now + timedelta(seconds=backoff.ATTEMPT_S))
            begin(connection, delivery, until)
            listed = digests.take(connection, delivery, person, found.request, now, until)
            alone = Companions(found, "", ())
            if not shares or listed or not found.siblings:
                return delivery, listed, alone, found.request
            beside = companions.take(
                unit, delivery, found, now, until, placing=placing, domains=domains
            )
            return delivery, (), beside, found.request

        taken = await self._store.unit(take, Moment(now))
        return None if taken is None else self._seen(*taken)

    def _seen(
        self, delivery: Delivery, listed: Sequence[Fellow], with_it: Companions, request: Request
    ) -> Taken:
        """With the people, tools and rules of now."""
        views = self._records.views
        view = views.shown(with_it.lead).model_copy(update={"calls": with_it.calls})
        return Taken(
            delivery,
            view,
            [(each, views.shown(found)) for each, found in listed],
            [(each, view.model_copy(update={"request": of})) for each, of in with_it.beside],
            None if view.request.id == request.id else view.model_copy(update={"request": request}),
            with_it.versions,
        )

    def _busy_s(self, delivery: Delivery) -> float:
        channel = self._channels.get(delivery.channel)
        return 0.0 if channel is None else channel.busy_s(delivery)

    async def _send(self, channel: Channel, taken: Taken) -> JsonObject:
        delivery, view = taken.delivery, taken.view
        if taken.listed:
            return await channel.post_list(delivery, [view, *(each for _, each in taken.listed)])
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
