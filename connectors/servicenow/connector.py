"""The ServiceNow connector: `approvals.ports.TicketConnector` over the Table API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from typing_extensions import override

from countersign.approvals.errors import NotFoundError
from countersign.approvals.ports import Clock, KnownTickets, TicketConnector, TicketOrder
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.tickets import (
    CheckResult,
    FoundTicket,
    Observation,
    TicketAct,
    TicketFinding,
    TicketOutcome,
    TicketPage,
    TicketRef,
    WebhookHint,
)
from countersign.connectors.servicenow import (
    deciding,
    query,
    reading,
    webhook,
    wire,
)
from countersign.connectors.servicenow.checks import Checks
from countersign.connectors.servicenow.client import Row, ServiceNowClient
from countersign.connectors.servicenow.reading import Ticket
from countersign.connectors.servicenow.records import Records, approvals_of
from countersign.connectors.servicenow.settings import ServiceNowSettings
from countersign.connectors.servicenow.trail import read_trail
from countersign.connectors.servicenow.updates import Updates
from countersign.connectors.servicenow.wire import Mark, Record
from countersign.connectors.ticketing.locks import TicketLocks

TASK = "sysapproval."
"""From an approval to its record."""


class ServiceNowConnector(TicketConnector):
    """Implements `approvals.ports.TicketConnector`.

    `links` lead to the page with what does not fit. `approvers` are the user names that `check`
    looks up, besides those in the settings.
    """

    name = "servicenow"
    index_lag_s = 0.0
    """The Table API reads the database that it writes."""

    several = True

    def __init__(
        self,
        settings: ServiceNowSettings,
        clock: Clock,
        links: ReadLinks | None = None,
        *,
        approvers: Sequence[str] = (),
    ):
        self.poll_every_s = settings.poll_every
        self.languages: Sequence[str] = settings.languages
        self.changes_words: Sequence[str] = settings.changes_words
        self._settings, self._clock = settings, clock
        self._client = ServiceNowClient(settings)
        self._records = Records(self._client, settings, links)
        self._updates = Updates(self._client, settings)
        self._locks = TicketLocks()
        self._checks = Checks(self._client, settings, approvers)

    @override
    async def check(self) -> Sequence[CheckResult]:
        return await self._checks.run()

    @override
    async def find(self, key: str) -> Sequence[FoundTicket]:
        asked = query.all_of(
            query.equals("correlation_id", key), "ORDERBYsys_created_on", "ORDERBYnumber"
        )
        rows = await self._client.rows(self._settings.table, asked, wire.RECORD_COLUMNS)
        records = [found for row in rows if (found := wire.record(row))]
        records = [found for found in records if found.order_key == key]
        return [
            FoundTicket(
                ref=reading.ref(self._settings, found, ""),
                ours=self._settings.is_own(found.created_by),
            )
            for found in sorted(records, key=lambda r: (r.created_at, r.number))
        ]

    @override
    async def open_ticket(self, order: TicketOrder) -> TicketRef:
        return await self._records.open(order)

    @override
    async def adopt(self, order: TicketOrder, ref: TicketRef) -> TicketRef:
        return await self._records.adopt(order, ref)

    async def fetch_decisions(self, since: str | None, known: KnownTickets) -> TicketPage:
        """One query for the answers, and at most one more for who gave them.

        The cursor is the newest `sys_updated_on` that was seen: the instance's clock, not ours.
        """
        start = None if not since else datetime.fromisoformat(since)
        found = await self._changed(start)
        waiting = await known([record.id for record, _ in found])
        shown = {ticket.id: ticket.shown for ticket in waiting}
        read = [
            Ticket(record=record, marks=tuple(marks), shown=shown.get(record.id, ""))
            for record, marks in found
        ]
        times = [record.updated_at for record, _ in found]
        times += [mark.updated_at for _, marks in found for mark in marks]
        newest = max([*times, *([start] if start else [])], default=None)
        return TicketPage(
            observations=tuple(await self._observed(read, hear=start is not None)),
            cursor="" if newest is None else newest.isoformat(),
        )

    async def fetch_one(self, ref: TicketRef) -> Observation | None:
        """See `TicketConnector.fetch_one`.

        The record comes last: a text that was another when an answer was given is still that, or
        has left its trail.
        """
        marks = await self._marks(ref.id)
        try:
            row = await self._client.row(self._settings.table, ref.id, self._record_columns())
        except NotFoundError:
            return None
        record = wire.record(row)
        if record is None or record.id != ref.id:
            return None
        if self._settings.decide_by != "approvers" and (mark := self._mark(row)) is not None:
            marks = [mark]
        ticket = Ticket(record=record, marks=tuple(marks), shown=ref.shown)
        return (await self._observed([ticket], hear=True))[0]

    @override
    async def comment(self, ref: TicketRef, text: str, *, key: str) -> None:
        async with self._locks.of(ref.id):
            await self._updates.comment(ref, text, key)

    @override
    async def ask_again(self, ref: TicketRef, act: TicketAct, text: str, *, counted: bool) -> None:
        async with self._locks.of(ref.id):
            await self._updates.ask_again(ref, act, text, counted=counted)

    @override
    async def close(self, ref: TicketRef, outcome: TicketOutcome, text: str) -> None:
        async with self._locks.of(ref.id):
            await self._updates.close(ref, outcome, text)

    @override
    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookHint | None:
        return webhook.verify(self._settings, self._clock, headers, body)

    @override
    def decide(self, observation: Observation) -> Sequence[TicketFinding]:
        return deciding.decide(self._settings, observation)

    @override
    async def close_client(self) -> None:
        await self._client.close()

    async def _changed(self, start: datetime | None) -> list[tuple[Record, list[Mark]]]:
        """Our records that are open, or of which anything has changed since, with what was read of
        their answers."""
        in_rows = self._settings.decide_by == "approvers"
        prefix = TASK if in_rows else ""
        mark_column = f"{prefix}correlation_display"
        if start is None:
            terms = [query.equals(mark_column, self._settings.open_mark)]
        else:
            times = ["sys_updated_on", *([f"{TASK}sys_updated_on"] if in_rows else [])]
            early = start - timedelta(seconds=self._settings.overlap)
            terms = [
                query.starts(mark_column, f"{self._settings.prefix}:"),
                query.since(times, early),
            ]
        asked = query.all_of(*terms, "ORDERBYsys_created_on", "ORDERBYsys_id")
        columns = self._approval_columns() if in_rows else self._record_columns()
        table = wire.APPROVALS if in_rows else self._settings.table
        found: dict[str, tuple[Record, list[Mark]]] = {}
        for row in await self._client.rows(table, asked, columns):
            record = wire.record(row, prefix)
            mark = self._mark(row)
            if record is not None and mark is not None and self._is_wanted(record, start):
                found.setdefault(record.id, (record, []))[1].append(mark)
        return list(found.values())

    def _is_wanted(self, record: Record, start: datetime | None) -> bool:
        """What the query asked for: a column that it does not know is left out of it."""
        if start is None:
            return record.mark == self._settings.open_mark
        return record.mark.startswith(f"{self._settings.prefix}:")

    async def _marks(self, record_id: str) -> list[Mark]:
        """The answers in rows of their own; none where a column of the record is set."""
        if self._settings.decide_by != "approvers":
            return []
        rows = await approvals_of(self._client, record_id, self._changes_column())
        return [mark for found in rows if (mark := self._mark(found))]

    def _mark(self, row: Row) -> Mark | None:
        changes = self._settings.changes_field
        if self._settings.decide_by == "approvers":
            return wire.approval(row, changes)
        return wire.field(row, self._settings.decide_by.field, changes)

    async def _observed(self, tickets: Sequence[Ticket], *, hear: bool) -> list[Observation]:
        """What was read of them; with `hear` also what people have said in those that wait. A walk
        through all that wait does without: readings of what has changed have heard it."""
        answers = [m for ticket in tickets for m in reading.decided(self._settings, ticket)]
        texts = [ticket.record for ticket in tickets if reading.to_trace(self._settings, ticket)]
        said = [t.record.id for t in tickets if reading.decided(self._settings, t)]
        waiting = tickets if hear else ()
        rows = [row for each in waiting for row in reading.to_hear(self._settings, each)]
        trail = await read_trail(self._client, self._settings, answers, texts, said, rows)
        return [reading.observation(self._settings, ticket, trail) for ticket in tickets]

    def _changes_column(self) -> tuple[str, ...]:
        return (self._settings.changes_field,) if self._settings.changes_field else ()

    def _approval_columns(self) -> tuple[str, ...]:
        record = (f"{TASK}{column}" for column in wire.RECORD_COLUMNS)
        return (*wire.APPROVAL_COLUMNS, *self._changes_column(), *record)

    def _record_columns(self) -> tuple[str, ...]:
        field = () if self._settings.decide_by == "approvers" else (self._settings.decide_by.field,)
        return (*wire.RECORD_COLUMNS, *field, *self._changes_column())
