"""The REST calls that we make of Jira: a handful of paths, each answered with JSON as it came.

Of the package `jira` they use the searches and its session; not `create_issue` (takes no
properties) and not `transition_issue` (goes by the transition's name, not by where it leads).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import requests
from jira import JIRA

from countersign.approvals.errors import UnavailableError
from countersign.connectors.jira.session import JiraSession
from countersign.connectors.jira.settings import JiraSettings

PAGE = 100
"""Issues of one answer: Cloud gives no more with the changelog."""
OPT_IN = {"X-ExperimentalApi": "opt-in"}
"""Data Center refuses to tell approvals without it. Source: confluence.atlassian.com/jirakb, "fix
common errors when using the REST API end points related to approvals", read 2026-11-25."""

Json = Mapping[str, Any]
"""A JSON object as it came: untrusted."""


class JiraClient:
    """Raises as `JiraSession.run`."""

    def __init__(self, settings: JiraSettings):
        self._cloud = settings.cloud
        self._session = JiraSession(settings)

    @property
    def site_time(self) -> datetime | None:
        """The time of the newest answer, by the site's own clock."""
        return self._session.site_time

    async def get(self, path: str, what: str, **query: Any) -> Any:
        """What a path below `/rest/api/2` holds."""
        return await self._session.run(what, partial(_get, f"/rest/api/2/{path}", query, {}))

    async def send(self, method: str, path: str, body: object, what: str) -> Any:
        """Write below `/rest/api/2`; what was answered, None if that is nothing."""
        work = partial(_send, method, f"/rest/api/2/{path}", body)
        return await self._session.run(what, work, write=True)

    async def search(self, jql: str, fields: Sequence[str], expand: str | None = None) -> list[Any]:
        """All issues that the index finds, by as many calls as there are pages."""
        found: list[Any] = []
        token: str | None = None
        while True:
            search = _search_cloud if self._cloud else _search_data_center
            work = partial(search, jql, list(fields), expand, token or len(found))
            answer = await self._session.run("a search", work)
            page = _listed(answer, "issues")
            found += page
            before, token = token, answer.get("nextPageToken")
            if token and token == before:
                raise UnavailableError("Jira gives the same page of a search again and again.")
            last = not token if self._cloud else len(found) >= _count(answer.get("total"))
            if last or not page:
                return found

    async def changelogs(self, issue_ids: Sequence[str], field_ids: Sequence[str]) -> list[Any]:
        """Cloud: the whole history of many issues, as far as it is about these fields."""
        body: dict[str, Any] = {"issueIdsOrKeys": list(issue_ids), "fieldIds": list(field_ids)}
        path, found = "/rest/api/3/changelog/bulkfetch", list[Any]()
        while True:
            work = partial(_send, "POST", path, body)
            answer = await self._session.run("reading histories", work)
            page = _listed(answer, "issueChangeLogs")
            found += page
            token = answer.get("nextPageToken")
            if not token or not page:
                return found
            body = {**body, "nextPageToken": token}

    async def approvals(self, issue_id: str) -> list[Any]:
        """The approvals of an issue in a service project."""
        path, found = f"/rest/servicedeskapi/request/{issue_id}/approval", list[Any]()
        while True:
            query = {"start": len(found), "limit": 50}
            answer = await self._session.run(
                "reading approvals", partial(_get, path, query, OPT_IN)
            )
            page = _listed(answer, "values")
            found += page
            if answer.get("isLastPage", True) or not page:
                return found

    async def close(self) -> None:
        """Wait for what is on its way, and let go of the connections."""
        await self._session.close()


def _get(path: str, query: Json, headers: Mapping[str, str], jira: JIRA) -> Any:
    return _body(jira._session.get(f"{jira.server_url}{path}", params=query, headers=headers))


def _send(method: str, path: str, body: object, jira: JIRA) -> Any:
    url, data = f"{jira.server_url}{path}", json.dumps(body)
    return _body(jira._session.request(method, url, data=data))


def _search_cloud(
    jql: str, fields: list[str], expand: str | None, token: str | int, jira: JIRA
) -> Any:
    return jira.enhanced_search_issues(
        jql,
        nextPageToken=token if isinstance(token, str) else None,
        maxResults=PAGE,
        fields=fields,
        expand=expand,
        json_result=True,
    )


def _search_data_center(
    jql: str, fields: list[str], expand: str | None, start: str | int, jira: JIRA
) -> Any:
    return jira.search_issues(
        jql, startAt=int(start), maxResults=PAGE, fields=fields, expand=expand, json_result=True
    )


def _body(answer: requests.Response) -> Any:
    return answer.json() if answer.content else None


def _listed(answer: Any, name: str) -> list[Any]:
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise UnavailableError(f"Jira gave an answer without {name}.")
    return found


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
