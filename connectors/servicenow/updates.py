"""Updates of a ticket after it was made: comments, asking again, its end.

Comments stand on the record, never on an approval, so that an approval's last writer stays whoever
answered it. Each carries a mark by which it is made once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from countersign.approvals.errors import InvalidError, NotFoundError
from countersign.approvals.tickets import TicketAct, TicketOutcome, TicketRef
from countersign.connectors.servicenow import text, wire
from countersign.connectors.servicenow.client import Row, ServiceNowClient
from countersign.connectors.servicenow.reading import (
    ASKED,
    CLOSED,
    act_id,
    pending,
)
from countersign.connectors.servicenow.records import approvals_of
from countersign.connectors.servicenow.refusals import ForbiddenError
from countersign.connectors.servicenow.settings import ServiceNowSettings
from countersign.connectors.servicenow.trail import read_trail
from countersign.connectors.servicenow.wire import Mark

log = structlog.get_logger(__name__)

_CALLED_OFF = (
    TicketOutcome.EXPIRED,
    TicketOutcome.CANCELLED,
    TicketOutcome.SUPERSEDED,
    TicketOutcome.DUPLICATE,
    TicketOutcome.MIXED,
)


class Updates:
    """Writes into the tickets of one instance."""

    def __init__(self, client: ServiceNowClient, settings: ServiceNowSettings):
        self._client, self._settings = client, settings

    async def comment(self, ref: TicketRef, words: str, key: str) -> None:
        """Say it, unless it was said."""
        row = await self._read(ref)
        remark = self._remark(ref, row, words, key)
        if remark:
            await self._client.update(self._settings.table, ref.id, remark)

    async def ask_again(self, ref: TicketRef, act: TicketAct, words: str, *, counted: bool) -> None:
        """Say it, and put back what the act (unless it counted) and the roll-up have taken away."""
        row = await self._read(ref)
        remark = self._remark(ref, row, words, f"again:{act.id}")
        if remark:
            await self._client.update(self._settings.table, ref.id, remark)
        if wire.text(row, "correlation_display") == self._settings.closed_mark:
            return
        if self._settings.decide_by == "approvers":
            await self._reset_approvals(ref, act, counted=counted)
        else:
            await self._reset_column(ref, act, self._settings.decide_by.field, counted=counted)

    async def close(self, ref: TicketRef, outcome: TicketOutcome, words: str) -> None:
        """Say it, take the open questions back, and bring the record to its end.

        What our user may not do, or a rule refuses, is logged and left.
        """
        steps = self._settings.close.get(outcome, ())
        row = await self._read(ref, *(steps[-1] if steps else ()))
        values = self._remark(ref, row, words, f"close:{outcome}") if words else {}
        if wire.text(row, "correlation_display") != self._settings.closed_mark:
            values = {**values, "correlation_display": self._settings.closed_mark}
        if values:
            await self._client.update(self._settings.table, ref.id, values)
        state = "cancelled" if outcome in _CALLED_OFF else "not_required"
        if self._settings.decide_by == "approvers":
            for approval in await approvals_of(self._client, ref.id):
                if wire.text(approval, "state") == "requested":
                    await self._try(ref, wire.APPROVALS, _id(approval), {"state": state})
        if steps and any(wire.text(row, name) != value for name, value in steps[-1].items()):
            for step in steps:
                if not await self._try(ref, self._settings.table, ref.id, step):
                    break

    async def _read(self, ref: TicketRef, *columns: str) -> Row:
        """The record, with its comments as people see them."""
        wanted = ("sys_id", "correlation_display", "comments", *columns)
        return await self._client.row(self._settings.table, ref.id, wanted, shown=True)

    def _remark(self, ref: TicketRef, row: Row, words: str, key: str) -> dict[str, str]:
        comment, mark = text.remark(words, ref.id, key)
        journal = row.get("comments")
        said = journal.get("display_value") if isinstance(journal, dict) else ""
        return {} if mark in str(said) else {"comments": comment}

    async def _reset_approvals(self, ref: TicketRef, act: TicketAct, *, counted: bool) -> None:
        rows = await approvals_of(self._client, ref.id, self._changes_column())
        marks = [mark for row in rows if (mark := wire.approval(row, ""))]
        if not counted:
            for mark in await self._of(act, marks):
                await self._client.update(wire.APPROVALS, mark.id, self._emptied("state"))
        # Only now: while the refused answer stands, the instance takes every question back.
        idle = ("not_required", "cancelled") if act.state == CLOSED else ("not_required",)
        for mark in marks:
            if mark.state in idle:
                await self._client.update(wire.APPROVALS, mark.id, {"state": ASKED[0]})

    async def _reset_column(
        self, ref: TicketRef, act: TicketAct, column: str, *, counted: bool
    ) -> None:
        wanted = (*wire.APPROVAL_COLUMNS, column)
        row = await self._client.row(self._settings.table, ref.id, wanted)
        mark = wire.field(row, column, "")
        for found in await self._of(act, [mark] if mark else []):
            values = {column: pending(self._settings)[0]}
            values = values if counted else self._emptied(column)
            await self._client.update(self._settings.table, found.id, values)

    async def _of(self, act: TicketAct, marks: Sequence[Mark]) -> list[Mark]:
        """The answer that is still this act: a newer one is not taken away."""
        same = [m for m in marks if m.state == act.state and act.id.startswith(f"{m.id}:")]
        if not same:
            return []
        trail = await read_trail(self._client, self._settings, same, [])
        return [mark for mark in same if act_id(mark, trail) == act.id]

    async def _try(
        self, ref: TicketRef, table: str, sys_id: str, values: Mapping[str, str]
    ) -> bool:
        try:
            await self._client.update(table, sys_id, values)
        except (ForbiddenError, InvalidError, NotFoundError) as exc:
            log.warning("ticket not closed fully", ticket=ref.key, table=table, reason=str(exc))
            return False
        return True

    def _changes_column(self) -> tuple[str, ...]:
        return (self._settings.changes_field,) if self._settings.changes_field else ()

    def _emptied(self, column: str) -> dict[str, str]:
        """As if nobody had answered, so that old changes are not read again."""
        waiting = {column: pending(self._settings)[0]}
        return waiting | dict.fromkeys(self._changes_column(), "")


def _id(row: Row) -> str:
    return wire.sys_id(row) or ""
