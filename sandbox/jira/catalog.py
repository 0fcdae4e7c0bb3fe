"""How the site is set up: projects, workflows, statuses and fields, with their fixed ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Category = Literal["new", "indeterminate", "done"]
Kind = Literal[
    "line", "text", "labels", "user", "users", "date", "priority", "option", "project", "type"
]

APPROVERS = "customfield_10040"
REQUESTED_CHANGES = "customfield_10050"
SUMMARY_LENGTH = 255
TEXT_LENGTH = 32_767


@dataclass(frozen=True)
class Status:
    """A status; its id never changes, its name is translated and renamed by administrators."""

    id: str
    name: str
    category: Category


@dataclass(frozen=True)
class Transition:
    """A step of a workflow. `sources` None: from every status but its own target."""

    id: str
    name: str
    to: str
    sources: tuple[str, ...] | None
    server_event: str = "issue_generic"
    """`issue_event_type_name` on Data Center; Cloud says issue_generic for nearly every move."""


@dataclass(frozen=True)
class Project:
    """A project with one issue type and one workflow."""

    id: str
    key: str
    name: str
    type_key: Literal["business", "service_desk"]
    issue_type: tuple[str, str]
    first: str
    statuses: tuple[Status, ...]
    transitions: tuple[Transition, ...]


@dataclass(frozen=True)
class Field:
    """A field on the create and edit screens."""

    id: str
    name: str
    kind: Kind
    required: bool = False
    options: tuple[str, ...] = ()

    @property
    def custom(self) -> bool:
        """Whether an administrator added it."""
        return self.id.startswith("customfield_")


CATEGORIES: dict[Category, tuple[int, str, str]] = {
    "new": (2, "To Do", "blue-gray"),
    "indeterminate": (4, "In Progress", "yellow"),
    "done": (3, "Done", "green"),
}
"""Id, name and colour."""
PRIORITIES = {"1": "Highest", "2": "High", "3": "Medium", "4": "Low", "5": "Lowest"}

PENDING, APPROVED, REJECTED, CHANGES, CLOSED = "10001", "10002", "10003", "10004", "10005"
WAITING, IN_PROGRESS, DECLINED, CANCELED, RESOLVED = "10011", "10012", "10013", "10014", "10015"

OPS = Project(
    id="10000",
    key="OPS",
    name="Operations approvals",
    type_key="business",
    issue_type=("10010", "Task"),
    first=PENDING,
    statuses=(
        Status(PENDING, "Pending", "new"),
        Status(APPROVED, "Approved", "indeterminate"),
        Status(REJECTED, "Rejected", "done"),
        Status(CHANGES, "Changes requested", "indeterminate"),
        Status(CLOSED, "Closed", "done"),
    ),
    transitions=(
        Transition("11", "Approve", APPROVED, (PENDING, CHANGES)),
        Transition("21", "Reject", REJECTED, (PENDING, CHANGES), "issue_resolved"),
        Transition("31", "Request changes", CHANGES, (PENDING,)),
        Transition("41", "Close", CLOSED, None, "issue_closed"),
        Transition("51", "Back to pending", PENDING, None, "issue_reopened"),
    ),
)
HELP = Project(
    id="10001",
    key="HELP",
    name="IT help desk",
    type_key="service_desk",
    issue_type=("10020", "Service Request with Approvals"),
    first=WAITING,
    statuses=(
        Status(WAITING, "Waiting for approval", "indeterminate"),
        Status(IN_PROGRESS, "In progress", "indeterminate"),
        Status(DECLINED, "Declined", "done"),
        Status(CANCELED, "Canceled", "done"),
        Status(RESOLVED, "Resolved", "done"),
    ),
    transitions=(
        Transition("841", "Cancel request", CANCELED, (WAITING, IN_PROGRESS), "issue_closed"),
        Transition("851", "Resolve this issue", RESOLVED, (IN_PROGRESS,), "issue_resolved"),
        Transition(
            "861", "Ask for approval again", WAITING, (DECLINED, CANCELED), "issue_reopened"
        ),
    ),
)
PROJECTS = {project.key: project for project in (OPS, HELP)}
STATUSES = {status.id: status for project in PROJECTS.values() for status in project.statuses}

FIELDS = {
    field.id: field
    for field in (
        Field("project", "Project", "project", required=True),
        Field("issuetype", "Issue Type", "type", required=True),
        Field("summary", "Summary", "line", required=True),
        Field("description", "Description", "text"),
        Field("labels", "Labels", "labels"),
        Field("priority", "Priority", "priority"),
        Field("assignee", "Assignee", "user"),
        Field("reporter", "Reporter", "user"),
        Field("duedate", "Due date", "date"),
        Field(APPROVERS, "Approvers", "users"),
        Field("customfield_10041", "Approver", "user"),
        Field(REQUESTED_CHANGES, "Requested changes", "text"),
        Field("customfield_10051", "Risk", "option", options=("Low", "Medium", "High")),
        Field("customfield_10060", "Cost centre", "line"),
        Field("customfield_10061", "External reference", "line"),
    )
}


def project_of(key_or_id: object) -> Project | None:
    """The project with this key or id."""
    text = str(key_or_id)
    return PROJECTS.get(text) or next((p for p in PROJECTS.values() if p.id == text), None)


def approval_target(decision: str) -> str:
    """The status an answered approval moves a request to."""
    return IN_PROGRESS if decision == "approved" else DECLINED
