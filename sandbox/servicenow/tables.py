"""The dictionary of the instance: its tables, their columns, and how one reaches another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Kind = Literal["string", "integer", "boolean", "datetime", "reference", "document_id", "journal"]
Row = dict[str, str]
"""A record as stored: every value is text, empty if there is none."""

JOURNALS = ("comments", "work_notes")
CHANGE_STATES = {
    "-5": "New",
    "-4": "Assess",
    "-3": "Authorize",
    "-2": "Scheduled",
    "-1": "Implement",
    "0": "Review",
    "3": "Closed",
    "4": "Canceled",
}
"""Source: ServiceNow docs, "State model and transitions" of Change Management (Australia)."""
APPROVALS = {
    "not requested": "Not Yet Requested",
    "requested": "Requested",
    "approved": "Approved",
    "rejected": "Rejected",
}
APPROVER_STATES = {
    **APPROVALS,
    "cancelled": "Cancelled",
    "duplicate": "Duplicate",
    "not_required": "No Longer Required",
}


@dataclass(frozen=True)
class Column:
    """One field; text longer than `max_length` is cut without a word, as the Table API does."""

    label: str
    kind: Kind = "string"
    reference: str = ""
    choices: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    max_length: int = 40
    default: str = ""
    read_only: bool = False
    """Set by the platform; what a client sends for it is ignored."""


@dataclass(frozen=True)
class Table:
    """A table with the columns it inherits."""

    name: str
    columns: Mapping[str, Column]
    extends: str = ""
    prefix: str = ""
    """Of its numbers, if it has any."""
    display: str = "sys_id"
    """The column that stands for a record where it is referred to."""


def _to(table: str, label: str) -> Column:
    return Column(label, "reference", reference=table, max_length=32)


_SYSTEM = {
    "sys_id": Column("Sys ID", max_length=32, read_only=True),
    "sys_created_on": Column("Created", "datetime", read_only=True),
    "sys_created_by": Column("Created by", read_only=True),
    "sys_updated_on": Column("Updated", "datetime", read_only=True),
    "sys_updated_by": Column("Updated by", read_only=True),
    "sys_mod_count": Column("Updates", "integer", read_only=True),
}
_TASK = {
    **_SYSTEM,
    "number": Column("Number", read_only=True),
    "sys_class_name": Column("Task type", read_only=True, max_length=80),
    "active": Column("Active", "boolean", default="true"),
    "state": Column("State", "integer", default="1"),
    "approval": Column("Approval", choices=APPROVALS, default="not requested"),
    "approval_set": Column("Approval set", "datetime"),
    "short_description": Column("Short description", max_length=160),
    "description": Column("Description", max_length=4000),
    "correlation_id": Column("Correlation ID", max_length=100),
    "correlation_display": Column("Correlation display", max_length=100),
    "assignment_group": _to("sys_user_group", "Assignment group"),
    "assigned_to": _to("sys_user", "Assigned to"),
    "opened_by": _to("sys_user", "Opened by"),
    "opened_at": Column("Opened", "datetime"),
    "closed_by": _to("sys_user", "Closed by"),
    "closed_at": Column("Closed", "datetime"),
    "due_date": Column("Due date", "datetime"),
    "priority": Column("Priority", "integer", default="4"),
    "close_notes": Column("Close notes", max_length=4000),
    "comments": Column("Additional comments", "journal", max_length=4000),
    "work_notes": Column("Work notes", "journal", max_length=4000),
    "parent": _to("task", "Parent"),
}
_CHANGE = {
    **_TASK,
    "state": Column("State", "integer", choices=CHANGE_STATES, default="-5"),
    "type": Column("Type", default="normal"),
    "category": Column("Category", default="Other"),
    "risk": Column("Risk", "integer", default="3"),
    "requested_by": _to("sys_user", "Requested by"),
    "justification": Column("Justification", max_length=4000),
    "implementation_plan": Column("Implementation plan", max_length=4000),
    "backout_plan": Column("Backout plan", max_length=4000),
    "start_date": Column("Planned start date", "datetime"),
    "end_date": Column("Planned end date", "datetime"),
    "close_code": Column("Close code"),
    "u_requested_changes": Column("Requested changes", max_length=4000),
}
_APPROVER = {
    **_SYSTEM,
    "state": Column("State", choices=APPROVER_STATES, default="not requested"),
    "approver": _to("sys_user", "Approver"),
    "sysapproval": _to("task", "Approval for"),
    "document_id": Column("Approving", "document_id", max_length=32),
    "source_table": Column("Source table", max_length=80),
    "group": _to("sysapproval_group", "Group"),
    "comments": Column("Comments", "journal", max_length=4000),
    "due_date": Column("Due date", "datetime"),
    "expected_start": Column("Expected start", "datetime"),
    "u_requested_changes": Column("Requested changes", max_length=4000),
}


def _system(**columns: Column) -> dict[str, Column]:
    return {**_SYSTEM, **columns}


_ALL = (
    Table("task", _TASK, prefix="TASK", display="number"),
    Table("change_request", _CHANGE, extends="task", prefix="CHG", display="number"),
    Table("sc_request", _TASK, extends="task", prefix="REQ", display="number"),
    Table(
        "sc_req_item",
        {**_TASK, "request": _to("sc_request", "Request"), "stage": Column("Stage")},
        extends="task",
        prefix="RITM",
        display="number",
    ),
    Table(
        "sysapproval_group",
        {**_TASK, "wait_for": Column("Wait for", default="any")},
        extends="task",
        prefix="GAPRV",
        display="number",
    ),
    Table("sysapproval_approver", _APPROVER),
    Table(
        "sys_user",
        _system(
            user_name=Column("User ID"),
            name=Column("Name", max_length=151),
            email=Column("Email", max_length=100),
            active=Column("Active", "boolean", default="true"),
            time_zone=Column("Time zone"),
        ),
        display="name",
    ),
    Table(
        "sys_user_group",
        _system(
            name=Column("Name", max_length=80),
            active=Column("Active", "boolean", default="true"),
            manager=_to("sys_user", "Manager"),
        ),
        display="name",
    ),
    Table(
        "sys_user_grmember",
        _system(user=_to("sys_user", "User"), group=_to("sys_user_group", "Group")),
    ),
    Table(
        "sys_user_delegate",
        _system(
            user=_to("sys_user", "User"),
            delegate=_to("sys_user", "Delegate"),
            starts=Column("Starts", "datetime"),
            ends=Column("Ends", "datetime"),
            approvals=Column("Approvals", "boolean", default="true"),
            assignments=Column("Assignments", "boolean", default="true"),
        ),
    ),
    Table(
        "sys_journal_field",
        {
            "sys_id": _SYSTEM["sys_id"],
            "sys_created_on": _SYSTEM["sys_created_on"],
            "sys_created_by": _SYSTEM["sys_created_by"],
            "name": Column("Table", max_length=80),
            "element_id": Column("Element ID", max_length=32),
            "element": Column("Element", max_length=80),
            "value": Column("Value", max_length=4000),
        },
    ),
    Table(
        "sys_audit",
        {
            "sys_id": _SYSTEM["sys_id"],
            "sys_created_on": _SYSTEM["sys_created_on"],
            "sys_created_by": _SYSTEM["sys_created_by"],
            "tablename": Column("Table name", max_length=80),
            "documentkey": Column("Document key", max_length=32),
            "fieldname": Column("Field name", max_length=80),
            "oldvalue": Column("Old value", max_length=4000),
            "newvalue": Column("New value", max_length=4000),
            "user": Column("User"),
            "record_checkpoint": Column("Update count", "integer"),
        },
    ),
    Table(
        "sys_properties",
        _system(name=Column("Name", max_length=100), value=Column("Value", max_length=4000)),
        display="name",
    ),
)
TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _ALL})


def with_children(table: str) -> tuple[str, ...]:
    """The table and those that extend it: a query on `task` finds changes, too."""
    return (table, *(other.name for other in _ALL if other.extends == table))


def is_task(table: str) -> bool:
    """Whether records of this table can be approved."""
    return table in with_children("task")


def find_column(table: str, path: str) -> Column | None:
    """The column at the end of a dot-walk such as `sysapproval.correlation_id`; None if there is
    none.
    """
    name, dot, rest = path.partition(".")
    column = TABLES[table].columns.get(name)
    if not dot:
        return column
    if column is None or column.kind != "reference":
        return None
    return find_column(column.reference, rest)
