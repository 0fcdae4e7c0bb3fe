"""Who set what, and who wrote what: from the audit, or, where it cannot be read, from the journal.

`sys_updated_by` names the last writer of a row, whatever they changed: a rule of the instance, or
a person who commented later. The audit has an entry for every change of a column, journal entries
included, with the user and the row's update count. Sources (read 2026-11-25): ServiceNow docs,
"Sys Audit and Audit Relationship Change tables"; KB0832516 (what an insert sets is not in it).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from approvals.models import Value
from approvals.tickets import text_sha256
from connectors.servicenow import query, wire
from connectors.servicenow.client import Row, ServiceNowClient
from connectors.servicenow.settings import ServiceNowSettings
from connectors.servicenow.wire import Mark, Record

COMMENTS, TEXTS = "comments", ("short_description", "description")
TASK = "sysapproval"
"""Which record an approval is about."""
SYSTEM = "system"
"""Who flows of the instance write as; like us, they ask for answers and give none."""
IDS_PER_CALL = 200
"""Ids in one address: 7 of the 8 kB that servers commonly take."""
JOURNAL_WINDOW = timedelta(minutes=10)
"""How long before the last change of an approval a comment belongs to it, without an audit."""


class Entry(Value):
    """One change of one column."""

    row: str
    column: str
    value: str
    user: str
    at: datetime
    update: int
    """The row's update count after it."""


class Trail:
    """The entries that were read: of the audit, and of the journal where the audit has none."""

    def __init__(self, audit: Sequence[Entry], journal: Sequence[Entry], own_user: str):
        self._by_row: dict[str, list[Entry]] = defaultdict(list)
        self._audited = {entry.row for entry in audit}
        self._own, self._makers = own_user, {own_user.casefold(), SYSTEM}
        for entry in sorted([*audit, *journal], key=lambda e: (e.at, e.update)):
            self._by_row[entry.row].append(entry)

    def setter(self, mark: Mark) -> Entry | None:
        """Who gave the answer that stands there; None if it is not known."""
        for entry in reversed(self._by_row[mark.id]):
            if (entry.column, entry.value) == (mark.column, mark.state):
                return entry
        if self._as_created(mark):
            return _entry(mark, mark.created_by, 0)
        if mark.approver is None or mark.created_by.casefold() not in self._makers:
            # Anybody who touches a record, or a row that was answered when it was made, would do.
            return None
        return _entry(mark, mark.updated_by, mark.updates)

    def comments(self, mark: Mark, user: str, pending: Sequence[str]) -> list[str]:
        """The words of this person since they were asked last, oldest first."""
        entries = self._by_row[mark.id]
        asked = [e.update for e in entries if e.column == mark.column and e.value in pending]
        since = max(asked, default=-1)
        return [
            e.value
            for e in entries
            if e.column == COMMENTS and _same(e.user, user) and e.update > since
        ]

    def changes(self, mark: Mark, column: str, user: str) -> str:
        """The changes that stand there, if this person wrote them."""
        writer = mark.created_by if self._as_created(mark) else mark.updated_by
        for entry in self._by_row[mark.id]:
            if entry.column == column:
                writer = entry.user
        return mark.changes if _same(writer, user) else ""

    def changes_of_another(self, mark: Mark, column: str, user: str, pending: Sequence[str]) -> str:
        """Who else wrote them last, or took them away since this person was asked; empty if that
        is nobody."""
        entries = self._by_row[mark.id]
        asked = [e.update for e in entries if e.column == mark.column and e.value in pending]
        wrote = [e for e in entries if e.column == column]
        if mark.changes.strip():
            maker = mark.created_by if self._as_created(mark) else mark.updated_by
            writer = wrote[-1].user if wrote else maker
        elif wrote and wrote[-1].update > max(asked, default=-1):
            writer = wrote[-1].user
        else:
            writer = user
        return "" if _same(writer, user) else writer

    def mover(self, mark: Mark) -> str:
        """Who has put this approval on another record than it was made for; empty if nobody."""
        return next((e.user for e in self._by_row[mark.id] if e.column == TASK), "")

    def editor_at(self, record: Record, at: datetime) -> str:
        """Who had written another text than stands there now, as it stood at that time; empty if
        that is nobody. Times are whole seconds: all that was there in that second counts, but for
        what we had put right by then."""
        for column, now in zip(TEXTS, (record.title, record.description), strict=True):
            there: list[Entry] = []
            for entry in self._by_row[record.id]:
                if entry.column == column and entry.at <= at:
                    replaced = entry.at < at or _same(entry.user, self._own)
                    there = [entry] if replaced else [*there, entry]
            for entry in there:
                # Also if it was our own user: somebody else may have its password.
                if text_sha256(entry.value) != text_sha256(now):
                    return entry.user or "somebody"
        return ""

    def editor(self, record: Record, settings: ServiceNowSettings) -> str:
        """Who changed our text last; our own user only if nobody else did."""
        wrote = [entry.user for entry in self._by_row[record.id] if entry.column in TEXTS]
        others = [user for user in wrote if not settings.is_own(user)]
        return next((user for user in reversed(others or wrote) if user), "somebody")

    def _as_created(self, mark: Mark) -> bool:
        """Whether nothing was set since the row was made, as far as the audit knows."""
        return mark.updates == 0 or mark.id in self._audited


