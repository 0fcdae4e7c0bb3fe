"""Checks of a Jira site for `countersign doctor`; each finding says what to do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from countersign.approvals.errors import CountersignError
from countersign.approvals.models import Principal
from countersign.approvals.tickets import CheckResult
from countersign.connectors.jira import jql, wire
from countersign.connectors.jira.client import JiraClient
from countersign.connectors.jira.opening import status_names
from countersign.connectors.jira.people import People
from countersign.connectors.jira.settings import OURS, JiraSettings

PERMISSIONS = {
    "BROWSE_PROJECTS": "Browse projects",
    "CREATE_ISSUES": "Create issues",
    "EDIT_ISSUES": "Edit issues",
    "ASSIGN_ISSUES": "Assign issues",
    "TRANSITION_ISSUES": "Transition issues",
    "ADD_COMMENTS": "Add comments",
}
APPROVERS_LIMIT = 50
"""People who are looked up."""
LOCAL = "docs/jira.md"


async def check(
    client: JiraClient, settings: JiraSettings, people: People, approvers: Sequence[Principal]
) -> list[CheckResult]:
    """Everything that can be wrong; what depends on a sign-in is left out without one."""
    looking = Checks(client, settings, people)
    results = [await _looked("credentials", looking.credentials)]
    if results[0].ok:
        for name, look in looking.others():
            results.append(await _looked(name, look))
        for person in approvers[:APPROVERS_LIMIT]:
            results.append(await looking.approver(person))
    secret = bool(settings.webhook_secrets)
    said = (
        "is set"
        if secret
        else f"is not set, so webhooks are refused and decisions wait for the next poll: {LOCAL}"
    )
    results.append(CheckResult(name="webhook secret", ok=secret, said=said))
    return results


Look = Callable[[], Awaitable[str]]


class _WrongError(Exception):
    """What was found is wrong; the text says what to do."""


class Checks:
    """The looks. Each returns what it found, or raises what is wrong."""

    def __init__(self, client: JiraClient, settings: JiraSettings, people: People):
        self._client, self._settings, self._people = client, settings, people

    def others(self) -> list[tuple[str, Look]]:
        """Names and looks, in the order in which they make sense."""
        found: list[tuple[str, Look]] = [
            ("project", self.project),
            ("permissions", self.permissions),
            ("issue type", self.issue_type),
            ("statuses", self.statuses),
            ("search", self.search),
            ("transitions", self.transitions),
        ]
        if self._settings.approver_field or self._settings.changes_field:
            found.append(("fields", self.fields))
        return found

    async def credentials(self) -> str:
        """Who we are there."""
        who = wire.account(await self._client.get("myself", "who we are"))
        if who.id is None:
            raise _WrongError("Jira does not say who we are; check connectors.jira.auth.")
        await self._people.own()
        return f"signed in to {self._settings.url} as {who.name} ({who.id})"

    async def project(self) -> str:
        """Whether the project is there, and of the right kind."""
        key = self._settings.project
        found = await self._client.get(f"project/{key}", f"the project {key}")
        kind = found.get("projectTypeKey")
        if self._settings.approval == "jsm" and kind != "service_desk":
            raise _WrongError(
                f"{key} is no service project, so it has no approvals; set "
                "connectors.jira.approval to status."
            )
        return f"{found.get('name')} ({key})"

    async def permissions(self) -> str:
        """Whether our account may do what we do."""
        needed = [p for p in PERMISSIONS if p != "ASSIGN_ISSUES" or self._settings.assign]
        project = self._settings.project
        by = "projectId" if project.isdecimal() else "projectKey"
        answer = await self._client.get(
            "mypermissions", "our permissions", permissions=",".join(needed), **{by: project}
        )
        held = answer.get("permissions", {})
        missing = [p for p in needed if not held.get(p, {}).get("havePermission")]
        if missing:
            names = ", ".join(PERMISSIONS[p] for p in missing)
            raise _WrongError(
                f"our account lacks: {names}. Grant them in the permission scheme of {project}."
            )
        return ", ".join(PERMISSIONS[p] for p in needed)

    async def issue_type(self) -> str:
        """Whether issues can be made with what the settings give."""
        settings = self._settings
        path = f"issue/createmeta/{settings.project}/issuetypes"
        answer = await self._client.get(path, "the issue types", maxResults=100)
        kinds = _entries(answer, "issueTypes", "values")
        wanted = [k for k in kinds if settings.issue_type in (str(k.get("id")), k.get("name"))]
        if not wanted:
            names = ", ".join(f"{k.get('name')} ({k.get('id')})" for k in kinds) or "none"
            raise _WrongError(
                f"{settings.project} has no issue type {settings.issue_type} that our account can "
                f"create; there are: {names}. Set connectors.jira.issue_type."
            )
        path = f"{path}/{wanted[0].get('id')}"
        answer = await self._client.get(path, "the fields of new issues", maxResults=200)
        given = {*OURS, *settings.fields, settings.approver_field}
        missing = [
            f"{field.get('name')} ({field.get('fieldId')})"
            for field in _entries(answer, "fields", "values")
            if field.get("required")
            and not field.get("hasDefaultValue")
            and field.get("fieldId") not in given
        ]
        if missing:
            raise _WrongError(
                f"new issues need: {', '.join(missing)}. Give them values under "
                "connectors.jira.fields, or make them optional."
            )
        return f"{wanted[0].get('name')}; no required field is missing"

    async def statuses(self) -> str:
        """Whether every configured status is there."""
        statuses, project = self._settings.statuses, self._settings.project
        raw = await self._client.get(f"project/{project}/statuses", "the statuses")
        known = status_names(raw)
        closed = [statuses.closed] if statuses.closed else []
        unknown = [s for s in (*sorted(statuses.mapped), *closed) if s not in known]
        if unknown:
            there = ", ".join(f"{name} = {number}" for number, name in sorted(known.items()))
            raise _WrongError(
                f"{project} has no status {', '.join(unknown)}; it has: {there}. Correct "
                "connectors.jira.statuses."
            )
        named = ((kind, getattr(statuses, kind)) for kind in ("pending", "approved", "rejected"))
        return "; ".join(f"{kind}: {', '.join(known[s] for s in ids)}" for kind, ids in named)

    async def search(self) -> str:
        """Whether the query of the poll is answered."""
        found = await self._client.search(jql.waiting(self._settings), ["status"])
        return f"{len(found)} open tickets"

    async def transitions(self) -> str:
        """Whether the workflow leads from pending to a decision; an open ticket has to show it."""
        found = await self._client.search(jql.waiting(self._settings), ["status"], "transitions")
        statuses = self._settings.statuses
        for raw in found[:20]:
            if _id(raw, "fields", "status") not in statuses.pending:
                continue
            steps = raw.get("transitions")
            leads = {_id(step, "to") for step in steps} if isinstance(steps, list) else set()
            lacking = [
                name
                for name in ("approved", "rejected")
                if not leads.intersection(getattr(statuses, name))
            ]
            if lacking and self._settings.approval == "status":
                raise _WrongError(
                    f"from where {raw.get('key')} waits, our account can reach no status of "
                    f"{' and '.join(lacking)}. Add the transitions to the workflow; only people "
                    "use them to decide, but our account closes tickets by them."
                )
            return f"as {raw.get('key')} shows"
        return "no ticket waits now that would show them"

    async def fields(self) -> str:
        """Whether the configured fields are there, and of the right kind."""
        raw = await self._client.get("field", "the fields")
        known = {f.get("id"): f for f in raw if isinstance(f, dict)}
        found = []
        for setting in ("approver_field", "changes_field"):
            name = getattr(self._settings, setting)
            if name is None:
                continue
            if name not in known:
                raise _WrongError(f"there is no {name}; correct connectors.jira.{setting}.")
            schema = known[name].get("schema") or {}
            several = schema.get("type") == "array"
            if setting == "approver_field" and several != self._settings.approver_field_multiple:
                raise _WrongError(
                    f"{name} takes {'several people' if several else 'one person'}; set "
                    f"connectors.jira.approver_field_multiple to {str(several).lower()}."
                )
            found.append(f"{known[name].get('name')} ({name})")
        return ", ".join(found)

    async def approver(self, person: Principal) -> CheckResult:
        """Whether somebody who is asked can be."""

        async def look() -> str:
            raw = await self._people.found(person)
            if wire.account(raw).id == await self._people.own():
                raise _WrongError(
                    f"{person.name} has our own account, which opens the tickets and so cannot "
                    "decide them. Correct `identities: {jira: …}` in `people`, or give the "
                    "integration an account of its own (connectors.jira.auth)."
                )
            if not raw.get("active", True):
                raise _WrongError(f"the account of {person.name} is not active.")
            if self._settings.assign and not await self._people.assignable(person, raw):
                raise _WrongError(
                    f"{person.name} cannot be assigned issues in {self._settings.project}. Grant "
                    "“Assignable user” in its permission scheme, or set connectors.jira.assign to "
                    "false."
                )
            return f"{person.name} is {raw.get('displayName')}"

        return await _looked(f"approver {person.id}", look)


async def _looked(name: str, look: Look) -> CheckResult:
    try:
        return CheckResult(name=name, ok=True, said=await look())
    except (CountersignError, _WrongError) as exc:
        return CheckResult(name=name, ok=False, said=str(exc))
    except (AttributeError, TypeError, KeyError):
        said = "Jira gave an answer that cannot be read."
        return CheckResult(name=name, ok=False, said=said)


def _entries(answer: Any, *names: str) -> list[dict[str, Any]]:
    for name in names:
        found = answer.get(name)
        if isinstance(found, list):
            return [entry for entry in found if isinstance(entry, dict)]
    return []


def _id(raw: Any, *path: str) -> str:
    for name in path:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return str(raw.get("id")) if isinstance(raw, dict) else ""
