"""Who may do what: project permissions and the conditions of single transitions."""

from __future__ import annotations

from countersign.sandbox.jira.catalog import PROJECTS
from countersign.sandbox.jira.people import BOT, MALLORY, Account
from countersign.sandbox.jira.refusals import JiraError, not_found

PERMISSIONS = {
    "BROWSE_PROJECTS": "Browse Projects",
    "CREATE_ISSUES": "Create Issues",
    "EDIT_ISSUES": "Edit Issues",
    "ASSIGN_ISSUES": "Assign Issues",
    "TRANSITION_ISSUES": "Transition Issues",
    "ADD_COMMENTS": "Add Comments",
    "DELETE_ISSUES": "Delete Issues",
    "ADMINISTER": "Administer Jira",
}
"""Keys and names of https://support.atlassian.com/jira-cloud-administration/docs/
permissions-for-company-managed-projects/ (read 2026-11-25)."""

_COLLEAGUE = frozenset(PERMISSIONS) - {"ADMINISTER"}
_BOT = _COLLEAGUE - {"DELETE_ISSUES"}
_STRANGER = frozenset({"BROWSE_PROJECTS", "ADD_COMMENTS", "TRANSITION_ISSUES"})


class Access:
    """The grants, which tests change, and the checks that every request passes."""

    def __init__(self) -> None:
        self._grants: dict[tuple[str, str], frozenset[str]] = {}
        self._allowed: dict[str, frozenset[str]] = {}

    def of(self, actor: Account, project: str) -> frozenset[str]:
        """The permissions of `actor` in the project."""
        standard = {BOT.login: _BOT, MALLORY.login: _STRANGER}.get(actor.login, _COLLEAGUE)
        return self._grants.get((actor.login, project), standard)

    def grant(self, login: str, project: str, permissions: set[str]) -> None:
        """Let this person do exactly this in the project. An empty set hides the project."""
        unknown = permissions - set(PERMISSIONS)
        if unknown or project not in PROJECTS:
            raise LookupError(f"unknown: {', '.join(sorted(unknown)) or project}")
        self._grants[(login, project)] = frozenset(permissions)

    def restrict_transition(self, transition_id: str, logins: set[str] | None) -> None:
        """Add a workflow condition: only these people see the transition; None takes it away."""
        if logins is None:
            self._allowed.pop(transition_id, None)
        else:
            self._allowed[transition_id] = frozenset(logins)

    def may(self, actor: Account, project: str, permission: str) -> bool:
        """Whether `actor` has the permission and may see the project at all."""
        found = self.of(actor, project)
        return "BROWSE_PROJECTS" in found and permission in found

    def may_transition(self, actor: Account, project: str, transition_id: str) -> bool:
        """Whether the workflow offers this transition to `actor`."""
        allowed = self._allowed.get(transition_id)
        return self.may(actor, project, "TRANSITION_ISSUES") and (
            allowed is None or actor.login in allowed
        )

    def require(self, actor: Account, project: str, permission: str, doing: str) -> None:
        """Raise JiraError: 404 if the project is hidden from `actor`, 403 if this is refused."""
        if not self.may(actor, project, "BROWSE_PROJECTS"):
            raise not_found()
        if not self.may(actor, project, permission):
            raise JiraError(403, f"You do not have permission to {doing}.")
