"""Rows as the Table API answers them.

Sources (read 2026-11-25): ServiceNow docs "Table API - GET" (sysparm_display_value,
sysparm_exclude_reference_link) and KB0534905; recorded answers of instances show that a journal
field's value is empty and its display value the entries, newest first, each
`<time in the reader's zone> - <name> (<label of the field>)` and a line with the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from countersign.sandbox.servicenow.people import BY_NAME, User
from countersign.sandbox.servicenow.store import Store
from countersign.sandbox.servicenow.tables import TABLES, Column, Row

Display = Literal["false", "true", "all"]


@dataclass(frozen=True)
class Renderer:
    """How one caller wants his answer."""

    store: Store
    reader: User
    base_url: str
    display: Display = "false"
    exclude_link: bool = False
    fields: Sequence[str] = ()
    """Empty: every column."""

    def row(self, table: str, row: Row) -> dict[str, Any]:
        """The record; fields that do not exist are left out."""
        answer = {}
        for path in self.fields or TABLES[table].columns:
            found = self.store.walk(table, row, path)
            if found is not None:
                owner, record, column = found
                answer[path] = self._value(owner, record, path.rpartition(".")[2], column)
            elif "." in path:
                answer[path] = ""
        return answer

    def _value(self, table: str, row: Row, name: str, column: Column) -> Any:
        value = "" if column.kind == "journal" else row.get(name, "")
        if column.kind in ("reference", "document_id") and value:
            return self._reference(row, name, column, value)
        if self.display == "false":
            return value
        shown = self.shown(table, row, name, column)
        return shown if self.display == "true" else {"display_value": shown, "value": value}

    def _reference(self, row: Row, name: str, column: Column, value: str) -> Any:
        target = row.get("source_table", "") if column.kind == "document_id" else column.reference
        link = {} if self.exclude_link else {"link": f"{self.base_url}{target}/{value}"}
        shown = self.shown("", row, name, column)
        match self.display:
            case "false":
                return {**link, "value": value} if link else value
            case "true":
                return {"display_value": shown, **link} if link else shown
            case _:
                return {"display_value": shown, **link, "value": value}

    def shown(self, table: str, row: Row, name: str, column: Column) -> str:
        """The display value."""
        value = row.get(name, "")
        match column.kind:
            case "journal":
                return self._journal(row, name, column)
            case "datetime":
                return local_time(value, self.reader)
            case "reference" | "document_id":
                found = self.store.referred(column, row, name)
                return value if found is None else found[1].get(TABLES[found[0]].display, "")
            case _:
                return column.choices.get(value, value)

    def _journal(self, row: Row, name: str, column: Column) -> str:
        entries = reversed(
            self.store.matching("sys_journal_field", element_id=row["sys_id"], element=name)
        )
        return "".join(
            f"{local_time(entry['sys_created_on'], self.reader)} - "
            f"{person_name(entry['sys_created_by'])} ({column.label})\n{entry['value']}\n\n"
            for entry in entries
        )


def person_name(user_name: str) -> str:
    """The full name of a user, as journals show it."""
    return BY_NAME[user_name].name if user_name in BY_NAME else user_name


def local_time(stored: str, reader: User) -> str:
    """A stored time as this user sees it; what is no time is shown as it is."""
    try:
        moment = datetime.strptime(stored, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return stored
    return moment.astimezone(ZoneInfo(reader.time_zone)).strftime("%Y-%m-%d %H:%M:%S")
