"""Create, edit, comment and delete: what each does to an issue, its changelog and its listeners."""

from __future__ import annotations

import json
from typing import Any

from countersign.sandbox.jira.approvals import approvers_changed, begin_approval
from countersign.sandbox.jira.catalog import (
    APPROVERS,
    FIELDS,
    PROJECTS,
    Project,
    project_of,
)
from countersign.sandbox.jira.fields import change_of
from countersign.sandbox.jira.inputs import (
    EDITABLE,
    Wanted,
    body_of,
    read,
)
from countersign.sandbox.jira.model import Change, Comment, Issue
from countersign.sandbox.jira.people import Account
from countersign.sandbox.jira.refusals import JiraError
from countersign.sandbox.jira.site import Event, Site

MAX_PROPERTY_LENGTH = 32_768
"""Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-properties/
(read 2026-11-25): the maximum length is 32768 characters."""


def create(site: Site, actor: Account, body: Any, *, version: int = 2) -> Issue:
    """A new issue. Raises JiraError with one message per field that is wrong or missing."""
    body = body_of(body, "fields", "update", "properties", "historyMetadata", "transition")
    fields = body.get("fields")
    if not isinstance(fields, dict):
        raise JiraError(400, errors={"project": "Specify a valid project ID or key"})
    project = _project(site, actor, fields)
    others = {**body, "fields": {k: v for k, v in fields.items() if k in EDITABLE}}
    wanted = read(others, site.forms(version), {}, EDITABLE)
    for name in set(fields) - set(FIELDS):
        wanted.errors[name] = (
            f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        )
    _check_type(wanted, project, fields.get("issuetype"))
    _check_required(site, wanted)
    properties = _properties(body.get("properties"))
    wanted.check()
    return _insert(site, actor, project, wanted, properties)


def _project(site: Site, actor: Account, fields: dict[str, Any]) -> Project:
    named = fields.get("project")
    key = (named.get("key") or named.get("id")) if isinstance(named, dict) else None
    project = project_of(key)
    if project is None or not site.access.may(actor, project.key, "BROWSE_PROJECTS"):
        raise JiraError(400, errors={"project": "Specify a valid project ID or key"})
    if not site.access.may(actor, project.key, "CREATE_ISSUES"):
        raise JiraError(403, "You do not have permission to create issues in this project.")
    return project


def _check_type(wanted: Wanted, project: Project, named: Any) -> None:
    if not isinstance(named, dict):
        wanted.errors["issuetype"] = "Specify an issue type"
    elif str(named.get("id", "")) != project.issue_type[0] and (
        "id" in named or named.get("name") != project.issue_type[1]
    ):
        wanted.errors["issuetype"] = "Specify a valid issue type"


def _check_required(site: Site, wanted: Wanted) -> None:
    if not (wanted.values.get("summary") or "").strip() and "summary" not in wanted.errors:
        wanted.errors["summary"] = "You must specify a summary of the issue."
    for name in site.required_fields:
        if not wanted.values.get(name) and name not in wanted.errors:
            wanted.errors[name] = f"{FIELDS[name].name} is required."


def _properties(entries: Any) -> dict[str, Any]:
    if entries is None:
        return {}
    if not isinstance(entries, list):
        raise JiraError(400, "Invalid request payload: properties must be an array.")
    found = {}
    for entry in entries:
        if not isinstance(entry, dict) or set(entry) != {"key", "value"}:
            raise JiraError(400, "Invalid request payload: a property has a key and a value.")
        check_property(entry["key"], entry["value"])
        found[entry["key"]] = entry["value"]
    return found


def check_property(key: Any, value: Any) -> None:
    """Raise JiraError 400 if the property may not be stored."""
    if not isinstance(key, str) or not 0 < len(key) <= 255:
        raise JiraError(400, "The property key has to be between 1 and 255 characters.")
    if len(json.dumps(value)) > MAX_PROPERTY_LENGTH:
        raise JiraError(400, f"The property value has to be at most {MAX_PROPERTY_LENGTH} long.")


def _insert(
    site: Site, actor: Account, project: Project, wanted: Wanted, properties: dict[str, Any]
) -> Issue:
    values = {"reporter": actor.account_id, "priority": "3", "labels": [], **wanted.values}
    with site.store.transaction():
        number = site.store.next(f"key {project.key}", 1)
        at = site.clock.stamp()
        issue = Issue(
            id=site.store.next("issue", 10_101),
            key=f"{project.key}-{number}",
            project=project.key,
            status=project.first,
            creator=actor.account_id,
            created_at=at,
            updated_at=at,
            fields={name: value for name, value in values.items() if value is not None},
            properties=properties,
        )
        issue = site.save(begin_approval(site, issue))
    site.emit(Event("jira:issue_created", issue, actor, at, kind="issue_created"))
    for text in wanted.comments:
        issue, _ = comment(site, actor, issue, text)
    return issue


