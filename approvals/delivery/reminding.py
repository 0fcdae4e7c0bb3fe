"""Reminders: messages to where requests are shown, that they still wait.

A row is there until it was said, so a crash repeats at most the last attempt. What was decided or
asked otherwise meanwhile is not said any more.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from countersign.approvals import backoff
from countersign.approvals.delivery import companions
from countersign.approvals.delivery.quiet_times import HELD, held_message, person_of
from countersign.approvals.errors import (
    BusyError,
    CountersignError,
    NotFoundError,
    UnavailableError,
)
from countersign.approvals.forms.told import is_taken_back
from countersign.approvals.models import Delivery, RequestStatus
from countersign.approvals.observer import Observer
from countersign.approvals.outages import Outages, named
from countersign.approvals.ports import (
    Channel,
    Channels,
    Clock,
    Moment,
    Prompt,
    RequestView,
    Store,
    Unit,
)
from countersign.approvals.records import Records
from countersign.approvals.rules.placing import is_reminded
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import reminders as rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store.view_rows import ViewRows, view_rows

log = structlog.get_logger(__name__)

ATTEMPTS = 16
"""What could not be said for about two hours is dropped: the request is still shown."""


class Reminding:
    """The handler of the job `remind`."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        records: Records,
        channels: Channels,
        observer: Observer,
        outages: Outages,
    ):
        self._store, self._clock, self._records = store, clock, records
        self._channels = channels
        self._observer, self._outages = observer, outages

    async def remind(self, reminder: str) -> None:
        """Say one, if it is due and still wanted."""
        taken = await self._take(reminder)
        if taken is None:
            return
        planned, delivery, rows_of_view = taken
        view = self._records.views.shown(rows_of_view)
        channel = self._channels.get(delivery.channel)
        if channel is None or not _is_wanted(delivery, view):
            await self._store.write(lambda c: rows.drop(c, reminder))
            return
        prompt = Prompt(number=planned.number, escalated=planned.escalated)
        try:
            async with asyncio.timeout(backoff.SEND_TIMEOUT_S):
                await channel.remind(delivery, view, prompt)
        except BusyError as exc:
            wait_s = backoff.capped_s(exc.retry_after_s)
            await self._later(reminder, wait_s, str(exc), attempts=planned.attempts)
        except NotFoundError as exc:
            await self._drop(channel, reminder, str(exc))
        except (CountersignError, TimeoutError) as exc:
            await self._failed(channel, planned, reminder, exc)
        except Exception as exc:  # a fault of ours: others must not wait for it
            log.exception("reminder cannot be sent", channel=channel.name)
            failed = UnavailableError(f"{backoff.UNFORESEEN} ({named(exc)})")
            await self._failed(channel, planned, reminder, failed)
        else:
            self._outages.up(channel.name)
            await self._store.write(lambda c: rows.drop(c, reminder))
            self._observer.delivered(channel.name, "said")

    async def _take(self, reminder: str) -> tuple[rows.PlannedReminder, Delivery, ViewRows] | None:
        now, delivery_id = self._clock.now(), rows.delivery_of(reminder)
        known = await self._store.read(lambda c: delivery_rows.get(c, delivery_id))
        person = self._records.views.person(person_of(known))

        def take(unit: Unit) -> tuple[rows.PlannedReminder, Delivery, ViewRows] | None:
            connection = unit.connection
            if known.calls:  # others are dropped with it, by one server at a time
                request_rows.lock(unit, known.request_id)
            planned = rows.get(connection, reminder)
            if planned is None or planned.next_at > now:
                return None
            delivery = delivery_rows.get(connection, planned.delivery_id)
            found = view_rows(connection, delivery.request_id)
            later = held_message(person, found.request, now)
            if later is not None:
                rows.later(connection, reminder, later, error=HELD)
                return None
            if found.request.status is RequestStatus.PENDING:
                for each in companions.in_message(connection, delivery, found):
                    rows.drop(connection, rows.reminder_id(each, planned.number))
            until = now + timedelta(seconds=backoff.ATTEMPT_S)
            rows.later(connection, reminder, until, attempts=planned.attempts + 1, error=None)
            return planned, delivery, found

        return await self._store.unit(take, Moment(now))

    async def _failed(
        self, channel: Channel, planned: rows.PlannedReminder, reminder: str, exc: Exception
    ) -> None:
        why = str(exc) or "timed out"
        if planned.attempts + 1 >= ATTEMPTS:
            await self._drop(channel, reminder, why)
            return
        if getattr(exc, "outage", True):
            self._outages.down(channel.name, why)
        self._observer.delivered(channel.name, "failed")
        wait_s = backoff.backoff_s(
            planned.attempts,
            backoff.BACKOFF_BASE_S,
            backoff.BACKOFF_MAX_S,
            getattr(exc, "retry_after_s", None),
        )
        await self._later(reminder, wait_s, why, attempts=planned.attempts + 1)

    async def _later(self, reminder: str, wait_s: float, why: str, *, attempts: int) -> None:
        at = self._clock.now() + timedelta(seconds=wait_s)
        await self._store.write(
            lambda c: rows.later(c, reminder, at, error=why[:1000], attempts=attempts)
        )

    async def _drop(self, channel: Channel, reminder: str, why: str) -> None:
        log.warning("reminder dropped", reminder=reminder, channel=channel.name, reason=why)
        self._observer.delivered(channel.name, "abandoned")
        await self._store.write(lambda c: rows.drop(c, reminder))


def _is_wanted(delivery: Delivery, view: RequestView) -> bool:
    """Whether those who read it there can still decide it, or voted on what was taken back."""
    if is_taken_back(view.request):
        return True
    waits = view.request.status is RequestStatus.PENDING
    return waits and is_reminded(delivery, view.request, view.eligible)
