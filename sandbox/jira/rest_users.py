"""The REST resources of people and groups."""

from __future__ import annotations

from typing import Any

from countersign.sandbox.jira.call import Call
from countersign.sandbox.jira.refusals import JiraError


async def user(call: Call) -> Any:
    """`GET /user?accountId=` (Data Center `?username=` or `?key=`)."""
    directory = call.site.directory
    if call.site.cloud:
        found = directory.get(call.query("accountId"))
    else:
        found = directory.named(call.query("username")) or next(
            (a for a in directory if a.user_key == call.query("key")), None
        )
    if found is None:
        raise JiraError(
            404, "Specified user does not exist or you do not have required permissions"
        )
    return call.view.user(found.account_id)


async def users(call: Call) -> Any:
    """`GET /user/search?query=` (Data Center `?username=`): names and addresses that begin so."""
    if call.site.cloud and call.query("accountId"):
        found = call.site.directory.get(call.query("accountId"))
        return [call.view.user(found.account_id)] if found else []
    wanted = call.query("query" if call.site.cloud else "username").lower()
    if not wanted:
        raise JiraError(400, "At least one query parameter must be provided")
    return [
        call.view.user(account.account_id)
        for account in call.site.directory
        if any(
            part.startswith(wanted)
            for part in (*account.display_name.lower().split(), account.display_name.lower())
        )
        or account.email.startswith(wanted)
        or (not call.site.cloud and account.login.startswith(wanted))
    ]


async def group_members(call: Call) -> Any:
    """`GET /group/member`: by pages of at most 50, ordered by name; without
    `includeInactiveUsers=true` only those who are active.

    Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-groups/ (read
    2026-11-29).
    """
    directory = call.site.directory
    named = call.query("groupId"), call.query("groupname")
    if all(named) or not any(named):
        raise JiraError(400, "Exactly one of groupId and groupname is required.")
    group = directory.group(*named) if call.site.cloud or named[1] else None
    if group is None:
        raise JiraError(404, "The group was not found.")
    members = [account for account in map(directory.get, group.members) if account is not None]
    if call.query("includeInactiveUsers") != "true":
        members = [each for each in members if each.account_id not in directory.inactive]
    members.sort(key=lambda account: account.login)
    start, size = call.number("startAt", 0, most=10**9), call.number("maxResults", 50, most=50)
    shown = members[start : start + size]
    return {
        "self": f"{call.view.rest}/group/member?groupname={group.name}",
        "maxResults": size,
        "startAt": start,
        "total": len(members),
        "isLast": start + size >= len(members),
        "values": [call.view.user(account.account_id) for account in shown],
    }