def move(site: Site, actor: Account, issue: Issue, project: Project) -> Issue:
    """Another project, and so another key; the id stays, and the changelog says both."""
    before = PROJECTS[issue.project]
    with site.store.transaction():
        key = f"{project.key}-{site.store.next(f'key {project.key}', 1)}"
        names = Change(field_id="Key", field="Key", before_text=issue.key, after_text=key)
        home = Change(
            field_id="project",
            field="project",
            before=before.id,
            before_text=before.name,
            after=project.id,
            after_text=project.name,
        )
        entry = site.history(actor, [names, home])
        values = {"key": key, "project": project.key, "histories": (*issue.histories, entry)}
        moved = site.save(issue.model_copy(update={**values, "updated_at": entry.at}))
    event = Event("jira:issue_updated", moved, actor, entry.at, kind="issue_moved", history=entry)
    site.emit(event)
    return moved


def edit(site: Site, actor: Account, issue: Issue, body: Any, *, version: int = 2) -> Issue:
    """Set fields. The changelog gets one entry with what really changed, or none."""
    body = body_of(body, "fields", "update", "properties", "historyMetadata", "transition")
    wanted = read(body, site.forms(version), issue.fields, EDITABLE)
    if "summary" in wanted.values and not (wanted.values["summary"] or "").strip():
        wanted.errors["summary"] = "You must specify a summary of the issue."
    if wanted.values or wanted.errors:
        site.access.require(actor, issue.project, "EDIT_ISSUES", "edit issues in this project")
    wanted.check()
    issue = apply_values(site, actor, issue, wanted.values)
    for text in wanted.comments:
        issue, _ = comment(site, actor, issue, text)
    added = _properties(body.get("properties"))
    return (
        site.save(issue.model_copy(update={"properties": {**issue.properties, **added}}))
        if added
        else issue
    )


def apply_values(site: Site, actor: Account, issue: Issue, values: dict[str, Any]) -> Issue:
    """`issue` with these values, saved and announced."""
    changes = [
        change_of(name, issue.fields.get(name), value, site.directory)
        for name, value in values.items()
        if (issue.fields.get(name) or None) != (value or None)
    ]
    if not changes:
        return issue
    merged = {k: v for k, v in {**issue.fields, **values}.items() if v is not None}
    with site.store.transaction():
        history = site.history(actor, changes)
        issue = issue.model_copy(
            update={
                "fields": merged,
                "histories": (*issue.histories, history),
                "updated_at": history.at,
            }
        )
        if APPROVERS in values:
            issue = approvers_changed(issue)
        site.save(issue)
    names = {change.field_id for change in changes}
    kind = "issue_assigned" if names == {"assignee"} else "issue_updated"
    site.emit(Event("jira:issue_updated", issue, actor, history.at, kind=kind, history=history))
    return issue


def comment(site: Site, actor: Account, issue: Issue, text: str) -> tuple[Issue, Comment]:
    """A comment by `actor`. Raises JiraError."""
    site.access.require(actor, issue.project, "ADD_COMMENTS", "comment on this issue")
    if not text.strip():
        raise JiraError(400, errors={"comment": "Comment body can not be empty!"})
    with site.store.transaction():
        made = site.comment(actor, text)
        issue = issue.model_copy(
            update={"comments": (*issue.comments, made), "updated_at": made.at}
        )
        site.save(issue)
    site.emit(Event("comment_created", issue, actor, made.at, comment=made))
    if not site.cloud:
        # Data Center also calls it an update, without a changelog.
        kind = "issue_commented"
        site.emit(Event("jira:issue_updated", issue, actor, made.at, kind=kind, comment=made))
    return issue, made


def delete(site: Site, actor: Account, issue: Issue) -> None:
    """Take the issue away for good. Raises JiraError."""
    site.access.require(actor, issue.project, "DELETE_ISSUES", "delete issues in this project")
    site.drop(issue)
    at = site.clock.stamp()
    site.emit(Event("jira:issue_deleted", issue, actor, at, kind="issue_deleted"))


def set_property(site: Site, actor: Account, issue: Issue, key: str, value: Any) -> bool:
    """Store a property; True if there was none with this key. The changelog does not tell."""
    site.access.require(actor, issue.project, "EDIT_ISSUES", "edit issues in this project")
    check_property(key, value)
    site.save(issue.model_copy(update={"properties": {**issue.properties, key: value}}))
    return key not in issue.properties
