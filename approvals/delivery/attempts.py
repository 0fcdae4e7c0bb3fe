"""Attempts: what is written of each to show a request, and who is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog

from countersign.approvals import backoff
from countersign.approvals.approvals import Approvals
from countersign.approvals.delivery.companions import moved_on
from countersign.approvals.delivery.second_looks import after
from countersign.approvals.errors import BusyError, UnreachableError
from countersign.approvals.forms.systems import system_words
from countersign.approvals.models import (
    CALLS,
    DIGEST,
    Delivery,
    DeliveryId,
    DeliveryStatus,
    JsonObject,
    Session,
)
from countersign.approvals.observer import Observer
from countersign.approvals.outages import Outages
from countersign.approvals.ports import Channel, Clock, Moment, RequestView, Store, Unit
from countersign.approvals.rules.unreachable import news
from countersign.approvals.store import changes, codec
from countersign.approvals.store import deliveries as rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import notices as notice_rows
from countersign.approvals.store import sessions as session_rows

log = structlog.get_logger(__name__)

NEVER_SHOWN = "It was over before it could be shown here."
TURN = "As much was sent there as may be sent at once; it waits for its turn."
Again = Sequence[str]
"""The ids of deliveries that have to be made again at once."""
Shown = tuple[Delivery, RequestView]


def told(reference: JsonObject) -> JsonObject:
    """What the ledger says of where it is: not the hash of the text there, which has arguments in
    it and no salt."""
    return {name: value for name, value in reference.items() if name != "shown"}


def is_untried(delivery: Delivery) -> bool:
    """Whether nothing of it can be there: nobody has ever tried to show it."""
    return (delivery.reference, delivery.attempts, delivery.doubt_at) == (None, 0, None)


class Attempts:
    """Writes how an attempt has ended."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        approvals: Approvals,
        observer: Observer,
        outages: Outages,
    ):
        self._store, self._clock = store, clock
        self._approvals, self._observer, self._outages = approvals, observer, outages

    async def shown(
        self,
        shown: Sequence[Shown],
        reference: JsonObject,
        channel: Channel,
        versions: Mapping[DeliveryId, int],
    ) -> Again:
        """These, of one session, are shown where `reference` says; the channel knows of which of
        them that will not change any more. `versions` are those of `Companions`: where they have
        changed, the message is drawn once more."""
        (_, view), *_ = shown
        each_over = [channel.over(*each) for each in shown]
        redrawn = channel.placing.redrawn

        def work(unit: Unit) -> list[bool | None]:
            session_rows.lock(unit, view.session.id)
            found = [
                _shown(unit, *each, _own(reference, *each), is_over=is_over, redrawn=redrawn)
                for each, is_over in zip(shown, each_over, strict=True)
            ]
            if shown[0][0].reference is None and found[0] is not None:
                _say_where(unit, view.session, shown[0][0], reference)
            if not any(found) and moved_on(unit.connection, versions):
                rows.record(unit.connection, shown[0][0].id, next_at=codec.to_text(unit.now))
                found[0] = True
            return found

        found = await self._store.unit(work, Moment(self._clock.now()))
        again = []
        for (delivery, _), behind in zip(shown, found, strict=True):
            if behind is None:
                await self._shown_twice(delivery, reference)
                continue
            first = delivery.reference is None
            self._observer.delivered(delivery.channel, "posted" if first else "updated")
            if first:
                log.info("request shown", channel=delivery.channel)
            again += [delivery.id] if behind else []
        return again

    async def _shown_twice(self, delivery: Delivery, reference: JsonObject) -> None:
        """Another server has shown it while this one was suspended: lose sight of neither. Of two
        tickets the reconciler closes the one that is not on record."""
        log.warning("request shown twice", channel=delivery.channel, delivery_id=delivery.id)
        if not reference.get("ticket"):
            await self._approvals.adopt_delivery(delivery.request_id, delivery.channel, reference)

    async def failed(
        self, delivery: Delivery, retry_after_s: float | None, why: str, *, outage: bool = True
    ) -> Again:
        """It is tried again later; an `outage` is of its whole channel."""
        wait_s = backoff.backoff_s(
            delivery.attempts, backoff.BACKOFF_BASE_S, backoff.BACKOFF_MAX_S, retry_after_s
        )
        if outage:
            self._outages.down(delivery.channel, why)
        self._observer.delivered(delivery.channel, "failed")
        next_at = codec.to_text(self._clock.now() + timedelta(seconds=wait_s))
        return await self._record(delivery, hurry=not outage, next_at=next_at, error=why[:1000])

    async def unreachable(
        self, delivery: Delivery, view: RequestView, exc: UnreachableError
    ) -> Again:
        """Wait for what ends it (`approvals.delivery.conversations`); it is tried now and then all
        the same, as no event is certain to arrive."""
        now = self._clock.now()
        is_new = delivery.status is not DeliveryStatus.UNREACHABLE
        if is_new:
            log.warning("delivery waits", channel=delivery.channel, reason=str(exc))
        self._observer.delivered(delivery.channel, "unreachable")
        return await self._record(
            delivery,
            hurry=True,
            tell=view if is_new else None,
            status=DeliveryStatus.UNREACHABLE.value,
            next_at=codec.to_text(now + timedelta(seconds=backoff.PROBE_S)),
            error=str(exc)[:1000],
        )

    async def later(self, delivery: Delivery, exc: BusyError) -> Again:
        """Nothing was tried and nothing has failed: it is not its turn yet."""
        at = self._clock.now() + timedelta(seconds=backoff.capped_s(exc.retry_after_s))
        why = TURN if is_untried(delivery) else str(exc)
        return await self._record(
            delivery, next_at=codec.to_text(at), attempts=delivery.attempts, error=why
        )

    async def never_shown(self, delivery: Delivery) -> Again:
        """There is nothing left to show."""
        status = DeliveryStatus.CLOSED.value
        return await self._record(delivery, status=status, next_at=None, error=NEVER_SHOWN)

    async def gone(self, delivery: Delivery, why: str) -> Again:
        """It can never be shown there."""
        log.warning("delivery abandoned", channel=delivery.channel, reason=why)
        self._observer.delivered(delivery.channel, "abandoned")
        status = DeliveryStatus.ABANDONED.value
        return await self._record(
            delivery, hurry=True, status=status, next_at=None, error=why[:1000]
        )

    async def _record(
        self,
        delivery: Delivery,
        *,
        hurry: bool = False,
        tell: RequestView | None = None,
        **values: Any,
    ) -> Again:
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
            if tell is not None and tell.session.conversation is not None:  # else to nobody
                _tell(unit, tell, delivery.id)
            return False

        again = await self._store.unit(work, Moment(self._clock.now()))
        return (delivery.id,) if again else ()


