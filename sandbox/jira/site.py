"""The site: its issues, its rules and its clock, and who is told when something changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from countersign.sandbox.jira.access import Access
from countersign.sandbox.jira.catalog import STATUSES
from countersign.sandbox.jira.clock import SiteClock
from countersign.sandbox.jira.fields import Forms
from countersign.sandbox.jira.index import SearchIndex
from countersign.sandbox.jira.model import (
    Change,
    Comment,
    History,
    Issue,
)
from countersign.sandbox.jira.people import Account, Directory
from countersign.sandbox.jira.refusals import not_found
from countersign.sandbox.jira.store import IssueStore

Deployment = Literal["Cloud", "Server"]
"""As `deploymentType` of serverInfo says it; Data Center calls itself Server."""


@dataclass(frozen=True)
class Event:
    """Something that happened to an issue, for the webhooks."""

    name: str
    """`webhookEvent`."""
    issue: Issue
    actor: Account
    at: datetime
    kind: str | None = None
    """`issue_event_type_name`."""
    history: History | None = None
    comment: Comment | None = None


class Site:
    """Everything behind the API and the pages; each call is one request's work."""

    def __init__(self, path: Path | None, *, deployment: Deployment) -> None:
        self.cloud = deployment == "Cloud"
        self.deployment = deployment
        self.directory = Directory()
        self.access = Access()
        self.clock = SiteClock()
        self.store = IssueStore(path)
        self.index = SearchIndex(self.store.all())
        self.required_fields: set[str] = set()
        """Custom fields an administrator made mandatory."""
        self.changelog_limit = 40
        """How many histories of each issue `expand=changelog` of a search shows."""
        self.approvals_needed = 1
        self.revoked: set[str] = set()
        """Logins whose tokens and passwords stopped working."""
        self.listeners: list[Callable[[Event], None]] = []

    def forms(self, version: int = 2) -> Forms:
        """How values are written and read in this version of the API."""
        return Forms(self.directory, cloud=self.cloud, version=version)

    def find(self, actor: Account, id_or_key: str) -> Issue:
        """The issue as it is now. Raises JiraError 404, also if it is hidden from `actor`."""
        issue = self.store.get(id_or_key)
        if issue is None or not self.access.may(actor, issue.project, "BROWSE_PROJECTS"):
            raise not_found()
        return issue

    def searchable(self, actor: Account) -> list[Issue]:
        """What a search of `actor` may show, which lags behind."""
        return [
            issue
            for issue in self.index.visible()
            if self.access.may(actor, issue.project, "BROWSE_PROJECTS")
        ]

    def save(self, issue: Issue) -> Issue:
        """Keep `issue`."""
        with self.store.transaction():
            self.store.put(issue)
        self.index.put(issue.id, issue)
        return issue

    def drop(self, issue: Issue) -> None:
        """Take `issue` away for good."""
        with self.store.transaction():
            self.store.delete(issue)
        self.index.put(issue.id, None)

    def history(self, actor: Account, changes: list[Change]) -> History:
        """An entry of the changelog with the next id."""
        return History(
            id=self.store.next("history", 20_001),
            author=actor.account_id,
            at=self.clock.stamp(),
            changes=tuple(changes),
        )

    def comment(self, actor: Account, body: str) -> Comment:
        """A comment with the next id."""
        return Comment(
            id=self.store.next("comment", 30_001),
            author=actor.account_id,
            body=body,
            at=self.clock.stamp(),
        )

    def emit(self, event: Event) -> None:
        """Tell everyone who listens."""
        for listener in self.listeners:
            listener(event)

    def is_done(self, issue: Issue) -> bool:
        """Whether its status counts as done."""
        return STATUSES[issue.status].category == "done"
