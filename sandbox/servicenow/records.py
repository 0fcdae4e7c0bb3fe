"""Writing records the way the platform does: stamps, journals, audit, then the business rules."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from countersign.sandbox.servicenow.options import Options
from countersign.sandbox.servicenow.store import Store
from countersign.sandbox.servicenow.tables import TABLES, Row, is_task

After = Callable[["Records", str, Row | None, Row, str], None]
"""A rule that runs after a write: records, table, row before (None: inserted), row, user name."""


class Records:
    """The store with the platform's habits. Who may write is not asked here."""

    def __init__(self, store: Store, options: Options) -> None:
        self.store, self.options = store, options
        self.before_rules: list[After] = []
        """Raise to abort the write; they see the row as it would become."""
        self.after_rules: list[After] = []

    def insert(self, table: str, values: Mapping[str, str], user: str) -> Row:
        """A new record with defaults for what `values` leaves out."""
        columns = TABLES[table].columns
        journals = self._journals(table, values)
        row = {name: column.default for name, column in columns.items()}
        row.update(self._accepted(table, values))
        with self.store.unit():
            row.update(self._birth(table, user))
            for rule in self.before_rules:
                rule(self, table, None, row, user)
            self.store.put(table, row)
            for name, text in journals.items():
                self._write_journal(table, row, name, text, user)
            for rule in self.after_rules:
                rule(self, table, None, row, user)
        return self._now(table, row)

    def update(self, table: str, row: Row, values: Mapping[str, str], user: str) -> Row:
        """The record with `values` set; what stays the same leaves no trace, not even a stamp."""
        row = self._now(table, row)
        changes = {
            name: text
            for name, text in self._accepted(table, values).items()
            if row.get(name, "") != text
        }
        journals = self._journals(table, values)
        if not changes and not journals:
            return row
        updated = {**row, **changes, **self._touch(row, user)}
        with self.store.unit():
            for rule in self.before_rules:
                rule(self, table, row, updated, user)
            self.store.put(table, updated)
            for name in changes:
                self._audit(table, updated, name, row.get(name, ""), updated[name], user)
            for name, text in journals.items():
                self._write_journal(table, updated, name, text, user)
                self._audit(table, updated, name, "", text, user)
            for rule in self.after_rules:
                rule(self, table, row, updated, user)
        return self._now(table, updated)

    def delete(self, table: str, row: Row) -> None:
        """Remove the record; approvals of a task go with it, as the platform's cascade does."""
        with self.store.unit():
            self.store.drop(table, row["sys_id"])
            if is_task(table):
                for approval in self.store.matching(
                    "sysapproval_approver", sysapproval=row["sys_id"]
                ):
                    self.store.drop("sysapproval_approver", approval["sys_id"])

    def _birth(self, table: str, user: str) -> Row:
        columns, now = TABLES[table].columns, self.options.stamp()
        values = {"sys_id": uuid.uuid4().hex, "sys_created_on": now, "sys_created_by": user}
        if "sys_mod_count" in columns:
            values |= {"sys_updated_on": now, "sys_updated_by": user, "sys_mod_count": "0"}
        if TABLES[table].prefix:
            number = self.store.next_number(TABLES[table].prefix)
            values |= {"number": number, "sys_class_name": table, "opened_at": now}
        return values

    def _touch(self, row: Row, user: str) -> Row:
        return {
            "sys_updated_on": self.options.stamp(),
            "sys_updated_by": user,
            "sys_mod_count": str(int(row.get("sys_mod_count") or "0") + 1),
        }

    def _accepted(self, table: str, values: Mapping[str, str]) -> Row:
        # Unknown fields and those the platform keeps are ignored without a word.
        columns = TABLES[table].columns
        return {
            name: text[: columns[name].max_length]
            for name, text in values.items()
            if name in columns and not columns[name].read_only and columns[name].kind != "journal"
        }

    def _journals(self, table: str, values: Mapping[str, str]) -> Row:
        columns = TABLES[table].columns
        return {
            name: text[: columns[name].max_length]
            for name, text in values.items()
            if name in columns and columns[name].kind == "journal" and text
        }

    def _write_journal(self, table: str, row: Row, name: str, text: str, user: str) -> None:
        self._add(
            "sys_journal_field",
            user,
            {"name": table, "element_id": row["sys_id"], "element": name, "value": text},
        )

    def _audit(self, table: str, row: Row, name: str, old: str, new: str, user: str) -> None:
        self._add(
            "sys_audit",
            user,
            {
                "tablename": table,
                "documentkey": row["sys_id"],
                "fieldname": name,
                "oldvalue": old,
                "newvalue": new,
                "user": user,
                "record_checkpoint": row.get("sys_mod_count", "0"),
            },
        )

    def _add(self, table: str, user: str, values: Row) -> None:
        self.store.put(table, {**values, **self._birth(table, user)})

    def _now(self, table: str, row: Row) -> Row:
        found = self.store.find(table, row["sys_id"])
        return row if found is None else found[1]
