"""Issues and people as the REST API writes them, for one caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from countersign.sandbox.jira.catalog import (
    CATEGORIES,
    FIELDS,
    PRIORITIES,
    PROJECTS,
    STATUSES,
    Field,
    Project,
    Transition,
)
from countersign.sandbox.jira.clock import epoch_ms, jira_time
from countersign.sandbox.jira.model import (
    Change,
    Comment,
    History,
    Issue,
)
from countersign.sandbox.jira.people import Account
from countersign.sandbox.jira.site import Site

_AVATAR_SIZES = ("48x48", "24x24", "16x16", "32x32")


@dataclass(frozen=True)
class View:
    """One caller's view: addresses, dates in the caller's zone, emails only where visible."""

    site: Site
    base_url: str
    version: int
    viewer: Account | None

    @property
    def rest(self) -> str:
        """Where the resources of this version are."""
        return f"{self.base_url}/rest/api/{self.version}"

    def time(self, issue_time: Any) -> str | None:
        """A time in the caller's zone."""
        if issue_time is None:
            return None
        return jira_time(issue_time, self.viewer.time_zone if self.viewer else "Etc/UTC")

    def user(self, account_id: str | None) -> dict[str, Any] | None:
        """A user: by account id on Cloud, by name and key on Data Center."""
        account = self.site.directory.get(account_id)
        if account is None:
            return None
        avatar = f"{self.base_url}/secure/useravatar?ownerId={quote(account.login)}"
        common = {
            "avatarUrls": {size: f"{avatar}&size={size}" for size in _AVATAR_SIZES},
            "displayName": account.display_name,
            "active": account.account_id not in self.site.directory.inactive,
            "timeZone": account.time_zone,
        }
        if not self.site.cloud:
            return {
                "self": f"{self.rest}/user?username={account.login}",
                "name": account.login,
                "key": account.user_key,
                "emailAddress": account.email,
                **common,
            }
        seen = account.email_visible or account == self.viewer
        return {
            "self": f"{self.rest}/user?accountId={quote(account.account_id)}",
            "accountId": account.account_id,
            **({"emailAddress": account.email} if seen else {}),
            **common,
            "accountType": "atlassian",
        }

    def status(self, status_id: str) -> dict[str, Any]:
        """A status with its category."""
        status = STATUSES[status_id]
        number, name, colour = CATEGORIES[status.category]
        return {
            "self": f"{self.rest}/status/{status.id}",
            "description": "",
            "iconUrl": f"{self.base_url}/",
            "name": status.name,
            "id": status.id,
            "statusCategory": {
                "self": f"{self.rest}/statuscategory/{number}",
                "id": number,
                "key": status.category,
                "colorName": colour,
                "name": name,
            },
        }

    def project(self, project: Project) -> dict[str, Any]:
        """A project as an issue shows it."""
        return {
            "self": f"{self.rest}/project/{project.id}",
            "id": project.id,
            "key": project.key,
            "name": project.name,
            "projectTypeKey": project.type_key,
            "simplified": False,
        }

    def issue_type(self, project: Project) -> dict[str, Any]:
        """The issue type of a project."""
        number, name = project.issue_type
        return {
            "self": f"{self.rest}/issuetype/{number}",
            "id": number,
            "description": "",
            "name": name,
            "subtask": False,
        }

    def priority(self, number: str | None) -> dict[str, Any] | None:
        """A priority."""
        if number is None:
            return None
        address = f"{self.rest}/priority/{number}"
        return {"self": address, "name": PRIORITIES[number], "id": number}

    def transition(self, step: Transition) -> dict[str, Any]:
        """A transition with the status it leads to."""
        return {
            "id": step.id,
            "name": step.name,
            "to": self.status(step.to),
            "hasScreen": False,
            "isGlobal": step.sources is None,
            "isInitial": False,
            "isAvailable": True,
            "isConditional": False,
            "isLooped": False,
        }

    def value(self, field: Field, value: Any) -> Any:
        """A field's value."""
        if field.kind == "text":
            return self.site.forms(self.version).text(value)
        if field.kind == "user":
            return self.user(value)
        if field.kind == "users":
            return None if value is None else [self.user(found) for found in value]
        if field.kind == "priority":
            return self.priority(value)
        if field.kind == "option":
            return None if value is None else {"value": value}
        return list(value or []) if field.kind == "labels" else value

    def fields(self, issue: Issue) -> dict[str, Any]:
        """Every field of an issue."""
        project = PROJECTS[issue.project]
        own = {
            name: self.value(field, issue.fields.get(name))
            for name, field in FIELDS.items()
            if field.kind not in ("project", "type")
        }
        done = issue.resolved_at is not None
        resolution = {"self": f"{self.rest}/resolution/10000", "id": "10000", "name": "Done"}
        return {
            "project": self.project(project),
            "issuetype": self.issue_type(project),
            "status": self.status(issue.status),
            "created": self.time(issue.created_at),
            "updated": self.time(issue.updated_at),
            "creator": self.user(issue.creator),
            "resolution": resolution if done else None,
            "resolutiondate": self.time(issue.resolved_at),
            **own,
            "comment": self.comments(issue),
        }

    def comment(self, issue: Issue, comment: Comment) -> dict[str, Any]:
        """A comment."""
        author, at = self.user(comment.author), self.time(comment.at)
        return {
            "self": f"{self.rest}/issue/{issue.id}/comment/{comment.id}",
            "id": str(comment.id),
            "author": author,
            "body": self.site.forms(self.version).text(comment.body),
            "updateAuthor": author,
            "created": at,
            "updated": at,
            **({"jsdPublic": True} if self.site.cloud else {}),
        }

    def comments(self, issue: Issue) -> dict[str, Any]:
        """The comments as a field of their issue."""
        found = [self.comment(issue, comment) for comment in issue.comments]
        address = f"{self.rest}/issue/{issue.id}/comment"
        counts = {"maxResults": len(found), "total": len(found), "startAt": 0}
        return {"comments": found, "self": address, **counts}

    def change(self, change: Change) -> dict[str, Any]:
        """An item of the changelog; Data Center leaves `fieldId` out."""
        return {
            "field": change.field,
            "fieldtype": "custom" if change.custom else "jira",
            **({"fieldId": change.field_id} if self.site.cloud else {}),
            "from": change.before,
            "fromString": change.before_text,
            "to": change.after,
            "toString": change.after_text,
        }

    def history(self, history: History, *, in_ms: bool = False) -> dict[str, Any]:
        """An entry of the changelog."""
        return {
            "id": str(history.id),
            "author": self.user(history.author),
            "created": epoch_ms(history.at) if in_ms else self.time(history.at),
            "items": [self.change(change) for change in history.changes],
        }

    def issue_head(self, issue: Issue) -> dict[str, Any]:
        """What names an issue."""
        return {
            "id": str(issue.id),
            "self": f"{self.rest}/issue/{issue.id}",
            "key": issue.key,
        }
