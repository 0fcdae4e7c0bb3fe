"""Entra as a source of people: users and groups by delta queries.

A delta query gives everything the first time, by pages with a nextLink, and at its end a deltaLink
at which only changes are given later. What was deleted has `@removed`; members of groups come as
`members@delta`, those of a large group on several pages. A change has the id and at least what is
new, so what is not said is as it was. Tokens carry at most 200 groups and then only a link to them
(group overage), and only those of somebody who has just signed in; so groups are read here.
Sources, read 2026-11-29: learn.microsoft.com, "Get incremental changes for groups",
"Get incremental changes for users", "Configure group claims".
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.errors import NotFoundError, UnavailableError
from countersign.approvals.models import Account, DirectoryPage, Group, Membership
from countersign.approvals.ports import DirectorySource
from countersign.approvals.tickets import CheckResult
from countersign.connectors.entra.graph import Graph
from countersign.connectors.entra.settings import EntraDirectorySettings

USERS = "/v1.0/users/delta"
USERS_QUERY = {"$select": "id,displayName,mail,accountEnabled"}
GROUPS = "/v1.0/groups/delta"
GROUPS_QUERY = {"$select": "id,displayName,members"}
_USER, _GROUP = "#microsoft.graph.user", "#microsoft.graph.group"


class EntraSource(DirectorySource):
    """Implements `approvals.ports.DirectorySource`."""

    name = "entra"
    words = "Microsoft Entra"
    identity = "entra"
    lists_everybody = True

    def __init__(self, settings: EntraDirectorySettings, graph: Graph):
        self._settings, self._graph = settings, graph

    async def read(self, cursor: str | None) -> AsyncIterator[DirectoryPage]:
        """Users, then groups; the cursor has the deltaLinks of both."""
        links: dict[str, str] = {} if cursor is None else json.loads(cursor)
        users = links.get("users")
        async for answer, delta in self._pages("users", USERS, USERS_QUERY, users):
            users = delta
            yield DirectoryPage(accounts=tuple(_account(each) for each in _listed(answer)))
        groups = links.get("groups")
        async for answer, delta in self._pages("groups", GROUPS, GROUPS_QUERY, groups):
            groups = delta
            found = _listed(answer)
            yield DirectoryPage(
                groups=tuple(_group(each) for each in found if _says_itself(each)),
                memberships=tuple(each for group in found for each in _memberships(group)),
            )
        yield DirectoryPage(cursor=json.dumps({"users": users, "groups": groups}))

    async def check(self) -> Sequence[CheckResult]:
        """Whether users can be read, and each group that gives a role is there."""
        await self._graph.get("users", "/v1.0/users", {"$top": "1", "$select": "id"})
        results = [CheckResult(name="users", ok=True, said="can be read")]
        for group in self._settings.groups:
            what = f"group {group}"
            try:
                found = await self._graph.get(
                    what, f"/v1.0/groups/{group}", {"$select": "id,displayName"}
                )
            except NotFoundError:
                said = "is not there; correct its object id in directory.entra.groups"
                results.append(CheckResult(name=what, ok=False, said=said))
            else:
                said = f"is {well_formed(str(found.get('displayName')))}"
                results.append(CheckResult(name=what, ok=True, said=said))
        return results

    async def close(self) -> None:
        """Let go of the connections."""
        await self._graph.close()

    async def _pages(
        self, what: str, path: str, query: dict[str, str], link: str | None
    ) -> AsyncIterator[tuple[dict[str, Any], str | None]]:
        """Each answer; with the last one the link at which changes are given later."""
        answer = await self._graph.get(what, link or path, None if link else query)
        while True:
            following, delta = answer.get("@odata.nextLink"), answer.get("@odata.deltaLink")
            yield answer, delta if following is None else None
            if following is None:
                if not isinstance(delta, str):
                    raise UnavailableError(f"Graph ends {what} without a deltaLink.")
                return
            if not isinstance(following, str) or following == link:
                raise UnavailableError(f"Graph gives the same page of {what} again and again.")
            link = following
            answer = await self._graph.get(what, link)


def _listed(answer: dict[str, Any]) -> list[dict[str, Any]]:
    found = answer.get("value")
    if not isinstance(found, list) or not all(
        isinstance(each, dict) and isinstance(each.get("id"), str) for each in found
    ):
        raise UnavailableError("Graph gave an answer without a list of objects.")
    return found


def _account(user: dict[str, Any]) -> Account:
    """What is said of a user: who is deleted is not active, also while it could be undone."""
    if "@removed" in user:
        return Account(id=user["id"].lower(), active=False)
    enabled = user.get("accountEnabled")
    return Account(
        id=user["id"].lower(),
        name=_text(user, "displayName"),
        email=_text(user, "mail"),
        active=enabled is True if "accountEnabled" in user else None,
    )


def _says_itself(group: dict[str, Any]) -> bool:
    return "@removed" in group or "displayName" in group


def _group(group: dict[str, Any]) -> Group:
    name = _text(group, "displayName") or ""
    return Group(id=group["id"].lower(), name=name, is_gone="@removed" in group)


def _memberships(group: dict[str, Any]) -> list[Membership]:
    """Users and groups; devices and service principals decide nothing here."""
    members = group.get("members@delta", [])
    if not isinstance(members, list):
        raise UnavailableError("Graph gave members that are no list.")
    found = []
    for member in members:
        kind = member.get("@odata.type") if isinstance(member, dict) else None
        gone = isinstance(member, dict) and "@removed" in member
        if kind not in (_USER, _GROUP) and not gone:
            continue
        found.append(
            Membership(
                group_id=group["id"].lower(),
                member_id=str(member["id"]).lower(),
                is_group=kind == _GROUP,
                is_gone=gone,
            )
        )
    return found


def _text(raw: dict[str, Any], name: str) -> str | None:
    """What is said of it; None if nothing is, "" if it was emptied."""
    if name not in raw:
        return None
    value = raw[name]
    return well_formed(value) if isinstance(value, str) else ""