def _own(reference: JsonObject, delivery: Delivery, view: RequestView) -> JsonObject:
    """What the delivery keeps of a message that shows other calls as well: where it is, and which
    revision of its own call stands there."""
    if not (reference.get(CALLS) and reference.get(DIGEST)):
        return reference
    kept = delivery.reference or {}
    return {**reference, DIGEST: kept.get(DIGEST) or view.request.digest}


def _shown(
    unit: Unit,
    delivery: Delivery,
    view: RequestView,
    reference: JsonObject,
    *,
    is_over: bool,
    redrawn: bool,
) -> bool | None:
    """Whether it has changed since; None if another server has shown it elsewhere."""
    first = delivery.reference is None
    current = rows.get(unit.connection, delivery.id, lock=True)
    if first and current.reference not in (None, reference):
        return None
    # What others have kept of it meanwhile stays, unless this attempt has news of it.
    same = reference == delivery.reference
    kept = current.reference if same and current.reference else reference
    behind = current.wanted_version > delivery.wanted_version
    over = not behind and is_over
    doubt_at, look_at = after(delivery, current, unit.now, redrawn=redrawn)
    next_at = unit.now if behind else look_at
    rows.record(
        unit.connection,
        delivery.id,
        status=(DeliveryStatus.CLOSED if over else DeliveryStatus.LIVE).value,
        reference=codec.dumps(kept),
        ticket_id=reference.get("ticket"),
        doubt_at=codec.optional_text(doubt_at),
        shown_version=delivery.wanted_version,
        attempts=0,
        next_at=codec.optional_text(next_at),
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
            "reference": told(reference),
        }
        ledger_rows.append(unit, view.session.id, ("delivered", body))
    return behind


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
