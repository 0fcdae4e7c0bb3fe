"""Rows of the Table API as values of ours. What comes is untrusted and checked here, at use.

Times are stored in UTC without a zone, in whole seconds: `2026-11-25 09:00:00`. A reference is its
sys_id, or an object with a link and the sys_id in `value`. Source: ServiceNow docs, "Table API",
and KB0534905, read 2026-11-25.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.models import Value
from countersign.approvals.tickets import text_sha256
from countersign.connectors.servicenow.query import SYS_ID

APPROVALS = "sysapproval_approver"
RECORD_COLUMNS = (
    "sys_id",
    "sys_class_name",
    "number",
    "correlation_id",
    "correlation_display",
    "short_description",
    "description",
    "state",
    "approval",
    "active",
    "closed_at",
    "closed_by.user_name",
    "sys_created_on",
    "sys_created_by",
    "sys_updated_on",
    "sys_updated_by",
    "sys_mod_count",
)
APPROVAL_COLUMNS = (
    "sys_id",
    "state",
    "sysapproval",
    "approver.user_name",
    "sys_created_by",
    "sys_updated_on",
    "sys_updated_by",
    "sys_mod_count",
)


class Record(Value):
    """The ticket."""

    id: str
    number: str
    order_key: str
    mark: str
    """`correlation_display`."""
    title: str
    """`short_description`: what lists, mails and phones show."""
    description: str
    state: str
    approval: str
    active: bool
    closed_at: datetime | None
    closed_by: str
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    updates: int
    """Since it was made: a comment is one, too."""


def shown_sha256(title: str, description: str) -> str:
    """Hash of all that we write for people to decide on."""
    return text_sha256(f"{title}\n\n{description}")


class Mark(Value):
    """Where an answer stands: an approver's row, or a column of the record itself."""

    id: str
    """Of the row it stands in."""
    column: str
    state: str
    approver: str | None
    """Whose answer it is; None in a column of the record."""
    changes: str
    created_by: str
    updated_at: datetime
    updated_by: str
    updates: int


def text(row: Mapping[str, Any], column: str) -> str:
    """The stored value of a column; empty if it is missing or nothing that we know."""
    value = row.get(column)
    if isinstance(value, dict):
        value = value.get("value")
    return well_formed(value) if isinstance(value, str) else ""


def moment(row: Mapping[str, Any], column: str) -> datetime | None:
    """A time; None if there is none."""
    try:
        return datetime.strptime(text(row, column), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def sys_id(row: Mapping[str, Any], column: str = "sys_id") -> str | None:
    """An id; None if it is none."""
    found = text(row, column)
    return found if SYS_ID.fullmatch(found) else None


def count(row: Mapping[str, Any], column: str) -> int:
    """A whole number; 0 if it is none."""
    found = text(row, column)
    return int(found) if found.isdecimal() else 0


def record(row: Mapping[str, Any], prefix: str = "") -> Record | None:
    """The record in a row, or at the end of a dot-walk; None if it cannot be one."""
    found = sys_id(row, f"{prefix}sys_id")
    created, updated = (moment(row, f"{prefix}sys_{what}_on") for what in ("created", "updated"))
    if found is None or created is None or updated is None:
        return None
    return Record(
        id=found,
        number=text(row, f"{prefix}number"),
        order_key=text(row, f"{prefix}correlation_id"),
        mark=text(row, f"{prefix}correlation_display"),
        title=text(row, f"{prefix}short_description"),
        description=text(row, f"{prefix}description"),
        state=text(row, f"{prefix}state"),
        approval=text(row, f"{prefix}approval"),
        active=text(row, f"{prefix}active") != "false",
        closed_at=moment(row, f"{prefix}closed_at"),
        closed_by=text(row, f"{prefix}closed_by.user_name"),
        created_at=created,
        created_by=text(row, f"{prefix}sys_created_by"),
        updated_at=updated,
        updated_by=text(row, f"{prefix}sys_updated_by"),
        updates=count(row, f"{prefix}sys_mod_count"),
    )


def approval(row: Mapping[str, Any], changes_column: str) -> Mark | None:
    """The answer of one approver; None if the row cannot be one."""
    return _mark(row, "state", text(row, "approver.user_name"), changes_column)


def field(row: Mapping[str, Any], column: str, changes_column: str) -> Mark | None:
    """The answer that stands in a column of the record."""
    return _mark(row, column, None, changes_column)


def _mark(
    row: Mapping[str, Any], column: str, approver: str | None, changes_column: str
) -> Mark | None:
    found, updated = sys_id(row), moment(row, "sys_updated_on")
    if found is None or updated is None:
        return None
    return Mark(
        id=found,
        column=column,
        state=text(row, column),
        approver=approver,
        changes=text(row, changes_column) if changes_column else "",
        created_by=text(row, "sys_created_by"),
        updated_at=updated,
        updated_by=text(row, "sys_updated_by"),
        updates=count(row, "sys_mod_count"),
    )
