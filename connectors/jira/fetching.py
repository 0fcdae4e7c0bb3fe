"""Whole issues, by search or by id, many at once; what was cut short is completed.

A search shows only the newest histories and comments of each issue (Cloud: 40 and 20). Source:
developer.atlassian.com, "Search for issues using JQL enhanced search", and faros-ai/airbyte-
connectors pull request 2003, read 2026-11-25.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from countersign.approvals.errors import NotFoundError, UnavailableError
from countersign.connectors.jira import jql, wire
from countersign.connectors.jira.approvals import Answers, answers
from countersign.connectors.jira.client import JiraClient
from countersign.connectors.jira.settings import JiraSettings
from countersign.connectors.jira.wire import Issue, MalformedError

log = structlog.get_logger(__name__)

TRIES = 3


class UnreadableError(UnavailableError):
    """One issue is in a form that cannot be read; others may well be."""

    def __init__(self, issue: str):
        super().__init__(f"Jira gave {issue} in a form that cannot be read.")


class Fetching:
    """Reads, and parses what it reads; an issue that cannot be parsed is logged and left out."""

    def __init__(self, client: JiraClient, settings: JiraSettings):
        self._client, self._settings = client, settings
        self._changes_names: tuple[str, ...] | None = None
        self._answers: dict[str, tuple[str, Answers]] = {}

    async def waiting(self) -> list[Issue]:
        """Every issue that is marked as open."""
        return await self._search(jql.waiting(self._settings))

    async def changed(self, since: datetime) -> list[Issue]:
        """Our issues that have changed since then, and somewhat before.

        Both times are the site's own. How far the query has to reach is guessed from its newest
        answer, and checked against the time of the answer to the query itself.
        """
        minutes = self._minutes(since) + 1
        for _ in range(TRIES):
            found = await self._search(jql.changed(self._settings, minutes))
            needed = self._minutes(since)
            if needed <= minutes:
                return found
            minutes = needed + 1
        raise UnavailableError("Jira's clock jumps; its changes cannot be read.")

    async def carrying(self, key: str) -> list[Issue]:
        """Issues with the label of an order, the first made first."""
        label = self._settings.order_label(key)
        fields = [name for name in wire.FIELDS if name != "comment"]
        raw = await self._client.search(jql.order(self._settings, key), fields)
        found = [issue for issue in await self._parsed(raw) if label in issue.labels]
        return sorted(found, key=lambda issue: (issue.created_at, int(issue.id)))

    async def one(self, issue_id: str) -> Issue:
        """The issue as it is now. Raises NotFoundError."""
        raw = await self._client.get(
            f"issue/{issue_id}",
            f"issue {issue_id}",
            fields=",".join(self._fields()),
            expand="changelog",
        )
        found = await self._completed(await self._parsed([raw]))
        if not found:
            raise UnreadableError(f"issue {issue_id}")
        return found[0]

    async def answers(self, issue: Issue, *, fresh: bool = True) -> Answers:
        """What people answered to its approvals; not `fresh`: what is known, if it is unchanged."""
        known = self._answers.get(issue.id)
        if known is not None and not fresh and known[0] == issue.updated:
            return known[1]
        try:
            found = answers(await self._client.approvals(issue.id))
        except NotFoundError as exc:  # moved out of its service project, or hidden there
            raise UnreadableError(f"approvals of {issue.key}") from exc
        except MalformedError as exc:
            raise UnreadableError(issue.key) from exc
        self._answers[issue.id] = (issue.updated, found)
        return found

    def forget_answers(self, but: Sequence[Issue]) -> None:
        """Remember approvals of these issues only."""
        kept = {issue.id for issue in but}
        self._answers = {name: known for name, known in self._answers.items() if name in kept}

    async def _search(self, query: str) -> list[Issue]:
        raw = await self._client.search(query, self._fields(), "changelog")
        return await self._completed(await self._parsed(raw))

    def _fields(self) -> list[str]:
        return [*wire.FIELDS]

    def _minutes(self, since: datetime) -> int:
        now = self._client.site_time or since
        reach = now - since + timedelta(seconds=self._settings.overlap)
        return max(math.ceil(reach.total_seconds() / 60), 1)

    async def _parsed(self, raw: Sequence[Any]) -> list[Issue]:
        names, field = await self._names_of_changes(), self._settings.changes_field or ""
        found = []
        for entry in raw:
            try:
                found.append(wire.issue(entry, names, field))
            except MalformedError as exc:
                which = entry.get("key") if isinstance(entry, dict) else None
                log.warning("issue cannot be read", issue=str(which)[:80], reason=str(exc))
        return found

    async def _names_of_changes(self) -> tuple[str, ...]:
        """What histories call the field for changes where they do not say its id."""
        field = self._settings.changes_field
        if self._changes_names is None and (field is None or self._settings.cloud):
            self._changes_names = ()
        if self._changes_names is None:
            raw = await self._client.get("field", "the fields")
            entries = [e for e in raw if isinstance(e, dict)] if isinstance(raw, list) else []
            self._changes_names = tuple(str(e.get("name")) for e in entries if e.get("id") == field)
        return self._changes_names

    async def _completed(self, issues: Sequence[Issue]) -> list[Issue]:
        """The issues with all their histories, and the comments of those that were answered."""
        short = [issue.id for issue in issues if not issue.histories_complete]
        whole = await self._histories(short) if short else {}
        found = []
        for issue in issues:
            if not issue.histories_complete:
                if issue.id not in whole:
                    log.warning("history cannot be read whole", issue=issue.key)
                    continue
                issue = issue.model_copy(update={"histories": whole[issue.id]})
            found.append(issue)
        whole_ones = await asyncio.gather(*(self._with_remarks(issue) for issue in found))
        return [issue for issue in whole_ones if issue is not None]

    async def _histories(self, ids: Sequence[str]) -> dict[str, tuple[wire.History, ...]]:
        if not self._settings.cloud:
            return {}  # Data Center gives whole histories, or nothing to read them by
        field = self._settings.changes_field
        names = [*wire.HISTORY_FIELDS, *([field] if field else [])]
        raw: dict[str, list[Any]] = {issue_id: [] for issue_id in ids}
        for entry in await self._client.changelogs(ids, names):
            logs = entry.get("changeHistories") if isinstance(entry, dict) else None
            raw.setdefault(str(entry.get("issueId")), []).extend(logs or [])
        found = {}
        for issue_id, entries in raw.items():
            try:
                found[issue_id] = wire.histories(entries)
            except MalformedError as exc:
                log.warning("history cannot be read", issue=issue_id, reason=str(exc))
        return found

    async def _with_remarks(self, issue: Issue) -> Issue | None:
        if issue.remarks_complete or not any(h.of("status") for h in issue.histories):
            return issue
        raw = await self._client.get(
            f"issue/{issue.id}/comment",
            f"the comments of {issue.key}",
            maxResults=100,
            orderBy="-created",
        )
        said = raw.get("comments") if isinstance(raw, dict) else None
        try:
            return issue.model_copy(update={"remarks": wire.remarks(said or [])})
        except MalformedError as exc:
            log.warning("comments cannot be read", issue=issue.key, reason=str(exc))
            return None
