"""Jira's groups as a source of people: the members of those that give roles.

By pages of at most 50, which Jira orders by user name: who joins or leaves meanwhile moves others
from page to page, so a group whose size changes is read again. Source: developer.atlassian.com,
"Get users from group" (`GET /rest/api/3/group/member`, groupId, includeInactiveUsers, startAt,
isLast), read 2026-11-29. Cloud tells e-mail addresses only of those who show theirs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.errors import NotFoundError, UnavailableError
from countersign.approvals.models import Account, DirectoryPage, Group, Membership
from countersign.approvals.ports import DirectorySource
from countersign.approvals.tickets import CheckResult
from countersign.connectors.directories import JiraGroupsSection
from countersign.connectors.jira.client import JiraClient
from countersign.connectors.jira.settings import JiraSettings

PAGE = 50
TRIES = 3


class JiraGroups(DirectorySource):
    """Implements `approvals.ports.DirectorySource`."""

    name = "jira"
    words = "Jira"
    identity = "jira"
    lists_everybody = False

    def __init__(self, client: JiraClient, settings: JiraSettings, section: JiraGroupsSection):
        self._client, self._cloud, self._groups = client, settings.cloud, list(section.groups)

    async def read(self, cursor: str | None) -> AsyncIterator[DirectoryPage]:
        """Always all of them; Jira does not tell changes."""
        for group in self._groups:
            for _ in range(TRIES):
                start, total = 0, None
                while True:
                    answer = await self._members(group, start)
                    members = answer["values"]
                    if moved := total is not None and answer.get("total") != total:
                        break
                    total = answer.get("total")
                    yield self._page(group, members)
                    start += len(members)
                    if answer.get("isLast", True) or not members:
                        break
                if not moved:
                    break
            else:
                raise UnavailableError(f"Jira's group {group} changes while it is read.")

    async def check(self) -> Sequence[CheckResult]:
        """Whether each group can be read."""
        results = []
        for group in self._groups:
            answer = await self._members(group, 0)
            said = f"has {answer.get('total')} members"
            results.append(CheckResult(name=f"group {group}", ok=True, said=said))
        return results

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def _members(self, group: str, start: int) -> dict[str, Any]:
        named = {"groupId": group} if self._cloud else {"groupname": group}
        try:
            answer = await self._client.get(
                "group/member",
                f"the members of the group {group}",
                includeInactiveUsers="true",
                startAt=start,
                maxResults=PAGE,
                **named,
            )
        except NotFoundError as exc:
            raise UnavailableError(
                f"Jira has no group {group}, or hides it from us; correct directory.jira.groups, "
                "or give our account the permission to browse users and groups."
            ) from exc
        if not isinstance(answer, dict) or not isinstance(answer.get("values"), list):
            raise UnavailableError(f"Jira gave no list of the members of the group {group}.")
        return answer

    def _page(self, group: str, members: list[Any]) -> DirectoryPage:
        accounts = [self._account(member) for member in members]
        return DirectoryPage(
            accounts=tuple(accounts),
            groups=(Group(id=group, name=group),),
            memberships=tuple(
                Membership(group_id=group, member_id=account.id) for account in accounts
            ),
        )

    def _account(self, raw: Any) -> Account:
        found = raw.get("accountId" if self._cloud else "key") if isinstance(raw, dict) else None
        if not isinstance(found, str) or not found:
            raise UnavailableError("Jira gave a member of a group without an id.")
        return Account(
            id=found,
            name=well_formed(str(raw.get("displayName") or "")),
            email=well_formed(str(raw.get("emailAddress") or "")),
            active=raw.get("active") is True,
        )
