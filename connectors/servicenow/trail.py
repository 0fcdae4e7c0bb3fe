"""The trail of a ticket: who set and wrote what, from the audit or, without it, from the journal.

`sys_updated_by` names the last writer of a row, whatever they changed: a rule of the instance, or
a person who commented later. The audit has an entry for every change of a column, journal entries
included, with the user and the row's update count. Sources (read 2026-11-25): ServiceNow docs,
"Sys Audit and Audit Relationship Change tables"; KB0832516 (what an insert sets is not in it).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from countersign.approvals.models import Value
from countersign.approvals.tickets import text_sha256
from countersign.connectors.comments.questions import question_in
from countersign.connectors.comments.withdrawing import is_withdrawal
from countersign.connectors.servicenow import query, text, wire
from countersign.connectors.servicenow.client import Row, ServiceNowClient
from countersign.connectors.servicenow.settings import ServiceNowSettings
from countersign.connectors.servicenow.typed import as_typed
from countersign.connectors.servicenow.wire import Mark, Record

COMMENTS, TEXTS = "comments", ("short_description", "description")
JOURNALS = (COMMENTS, "work_notes")
TASK = "sysapproval"
"""Which record an approval is about."""
SYSTEM = "system"
"""Who flows of the instance write as; like us, they ask for answers and give none."""
IDS_PER_CALL = 200
"""Ids in one address: 7 of the 8 kB that servers commonly take."""
UPDATES_MAX = 200
"""Earlier answers of one approval after which we look for what we have said to them."""


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

    def comments(
        self, mark: Mark, user: str, pending: Sequence[str], record_id: str = ""
    ) -> list[str]:
        """The words of this person, on the approval and on its record, since they were asked after
        their last answer; oldest first, as they were typed.

        That others answer takes questions back and asks them again; nothing of what this person
        has written is taken back by it. Times are whole seconds, so on the record all of the second
        in which they were asked counts.
        """
        since, since_at, answered = -1, self._told_at(mark, record_id), False
        for entry in self._by_row[mark.id]:
            if entry.column == mark.column and entry.value in pending and answered:
                since, since_at, answered = entry.update, entry.at, False
            elif entry.column == mark.column and _same(entry.user, user):
                answered = True
        early = since_at or datetime.min.replace(tzinfo=UTC)
        found = [e for e in self._by_row[mark.id] if e.update > since and e.at >= early]
        if record_id != mark.id:
            found += [e for e in self._by_row[record_id] if e.at >= early]
        said = [e for e in found if e.column in JOURNALS and _same(e.user, user)]
        texts = [as_typed(e.value) for e in sorted(said, key=lambda e: (e.at, e.update))]
        return [each for each in texts if not is_withdrawal(each) and not question_in(each)]

    def said(self, rows: Iterable[str]) -> list[Entry]:
        """What people have written in these rows, oldest first; what we and flows write is none."""
        found = [e for row in dict.fromkeys(rows) for e in self._by_row.get(row, ())]
        people = [
            e for e in found if e.column in JOURNALS and e.user.casefold() not in self._makers
        ]
        return sorted(people, key=lambda e: (e.at, e.update))

    def _told_at(self, mark: Mark, record_id: str) -> datetime | None:
        """When we have asked again after an earlier answer in this row, as our own comments tell:
        without an audit there is nothing else to know it by."""
        if mark.id in self._audited:
            return None
        earlier = range(min(mark.updates, UPDATES_MAX) + 1)
        refs = {text.remark("", record_id, f"again:{mark.id}:{n}")[1] for n in earlier}
        told = [e for e in self._by_row[record_id] if _same(e.user, self._own)]
        return max((e.at for e in told if any(ref in e.value for ref in refs)), default=None)

    def changes(self, mark: Mark, column: str, user: str) -> str:
        """The changes that stand there, if this person wrote them."""
        writer = mark.created_by if self._as_created(mark) else mark.updated_by
        for entry in self._by_row[mark.id]:
            if entry.column == column:
                writer = entry.user
        return as_typed(mark.changes) if _same(writer, user) else ""

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
    commented: Sequence[str] = (),
    touched: Sequence[str] = (),
) -> Trail:
    """What is known of these answers, of the texts of these records, and of what was said on those
    that are `commented`, and in rows that were `touched` while they wait: in one call for each
    hundred answers if the audit has it, and in no call if there is nothing to know."""
    traced = [*(m.id for m in decided), *(r.id for r in texts), *commented, *touched]
    ids = [*dict.fromkeys(traced)]
    marked = {mark.column for mark in decided}
    columns = {*JOURNALS, *TEXTS, TASK, settings.changes_field, *marked} - {""}
    entries = await _audit(client, ids, columns)
    found = {(entry.row, entry.column) for entry in entries}
    unknown = [m for m in decided if m.updates and (m.id, m.column) not in found]
    audited = {entry.row for entry in entries}
    unread = [*(m.id for m in unknown), *(row for row in touched if row not in audited)]
    said = await _journal(client, unread, commented if unknown else ()) if unread else []
    return Trail(entries, said, settings.own_user)


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


async def _journal(
    client: ServiceNowClient, rows: Sequence[str], records: Sequence[str]
) -> list[Entry]:
    """Comments about answers that the audit does not have."""
    ids, entries = [*dict.fromkeys([*rows, *records])], list[Entry]()
    for start in range(0, len(ids), IDS_PER_CALL):
        asked = query.all_of(
            query.any_of("element_id", ids[start : start + IDS_PER_CALL]),
            query.any_of("element", JOURNALS),
            "ORDERBYsys_created_on",
        )
        found = await client.rows(
            "sys_journal_field",
            asked,
            ["element_id", "element", "value", "sys_created_by", "sys_created_on"],
        )
        entries += _entries(found, set(ids), "element_id", "element", "value", "sys_created_by")
    return [entry for entry in entries if entry.column in JOURNALS]


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
