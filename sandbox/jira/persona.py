"""One person at work on the site: the state changes and webhooks of the API, without HTTP."""

from __future__ import annotations

from typing import Any

from countersign.sandbox.jira import issues, moves
from countersign.sandbox.jira.catalog import PROJECTS, STATUSES
from countersign.sandbox.jira.people import Account
from countersign.sandbox.jira.site import Site


class Persona:
    """Acts as one account. Every refusal of the site is a JiraError."""

    def __init__(self, site: Site, account: Account) -> None:
        self._site = site
        self.account = account

    @property
    def account_id(self) -> str:
        """The id that changelogs name this person by on Cloud."""
        return self.account.account_id

    def create(
        self, project: str, summary: str, *, issue_type: str | None = None, **fields: Any
    ) -> str:
        """A new issue in the project; its key. `fields` are those of the REST API, version 2."""
        kind = issue_type or PROJECTS[project].issue_type[1]
        own = {"project": {"key": project}, "issuetype": {"name": kind}, "summary": summary}
        return issues.create(self._site, self.account, {"fields": {**own, **fields}}).key

    def transition(
        self,
        key: str,
        to_status: str,
        *,
        comment: str | None = None,
        fields: dict[str, Any] | None = None,
    ) -> None:
        """Move an issue to the status with this name or id, in one step.

        Raises LookupError if no transition leads there from where the issue is.
        """
        issue = self._site.find(self.account, key)
        steps = moves.available(self._site, self.account, issue)
        step = next((s for s in steps if to_status in (s.to, STATUSES[s.to].name)), None)
        if step is None:
            offered = ", ".join(STATUSES[s.to].name for s in steps) or "nothing"
            raise LookupError(f"{key} cannot go to {to_status} now: {offered}")
        body: dict[str, Any] = {"transition": {"id": step.id}, "fields": fields or {}}
        if comment is not None:
            body["update"] = {"comment": [{"add": {"body": comment}}]}
        moves.transition(self._site, self.account, issue, body)

    def comment(self, key: str, text: str) -> str:
        """Write a comment; its id."""
        issue = self._site.find(self.account, key)
        _, made = issues.comment(self._site, self.account, issue, text)
        return str(made.id)

    def edit(
        self,
        key: str,
        fields: dict[str, Any] | None = None,
        *,
        update: dict[str, Any] | None = None,
    ) -> None:
        """Set fields, in the form of the REST API, version 2."""
        issue = self._site.find(self.account, key)
        body = {"fields": fields or {}, "update": update or {}}
        issues.edit(self._site, self.account, issue, body)

    def move(self, key: str, project: str) -> str:
        """Move an issue to another project with the same workflow; its new key."""
        issue = self._site.find(self.account, key)
        return issues.move(self._site, self.account, issue, PROJECTS[project]).key

    def delete(self, key: str) -> None:
        """Take an issue away for good."""
        issues.delete(self._site, self.account, self._site.find(self.account, key))

    def approve(self, key: str) -> None:
        """Approve the pending approval of a service request."""
        self._answer(key, "approve")

    def decline(self, key: str) -> None:
        """Decline the pending approval of a service request."""
        self._answer(key, "decline")

    def _answer(self, key: str, decision: str) -> None:
        issue = self._site.find(self.account, key)
        if not issue.approvals:
            raise LookupError(f"{key} has no approval")
        approval = issue.pending_approval or issue.approvals[-1]
        moves.answer_approval(self._site, self.account, issue, str(approval.id), decision)
