"""What a query finds: each field with the operators and the values that it takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from countersign.sandbox.jira.catalog import (
    CATEGORIES,
    FIELDS,
    PRIORITIES,
    PROJECTS,
    STATUSES,
    project_of,
)
from countersign.sandbox.jira.jql import (
    Both,
    Clause,
    Either,
    Negated,
    Node,
    Query,
)
from countersign.sandbox.jira.model import Issue
from countersign.sandbox.jira.people import Account
from countersign.sandbox.jira.refusals import JiraError
from countersign.sandbox.jira.site import Site

Test = Callable[[Issue], bool]

_EQUALITY = ("=", "!=", "in", "not in")
_EMPTY = ("is", "is not")
_RANGE = (">=", "<=", ">", "<")
_OPERATORS: dict[str, tuple[str, ...]] = {
    "project": _EQUALITY,
    "issuetype": _EQUALITY,
    "status": _EQUALITY,
    "statuscategory": _EQUALITY,
    "labels": (*_EQUALITY, *_EMPTY),
    "priority": (*_EQUALITY, *_EMPTY),
    "assignee": (*_EQUALITY, *_EMPTY),
    "reporter": (*_EQUALITY, *_EMPTY),
    "id": _EQUALITY,
    "summary": ("~", "!~", *_EMPTY),
    "created": (*_EQUALITY, *_RANGE, *_EMPTY),
    "updated": (*_EQUALITY, *_RANGE, *_EMPTY),
}
_ALIASES = {
    "key": "id",
    "issue": "id",
    "issuekey": "id",
    "type": "issuetype",
    "createddate": "created",
    "updateddate": "updated",
}
_PERIOD = re.compile(r"([+-]?)((?:\d+[wdhm]\s*)+)")
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}
_FORMATS = ("%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y-%m-%d")


@dataclass(frozen=True)
class Matcher:
    """Runs queries for one caller, whose time zone the dates in them are in."""

    site: Site
    viewer: Account

    def run(self, query: Query, issues: Iterable[Issue]) -> list[Issue]:
        """The issues that the query finds, in its order. Raises JiraError 400."""
        test = self._node(query.where) if query.where is not None else lambda _: True
        found = sorted(filter(test, issues), key=lambda issue: issue.id, reverse=True)
        for name, descending in reversed(query.order):
            found.sort(key=_sort_key(name), reverse=descending)
        return found

    def _node(self, node: Node) -> Test:
        match node:
            case Both(parts):
                tests = [self._node(part) for part in parts]
                return lambda issue: all(test(issue) for test in tests)
            case Either(parts):
                tests = [self._node(part) for part in parts]
                return lambda issue: any(test(issue) for test in tests)
            case Negated(part):
                test = self._node(part)
                return lambda issue: not test(issue)
            case Clause():
                return self._clause(node)

    def _clause(self, clause: Clause) -> Test:
        name = _field_name(clause.field)
        if clause.operator not in _OPERATORS[name]:
            raise JiraError(
                400,
                f"The operator '{clause.operator}' is not supported by the '{clause.field}' field.",
            )
        if clause.operator in _EMPTY or clause.values == ("",):
            return _emptiness(name, negated=clause.operator in ("is not", "!="))
        if name in ("created", "updated"):
            return self._dates(name, clause)
        if name == "summary":
            wanted = clause.values[0].lower()
            negated = clause.operator == "!~"
            return lambda issue: (wanted in issue.fields["summary"].lower()) != negated
        accepted = {self._value(name, clause.field, value) for value in clause.values}
        if clause.operator in ("=", "in"):
            return lambda issue: bool(accepted & _values(name, issue))
        # What has no value at all is not found by != and NOT IN either, as in Jira.
        return lambda issue: bool(_values(name, issue)) and not accepted & _values(name, issue)

    def _value(self, name: str, called: str, value: str) -> str:
        """The id that `value` stands for. Raises JiraError 400 if there is nothing like it."""
        if name == "labels":
            return value
        found: str | None = None
        if name == "project":
            project = project_of(value.upper()) or _named_project(value)
            visible = project and self.site.access.may(self.viewer, project.key, "BROWSE_PROJECTS")
            found = project.key if project and visible else None
        elif name == "id":
            return self._issue(called, value)
        elif name in ("assignee", "reporter"):
            found = self._person(value)
        elif name == "statuscategory":
            found = _category(value)
        else:
            found = _named(name, value)
        if found is None:
            number = f"A value with ID '{value}'" if value.isdecimal() else f"The value '{value}'"
            raise JiraError(400, f"{number} does not exist for the field '{called}'.")
        return found

    def _issue(self, called: str, value: str) -> str:
        issue = self.site.store.get(value)
        if issue is None or not self.site.access.may(self.viewer, issue.project, "BROWSE_PROJECTS"):
            what = (
                f"A value with ID '{value}' does"
                if value.isdecimal()
                else (f"An issue with key '{value}' does")
            )
            raise JiraError(400, f"{what} not exist for field '{called}'.")
        return str(issue.id)

    def _person(self, value: str) -> str | None:
        if value.lower() == "currentuser()":
            return self.viewer.account_id
        directory = self.site.directory
        account = directory.get(value) if self.site.cloud else directory.named(value)
        return account.account_id if account else None

    def _dates(self, name: str, clause: Clause) -> Test:
        moments = [self._moment(clause.field, value) for value in clause.values]
        compare: dict[str, Callable[[datetime, datetime], bool]] = {
            "=": lambda a, b: a == b,
            ">=": lambda a, b: a >= b,
            "<=": lambda a, b: a <= b,
            ">": lambda a, b: a > b,
            "<": lambda a, b: a < b,
        }
        attribute = f"{name}_at"
        if clause.operator in compare:
            test, moment = compare[clause.operator], moments[0]
            return lambda issue: test(getattr(issue, attribute), moment)
        negated = clause.operator in ("!=", "not in")
        return lambda issue: (getattr(issue, attribute) in moments) != negated

    def _moment(self, called: str, value: str) -> datetime:
        """A date in the caller's zone, or a period from now."""
        period = _PERIOD.fullmatch(value.strip())
        if period:
            parts = re.findall(r"(\d+)([wdhm])", period[2])
            shift = sum((timedelta(**{_UNITS[u]: int(n)}) for n, u in parts), timedelta())
            now = self.site.clock.now()
            return now - shift if period[1] == "-" else now + shift
        if value.lower() == "now()":
            return self.site.clock.now()
        for form in _FORMATS:
            try:
                local = datetime.strptime(value, form)
            except ValueError:
                continue
            return local.replace(tzinfo=ZoneInfo(self.viewer.time_zone))
        raise JiraError(
            400,
            f"Date value '{value}' for field '{called}' is invalid. Valid formats include: "
            "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period "
            "format e.g. '-5d', '4w 2d'.",
        )


