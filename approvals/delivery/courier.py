"""Deliveries: carries rows to channels, requests as cards or tickets, notices as messages.

Nothing is delivered from memory. A row is due until an attempt is recorded, so a crash repeats at
most the last attempt; what failed comes back with back-off; what can never arrive is abandoned,
kept with its reason, and logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection
from structlog.contextvars import bound_contextvars

from countersign.approvals import backoff
from countersign.approvals.approvals import Approvals
from countersign.approvals.delivery import digests
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
from countersign.approvals.forms.systems import system_words
from countersign.approvals.models import (
    Delivery,
    DeliveryStatus,
    JsonObject,
    Session,
)
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.outages import Outages, named
from countersign.approvals.ports import (
    Channel,
    Channels,
    Clock,
    Moment,
    RequestView,
    Store,
    Unit,
)
from countersign.approvals.records import Records
from countersign.approvals.rules.unreachable import news
from countersign.approvals.store import changes, codec
from countersign.approvals.store import deliveries as rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import notices as notice_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store.view_rows import ViewRows, view_rows

log = structlog.get_logger(__name__)

Shown = tuple[Delivery, RequestView]
NEVER_SHOWN = "It was over before it could be shown here."
BUSY = "As much was sent there as may be sent at once; it is not its turn yet."


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
        self._records, self._approvals = records, approvals
        self._channels = channels
        self._observer = observer
        self._outages = Outages("channel")
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
            await self._attempt(delivery, view, fellows)

    async def _attempt(
        self, delivery: Delivery, view: RequestView, fellows: Sequence[Shown]
    ) -> None:
        channel = self._channels.get(delivery.channel)
        if channel is None:
            await self._failed(delivery, None, f"The channel {delivery.channel} is not configured.")
            return
        try:
            with self._observer.span("deliver", view.request, channel=delivery.channel):
                async with asyncio.timeout(backoff.SEND_TIMEOUT_S):
                    reference = await self._send(channel, delivery, view, fellows)
        except NotFoundError as exc:
            await self._gone(delivery, str(exc))
        except BusyError as exc:
            await self._later(delivery, exc)
        except NoRecipientError as exc:
            if delivery.reference is None and channel.over(delivery, view):
                await self._record(
                    delivery, status=DeliveryStatus.CLOSED.value, next_at=None, error=NEVER_SHOWN
                )
                return
            if isinstance(exc, UnreachableError):
                await self._unreachable(delivery, view, exc)
                return
            if delivery.attempts == 0:
                log.warning("delivery waits", channel=delivery.channel, reason=str(exc))
            await self._failed(delivery, None, str(exc), outage=False)
        except (CountersignError, TimeoutError) as exc:
            retry_after_s = getattr(exc, "retry_after_s", None)
            outage = getattr(exc, "outage", True)
            await self._failed(delivery, retry_after_s, str(exc) or "timed out", outage=outage)
        except Exception as exc:  # a fault of ours: others must not wait for it, nor people wonder
            log.exception("delivery cannot be made", channel=delivery.channel)
            await self._failed(delivery, None, f"{backoff.UNFORESEEN} ({named(exc)})", outage=False)
        else:
            self._outages.up(delivery.channel)
            for shown, its_view in ((delivery, view), *fellows):
                await self._delivered(channel, shown, its_view, reference)

    async def notify(self, conversation_key: str) -> None:
        """Post what waits for a conversation, in order, until one fails."""
        await self._notifier.notify(conversation_key)

    async def remind(self, reminder: str) -> None:
        """Say in one place that a request still waits, if it does."""
        await self._reminding.remind(reminder)

    async def _take(self, delivery_id: str) -> tuple[Delivery, RequestView, Sequence[Shown]] | None:
        now = self._clock.now()
        known = await self._store.read(lambda c: rows.get(c, delivery_id))
        if not _is_due(known, now):
            return None
        busy_s = self._busy_s(known)
        person = self._records.views.person(person_of(known))

        def take(connection: Connection) -> tuple[Delivery, ViewRows, Sequence[Fellow]] | None:
            delivery = rows.get(connection, delivery_id, lock=True)
            if not _is_due(delivery, now):
                return None
            if busy_s > 0:
                next_at = codec.to_text(now + timedelta(seconds=backoff.capped_s(busy_s)))
                rows.record(connection, delivery_id, next_at=next_at, error=BUSY)
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
        await channel.update(delivery, view)
        return delivery.reference

    async def _delivered(
        self, channel: Channel, delivery: Delivery, view: RequestView, reference: JsonObject
    ) -> None:
        first = delivery.reference is None
        is_over = channel.over(delivery, view)

        def work(unit: Unit) -> bool | None:
            session_rows.lock(unit, view.session.id)
            current = rows.get(unit.connection, delivery.id, lock=True)
            if first and current.reference not in (None, reference):
                return None
            behind = current.wanted_version > delivery.wanted_version
            over = not behind and is_over
            rows.record(
                unit.connection,
                delivery.id,
                status=(DeliveryStatus.CLOSED if over else DeliveryStatus.LIVE).value,
                reference=codec.dumps(reference),
                ticket_id=reference.get("ticket"),
                doubt_at=None,
                shown_version=delivery.wanted_version,
                attempts=0,
                next_at=codec.to_text(unit.now) if behind else None,
                error=None,
            )
            if first:
                columns = {
                    "request_id": delivery.request_id,
                    "channel": delivery.channel,
                    "target": delivery.target,
                }
                changes.note(unit, view.session.id, "deliveries", [delivery.id], columns)
                body: JsonObject = {
                    "request": delivery.request_id,
                    "channel": delivery.channel,
                    "target": delivery.target,
                    "reference": reference,
                }
                ledger_rows.append(unit, view.session.id, ("delivered", body))
                _say_where(unit, view.session, delivery, reference)
            return behind

        behind = await self._store.unit(work, Moment(self._clock.now()))
        if behind is None:
            await self._shown_twice(delivery, reference)
            return
        self._observer.delivered(delivery.channel, "posted" if first else "updated")
        if first:
            log.info("request shown", channel=delivery.channel)
        if behind:
            await self.deliver(delivery.id)

    async def _shown_twice(self, delivery: Delivery, reference: JsonObject) -> None:
        """Another server has shown it while this one was suspended: lose sight of neither. Of two
        tickets the reconciler closes the one that is not on record."""
        log.warning("request shown twice", channel=delivery.channel, delivery_id=delivery.id)
        if not reference.get("ticket"):
            await self._approvals.adopt_delivery(delivery.request_id, delivery.channel, reference)

    async def _failed(
        self, delivery: Delivery, retry_after_s: float | None, why: str, *, outage: bool = True
    ) -> None:
        wait_s = backoff.backoff_s(
            delivery.attempts, backoff.BACKOFF_BASE_S, backoff.BACKOFF_MAX_S, retry_after_s
        )
        if outage:
            self._outages.down(delivery.channel, why)
        self._observer.delivered(delivery.channel, "failed")
        next_at = codec.to_text(self._clock.now() + timedelta(seconds=wait_s))
        await self._record(delivery, hurry=not outage, next_at=next_at, error=why[:1000])

    async def _unreachable(
        self, delivery: Delivery, view: RequestView, exc: UnreachableError
    ) -> None:
        """Wait for what ends it (`approvals.delivery.conversations`); it is tried now and then all
        the same, as no event is certain to arrive."""
        now = self._clock.now()
        is_new = delivery.status is not DeliveryStatus.UNREACHABLE
        if is_new:
            log.warning("delivery waits", channel=delivery.channel, reason=str(exc))
        self._observer.delivered(delivery.channel, "unreachable")
        await self._record(
            delivery,
            hurry=True,
            tell=view if is_new else None,
            status=DeliveryStatus.UNREACHABLE.value,
            next_at=codec.to_text(now + timedelta(seconds=backoff.PROBE_S)),
            error=str(exc)[:1000],
        )

    async def _later(self, delivery: Delivery, exc: BusyError) -> None:
        """Nothing was tried and nothing has failed: it is not its turn yet."""
        at = self._clock.now() + timedelta(seconds=backoff.capped_s(exc.retry_after_s))
        await self._record(
            delivery, next_at=codec.to_text(at), attempts=delivery.attempts, error=str(exc)
        )

    async def _gone(self, delivery: Delivery, why: str) -> None:
        log.warning("delivery abandoned", channel=delivery.channel, reason=why)
        self._observer.delivered(delivery.channel, "abandoned")
        status = DeliveryStatus.ABANDONED.value
        await self._record(delivery, hurry=True, status=status, next_at=None, error=why[:1000])

    async def _record(
        self,
        delivery: Delivery,
        *,
        hurry: bool = False,
        tell: RequestView | None = None,
        **values: Any,
    ) -> None:
        """Write why an attempt has shown nothing, and `tell` the thread of it, unless another one
        has begun or ended since: it may have taken so long that another server went on.

        With `hurry` it is tried again at once if its conversation was heard of, or the request has
        changed, while the attempt was under way.
        """

        def work(unit: Unit) -> bool:
            if tell is not None:  # of two that are found at once, one must see the other
                session_rows.lock(unit, tell.session.id)
            current = rows.get(unit.connection, delivery.id, lock=True)
            attempt = delivery.attempts + 1, delivery.reference
            if (current.attempts, current.reference) != attempt:
                return False
            if hurry and current.wanted_version > delivery.wanted_version:
                at = codec.to_text(unit.now)
                rows.record(unit.connection, delivery.id, next_at=at, error=values["error"])
                return True
            rows.record(unit.connection, delivery.id, **values)
            if tell is not None:
                _tell(unit, tell, delivery.id)
            return False

        if await self._store.unit(work, Moment(self._clock.now())):
            await self.deliver(delivery.id)


def _is_due(delivery: Delivery, now: datetime) -> bool:
    return delivery.next_at is not None and delivery.next_at <= now


def _say_where(unit: Unit, session: Session, delivery: Delivery, ref: JsonObject) -> None:
    """Tell the thread of the session which ticket it waits for; the next sweep sends it."""
    if not (ref.get("key") and ref.get("url")):
        return
    where = f"{system_words(delivery.channel)}, {ref['key']}: {ref['url']}"
    _say(unit, session, f"Waits for approval in {where}")


def _tell(unit: Unit, view: RequestView, fresh: str) -> None:
    around = rows.of_request(unit.connection, view.request.id)
    (delivery,) = (each for each in around if each.id == fresh)
    if text := news(view, around, delivery):
        _say(unit, view.session, text)


def _say(unit: Unit, session: Session, text: str) -> None:
    if session.conversation is not None:
        notice_rows.add(
            unit.connection,
            session_id=session.id,
            conversation=session.conversation,
            text=text,
            now=unit.now,
        )