def _entry(mark: Mark, user: str, update: int) -> Entry:
    return Entry(
        row=mark.id,
        column=mark.column,
        value=mark.state,
        user=user,
        at=mark.updated_at,
        update=update,
    )


async def read_trail(
    client: ServiceNowClient,
    settings: ServiceNowSettings,
    decided: Sequence[Mark],
    texts: Sequence[Record],
) -> Trail:
    """What is known of these answers and of the texts of these records, in one call for each
    hundred answers if the audit has it, and in no call if there is nothing to know."""
    ids = [*{mark.id: None for mark in decided} | {record.id: None for record in texts}]
    marked = {mark.column for mark in decided}
    columns = {COMMENTS, *TEXTS, TASK, settings.changes_field, *marked} - {""}
    entries = await _audit(client, ids, columns)
    found = {(entry.row, entry.column) for entry in entries}
    unknown = [m for m in decided if m.updates and (m.id, m.column) not in found]
    return Trail(entries, await _journal(client, unknown), settings.own_user)


async def _audit(
    client: ServiceNowClient, ids: Sequence[str], columns: Iterable[str]
) -> list[Entry]:
    wanted, names = set(ids), sorted(columns)
    entries: list[Entry] = []
    for start in range(0, len(ids), IDS_PER_CALL):
        asked = query.all_of(
            query.any_of("documentkey", ids[start : start + IDS_PER_CALL]),
            query.any_of("fieldname", names),
            "ORDERBYsys_created_on",
        )
        rows = await client.rows(
            "sys_audit",
            asked,
            ["documentkey", "fieldname", "newvalue", "user", "sys_created_on", "record_checkpoint"],
        )
        entries += _entries(rows, wanted, "documentkey", "fieldname", "newvalue", "user")
    return [entry for entry in entries if entry.column in names]


async def _journal(client: ServiceNowClient, marks: Sequence[Mark]) -> list[Entry]:
    """Comments about answers that the audit does not have."""
    by_id: Mapping[str, Mark] = {mark.id: mark for mark in marks}
    ids, entries = list(by_id), []
    for start in range(0, len(ids), IDS_PER_CALL):
        asked = query.all_of(
            query.any_of("element_id", ids[start : start + IDS_PER_CALL]),
            query.equals("element", COMMENTS),
            "ORDERBYsys_created_on",
        )
        rows = await client.rows(
            "sys_journal_field",
            asked,
            ["element_id", "element", "value", "sys_created_by", "sys_created_on"],
        )
        entries += _entries(rows, set(ids), "element_id", "element", "value", "sys_created_by")
    return [
        entry
        for entry in entries
        if entry.column == COMMENTS and entry.at >= by_id[entry.row].updated_at - JOURNAL_WINDOW
    ]


def _entries(
    rows: Sequence[Row], wanted: set[str], row_id: str, column: str, value: str, user: str
) -> list[Entry]:
    entries = []
    for row in rows:
        found, at = wire.sys_id(row, row_id), wire.moment(row, "sys_created_on")
        if found in wanted and found is not None and at is not None:
            entries.append(
                Entry(
                    row=found,
                    column=wire.text(row, column),
                    value=wire.text(row, value),
                    user=wire.text(row, user),
                    at=at,
                    update=wire.count(row, "record_checkpoint"),
                )
            )
    return entries


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