def _field_name(called: str) -> str:
    name = called.lower().replace(" ", "")
    name = _ALIASES.get(name, name)
    if name not in _OPERATORS:
        raise JiraError(
            400, f"Field '{called}' does not exist or you do not have permission to view it."
        )
    return name


def _named(name: str, value: str) -> str | None:
    """The id of a status, a priority or an issue type with this id or name."""
    known: dict[str, dict[str, str]] = {
        "status": {status.id: status.name for status in STATUSES.values()},
        "priority": PRIORITIES,
        "issuetype": dict(project.issue_type for project in PROJECTS.values()),
    }
    if value in known[name]:
        return value
    return next((k for k, v in known[name].items() if v.lower() == value.lower()), None)


def _named_project(value: str) -> Any:
    return next((p for p in PROJECTS.values() if p.name.lower() == value.lower()), None)


def _category(value: str) -> str | None:
    for key, (number, name, _) in CATEGORIES.items():
        if value.lower() in (key, name.lower(), str(number)):
            return key
    return None


def _values(name: str, issue: Issue) -> set[str]:
    """What the issue has in this field, as ids."""
    match name:
        case "project":
            return {issue.project}
        case "issuetype":
            return {PROJECTS[issue.project].issue_type[0]}
        case "status":
            return {issue.status}
        case "statuscategory":
            return {STATUSES[issue.status].category}
        case "id":
            return {str(issue.id)}
        case "labels":
            return set(issue.labels)
        case _:
            value = issue.fields.get(name)
            return {value} if value else set()


def _emptiness(name: str, *, negated: bool) -> Test:
    always = name in ("created", "updated", "project", "issuetype", "status")
    return lambda issue: (not (always or _values(name, issue))) != negated


def _sort_key(called: str) -> Callable[[Issue], Any]:
    name = _field_name(called)
    if name in ("created", "updated"):
        attribute = f"{name}_at"
        return lambda issue: getattr(issue, attribute)
    if name == "id":
        return lambda issue: issue.id
    if name in FIELDS and FIELDS[name].kind == "line":
        return lambda issue: str(issue.fields.get(name, "")).lower()
    return lambda issue: sorted(_values(name, issue))
