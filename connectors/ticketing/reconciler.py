"""Reconciliation with ticket systems: no decision in one is missed, and none counts twice.

Two ways lead to the same reading. A webhook is a hint: the ticket it names is read by API. A poll
reads everything that has changed, in one query, and from time to time (and first of all, at the
start) everything that is open: it finds what no webhook told, tickets that are gone, tickets that
were made twice. What is read goes to `ticket_votes`, which counts each act once.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection
from structlog.contextvars import bound_contextvars

from countersign.approvals.approvals import Approvals
from countersign.approvals.backoff import BACKOFF_MAX_S, backoff_s
from countersign.approvals.decisions.outbox import POLL, READ, READ_BEFORE, Outbox
from countersign.approvals.errors import CountersignError, NotFoundError, UnavailableError
from countersign.approvals.models import Delivery, DeliveryId
from countersign.approvals.outages import Outages
from countersign.approvals.ports import (
    Clock,
    Directory,
    Jobs,
    Moment,
    Store,
    TicketConnector,
    Unit,
)
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.records import Records
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import tickets as rows
from countersign.approvals.tickets import Observation, PollState, WebhookHint
from countersign.connectors.ticketing.kept import ticket_of
from countersign.connectors.ticketing.open_tickets import OpenTickets
from countersign.connectors.ticketing.repairs import Repairs
from countersign.connectors.ticketing.votes import TicketVotes

log = structlog.get_logger(__name__)

POLL_LEASE_S = 180.0
"""How long one poll keeps others off; more than its calls may take together."""
SWEEP_EVERY = timedelta(minutes=10)
"""How often everything that is open is read, whatever has changed."""
POLL_AT_MOST_S = 3600.0
"""However seldom the settings want it."""
READ_AGAIN_S = 60.0
"""After this long a ticket that could not be read or told is tried again."""
MISSING_LIMIT = 50
"""Tickets that one sweep looks for one by one, chosen by lot."""


class Reconciler:
    """The reconciler: handlers of the jobs `poll` and `look`, and where webhooks come in."""

    def __init__(
        self,
        connectors: Mapping[str, TicketConnector],
        store: Store,
        clock: Clock,
        approvals: Approvals,
        records: Records,
        directory: Directory,
        outbox: Outbox,
        *,
        links: ReadLinks | None = None,
    ):
        """`links` lead to the page that shows what does not fit into a ticket."""
        self._connectors = connectors
        self._votes = {
            name: TicketVotes(connector, store, clock, approvals, records, directory, links)
            for name, connector in connectors.items()
        }
        self._open = {name: OpenTickets(store, name) for name in connectors}
        self._store, self._clock = store, clock
        # Polls keep in their row whether they fail; this is for tickets that are read one by one.
        self._outages = Outages("ticket", key="system")
        self._outbox = outbox
        self._repairs = Repairs(store, clock, approvals, outbox)

    def answer(self, jobs: Jobs) -> None:
        """Be the handler of every kind of job on tickets."""
        for kind in (READ, READ_BEFORE):
            jobs.handle(kind, self.read_ticket)
        jobs.handle(POLL, self.poll)

    async def plan(self) -> None:
        """Begin: every system is read at once, and all of it."""
        now = self._clock.now()

        def unit(connection: Connection) -> None:
            rows.forget_polls(connection, keep=self._connectors)
            for name in self._connectors:
                rows.plan_poll(connection, name, now)

        await self._store.write(unit)

    async def hint(self, name: str, hint: WebhookHint) -> bool:
        """Read the ticket soon; whether it is one of ours. Durable when it returns."""
        delivery = await self._store.read(lambda c: rows.delivery_of(c, name, hint.ticket_id))
        if delivery is None:
            return False
        delivery_id = delivery.id

        def work(unit: Unit) -> None:
            rows.plan_read(unit.connection, delivery_id, unit.now)
            self._outbox.read_ticket(unit, delivery_id)

        await self._store.unit(work, Moment(self._clock.now()))
        return True

    async def read_ticket(self, delivery_id: str) -> None:
        """Read one ticket and apply what it says."""
        now = self._clock.now()
        delivery = await self._store.read(lambda c: delivery_rows.get(c, delivery_id))
        if delivery.look_at is None or delivery.look_at > now:
            return
        connector = self._connectors.get(delivery.channel)
        if connector is None or delivery.reference is None:
            await self._plan_reading(delivery.id, None)
            return
        # A hint that comes while we read plans another look, which this must not erase.
        await self._plan_reading(delivery.id, now + timedelta(seconds=READ_AGAIN_S))
        try:
            with bound_contextvars(request_id=delivery.request_id, delivery_id=delivery.id):
                seen = await connector.fetch_one(ticket_of(delivery))
                if seen is None:
                    await self._repairs.lost(delivery)
                else:
                    await self._votes[delivery.channel].apply(delivery, seen)
        except UnavailableError as exc:
            self._outages.down(delivery.channel, str(exc))
            return
        except CountersignError as exc:
            log.warning("ticket not read", delivery_id=delivery_id, reason=str(exc))
            return
        self._outages.up(delivery.channel)
        planned = now + timedelta(seconds=READ_AGAIN_S)
        await self._store.write(lambda c: rows.was_read(c, delivery.id, planned))

    async def poll(self, name: str) -> None:
        """Read what has changed in one system, and apply it."""
        connector = self._connectors.get(name)
        state = None if connector is None else await self._lease(name)
        if connector is None or state is None:
            return
        now = self._clock.now()
        swept_at = state.swept_at  # in the future, if a clock was ahead
        sweep = swept_at is None or not swept_at <= now < swept_at + SWEEP_EVERY
        since = None if sweep else state.cursor
        try:
            page = await connector.fetch_decisions(since, self._open[name].refs)
        except UnavailableError as exc:
            await self._failed(state, exc)
            return
        await self._apply_all(name, page.observations)
        if since is None:
            seen = {observation.ref.id for observation in page.observations}
            await self._read_missing(await self._open[name].missing(seen, limit=MISSING_LIMIT), now)
        if state.failures:
            log.info("ticket system reachable again", system=name)
        done = PollState(
            channel=name,
            cursor=page.cursor or state.cursor,  # of a sweep that has found nothing
            polled_at=now,
            swept_at=now if since is None else state.swept_at,
            next_at=self._clock.now() + timedelta(seconds=_every_s(connector)),
        )
        await self._store.write(lambda c: rows.save_poll(c, done))

    async def _lease(self, name: str) -> PollState | None:
        now = self._clock.now()

        def unit(connection: Connection) -> PollState | None:
            state = rows.poll_state(connection, name, lock=True)
            if state is None or state.next_at > now:
                return None
            leased = now + timedelta(seconds=POLL_LEASE_S)
            rows.save_poll(connection, state.model_copy(update={"next_at": leased}))
            return state

        return await self._store.write(unit)

    async def _apply_all(self, name: str, observations: Sequence[Observation]) -> None:
        """What waits comes first, so that nobody can keep it waiting with tickets of their own."""
        awaited = await self._open[name].among([seen.ref.id for seen in observations])
        known = {delivery.ticket_id: delivery for delivery in awaited}
        others, strangers = [], []
        for seen in observations:
            if (delivery := known.get(seen.ref.id)) is None:
                others.append(seen)
            else:
                await self._apply(name, delivery, seen)
        for seen in others:
            if (delivery := await self._delivery_of(name, seen)) is None:
                strangers.append(seen)
            else:
                await self._apply(name, delivery, seen)
        await self._repairs.foreign(self._connectors[name], strangers)

    async def _apply(self, name: str, delivery: Delivery, seen: Observation) -> None:
        try:
            with bound_contextvars(request_id=delivery.request_id, delivery_id=delivery.id):
                await self._votes[name].apply(delivery, seen)
        except UnavailableError as exc:
            self._outages.down(name, str(exc))
            await self._plan_again(delivery.id)
        except CountersignError as exc:
            log.warning("ticket not followed", system=name, ticket=seen.ref.key, reason=str(exc))
            await self._plan_again(delivery.id)
        except Exception:  # one ticket must not keep the others waiting
            log.exception("ticket cannot be followed", system=name, ticket=seen.ref.key)
            await self._plan_again(delivery.id)

    async def _delivery_of(self, name: str, seen: Observation) -> Delivery | None:
        return await self._store.read(lambda c: rows.delivery_of(c, name, seen.ref.id))

    async def _read_missing(self, missing: Sequence[DeliveryId], now: datetime) -> None:
        """Tickets that should have been among the open ones: read them by id.

        Those that are there and only carry no mark any more are missing again the next time, so
        it is not always the same ones that are read.
        """
        for delivery_id in missing:
            await self._plan_reading(delivery_id, now)
            try:
                await self.read_ticket(delivery_id)
            except NotFoundError:
                continue

    async def _failed(self, state: PollState, exc: UnavailableError) -> None:
        if not state.failures:
            log.warning("ticket system unreachable", system=state.channel, reason=str(exc))
        connector = self._connectors[state.channel]
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 - spreads load
        wait_s = backoff_s(
            state.failures, _every_s(connector), BACKOFF_MAX_S, exc.retry_after_s, jitter
        )
        after = state.model_copy(
            update={
                "failures": state.failures + 1,
                "error": str(exc)[:1000],
                "next_at": self._clock.now() + timedelta(seconds=wait_s),
            }
        )
        await self._store.write(lambda c: rows.save_poll(c, after))

    async def _plan_reading(self, delivery_id: DeliveryId, at: datetime | None) -> None:
        await self._store.write(lambda c: rows.plan_read(c, delivery_id, at))

    async def _plan_again(self, delivery_id: DeliveryId) -> None:
        await self._plan_reading(delivery_id, self._clock.now() + timedelta(seconds=READ_AGAIN_S))


def _every_s(connector: TicketConnector) -> float:
    return min(connector.poll_every_s, POLL_AT_MOST_S)
