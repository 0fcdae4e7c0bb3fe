"""Searches: Cloud's with page tokens and an index that lags, Data Center's with totals."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from countersign.sandbox.jira import jql, shapes
from countersign.sandbox.jira.call import (
    Call,
    Routes,
    number,
    split,
)
from countersign.sandbox.jira.inputs import body_of
from countersign.sandbox.jira.jql_match import Matcher
from countersign.sandbox.jira.model import Issue
from countersign.sandbox.jira.refusals import BAD_PAYLOAD, JiraError

REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full "
    "migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
UNBOUNDED = (
    "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
)
MOST_IDS, MOST_ISSUES, MOST_WITH_CHANGELOG = 5_000, 1_000, 100
"""A page holds 5000 issues if only ids are asked for and fewer otherwise; how many fewer is not
documented: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/
(read 2026-11-25)."""
MOST_PROPERTIES, MOST_RECONCILED = 5, 50
MOST_CHANGELOGS, MOST_FIELD_IDS = 1_000, 10
_KEYS = (
    "jql",
    "nextPageToken",
    "maxResults",
    "fields",
    "expand",
    "properties",
    "fieldsByKeys",
    "failFast",
    "reconcileIssues",
)


async def removed(_: Call) -> Any:
    """`/search` on Cloud: gone."""
    raise JiraError(410, REMOVED)


async def search(call: Call) -> Any:
    """`GET` or `POST /search/jql`: `{issues, isLast, nextPageToken}`, no total."""
    asked = await _asked(call)
    text = asked.get("jql") or ""
    query = jql.parse(text)
    if query.where is None:
        raise JiraError(400, UNBOUNDED)
    if len(asked["properties"]) > MOST_PROPERTIES:
        raise JiraError(400, f"At most {MOST_PROPERTIES} issue properties can be requested.")
    issues = _reconciled(call, asked["reconcileIssues"])
    found = Matcher(call.site, call.actor).run(query, issues)
    only_ids = set(asked["fields"]) <= {"id", "key"}
    with_changelog = "changelog" in asked["expand"]
    most = MOST_WITH_CHANGELOG if with_changelog else MOST_IDS if only_ids else MOST_ISSUES
    size = max(1, number(asked.get("maxResults", 50), "maxResults", most=most))
    start = _start(asked.get("nextPageToken"), text)
    page = found[start : start + size]
    answer: dict[str, Any] = {
        "issues": [_shown(call, issue, asked) for issue in page],
        "isLast": start + size >= len(found),
    }
    if not answer["isLast"]:
        answer["nextPageToken"] = _token(start + size, text)
    return answer


async def _asked(call: Call) -> dict[str, Any]:
    """The parameters of a search, lists as lists, wherever they came from."""
    if call.request.method == "GET":
        asked: dict[str, Any] = dict(call.request.query)
        lists = {name: call.names(name) for name in ("fields", "expand", "properties")}
        lists["reconcileIssues"] = call.names("reconcileIssues")
    else:
        asked = body_of(await call.body(), *_KEYS)
        lists = {
            name: _list(asked.get(name, []))
            for name in ("fields", "expand", "properties", "reconcileIssues")
        }
    lists["fields"] = lists["fields"] or ["id"]
    return {**asked, **lists}


def _list(value: Any) -> list[str]:
    if isinstance(value, str):
        return split([value])
    if not isinstance(value, list):
        raise JiraError(400, BAD_PAYLOAD)
    return [str(entry) for entry in value]


def _reconciled(call: Call, ids: list[str]) -> list[Issue]:
    """What the index shows, with the named issues as they really are now."""
    if len(ids) > MOST_RECONCILED:
        raise JiraError(400, f"At most {MOST_RECONCILED} issues can be reconciled.")
    wanted = {int(number(one, "reconcileIssues", most=2**53)) for one in ids}
    seen = {issue.id: issue for issue in call.site.searchable(call.actor)}
    for issue in call.site.store.all():
        if issue.id in wanted and call.site.access.may(
            call.actor, issue.project, "BROWSE_PROJECTS"
        ):
            seen[issue.id] = issue
    return list(seen.values())


def _shown(call: Call, issue: Issue, asked: dict[str, Any]) -> dict[str, Any]:
    if asked["fields"] == ["id"] and not asked["expand"] and not asked["properties"]:
        return {"id": str(issue.id)}
    return shapes.issue(
        call.view,
        call.actor,
        issue,
        fields=asked["fields"],
        expand=asked["expand"],
        properties=asked["properties"],
        histories=call.site.changelog_limit,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _token(start: int, text: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([start, _digest(text)]).encode()).decode()


def _start(token: Any, text: str) -> int:
    """Where the page begins. Raises JiraError 400 for a token of another query."""
    if not token:
        return 0
    try:
        start, digest = json.loads(base64.urlsafe_b64decode(str(token)))
        if digest != _digest(text):
            raise ValueError(token)
    except (binascii.Error, ValueError, TypeError) as error:
        raise JiraError(400, "The provided next page token is invalid or expired.") from error
    return int(start)


async def search_data_center(call: Call) -> Any:
    """`GET` or `POST /search` on Data Center: `{startAt, maxResults, total, issues}`."""
    if call.request.method == "GET":
        asked: dict[str, Any] = {**call.request.query}
        lists = {name: call.names(name) for name in ("fields", "expand", "properties")}
    else:
        asked = body_of(
            await call.body(),
            "jql",
            "startAt",
            "maxResults",
            "fields",
            "expand",
            "properties",
            "validateQuery",
        )
        lists = {name: _list(asked.get(name, [])) for name in ("fields", "expand", "properties")}
    start = number(asked.get("startAt", 0), "startAt", most=10**9)
    size = number(asked.get("maxResults", 50), "maxResults", most=MOST_ISSUES)
    matcher = Matcher(call.site, call.actor)
    found = matcher.run(jql.parse(asked.get("jql") or ""), call.site.searchable(call.actor))
    shown = {**asked, **lists, "fields": lists["fields"] or ["*navigable"]}
    return {
        "expand": "schema,names",
        "startAt": start,
        "maxResults": size,
        "total": len(found),
        "issues": [_shown(call, issue, shown) for issue in found[start : start + size]],
    }


async def bulk_changelogs(call: Call) -> Any:
    """`POST /changelog/bulkfetch`: histories of many issues, the oldest first.

    `created` is a number here, milliseconds, although the reference shows a date: measured on
    live sites by several users (repositories found by code search, read 2026-11-25).
    """
    body = body_of(await call.body(), "issueIdsOrKeys", "fieldIds", "maxResults", "nextPageToken")
    wanted, field_ids = _list(body.get("issueIdsOrKeys")), _list(body.get("fieldIds", []))
    if not 0 < len(wanted) <= MOST_CHANGELOGS:
        raise JiraError(
            400,
            "You may only load changelogs for a maximum of 1,000 issues by ID or key at a time.",
        )
    if len(field_ids) > MOST_FIELD_IDS:
        raise JiraError(400, f"You may only filter by a maximum of {MOST_FIELD_IDS} field IDs.")
    entries = []
    for name in dict.fromkeys(wanted):
        issue = call.site.store.get(name)
        if issue is None or not call.site.access.may(call.actor, issue.project, "BROWSE_PROJECTS"):
            continue
        for history in issue.histories:
            kept = [c for c in history.changes if not field_ids or c.field_id in field_ids]
            if kept:
                chosen = history.model_copy(update={"changes": tuple(kept)})
                entries.append((history.at, issue.id, chosen))
    entries.sort(key=lambda entry: entry[:2])
    size = max(1, number(body.get("maxResults", 1_000), "maxResults", most=10_000))
    key = json.dumps([sorted(wanted), sorted(field_ids)])
    start = _start(body.get("nextPageToken"), key)
    grouped: dict[int, list[dict[str, Any]]] = {}
    for _, issue_id, history in entries[start : start + size]:
        grouped.setdefault(issue_id, []).append(call.view.history(history, in_ms=True))
    more = start + size < len(entries)
    logs = [{"issueId": str(i), "changeHistories": found} for i, found in grouped.items()]
    return {"issueChangeLogs": logs, "nextPageToken": _token(start + size, key) if more else None}


def add_routes(routes: Routes, *, cloud: bool) -> None:
    """The searches of this deployment."""
    for method in ("GET", "POST"):
        routes.add(method, "/search", removed if cloud else search_data_center)
        if cloud:
            routes.add(method, "/search/jql", search)
    if cloud:
        routes.add("POST", "/changelog/bulkfetch", bulk_changelogs)
