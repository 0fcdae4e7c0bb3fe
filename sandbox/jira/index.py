"""The search index: it hears of changes late, as Cloud's does."""

from __future__ import annotations

import time
from collections.abc import Iterable

from countersign.sandbox.jira.model import Issue

MAX_LAG_S = 600.0
"""Older versions than this are dropped, so no search can lag further."""


class SearchIndex:
    """Versions of issues; a search sees the newest that is at least `lag_s` old.

    Source: "no read-after-write by default, delay may be a few seconds to minutes",
    https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/ (read 2026-11-25).
    """

    def __init__(self, issues: Iterable[Issue]) -> None:
        self.lag_s = 0.0
        self._versions: dict[int, list[tuple[float, Issue | None]]] = {
            issue.id: [(float("-inf"), issue)] for issue in issues
        }

    def put(self, issue_id: int, issue: Issue | None) -> None:
        """A new version; None for a deleted issue."""
        now = time.monotonic()
        versions = self._versions.setdefault(issue_id, [(float("-inf"), None)])
        versions.append((now, issue))
        while len(versions) > 1 and versions[1][0] <= now - MAX_LAG_S:
            del versions[0]

    def visible(self) -> list[Issue]:
        """What a search may show now, in the order of creation."""
        seen_until = time.monotonic() - min(self.lag_s, MAX_LAG_S)
        found = []
        for versions in self._versions.values():
            issue = next(issue for at, issue in reversed(versions) if at <= seen_until)
            if issue is not None:
                found.append(issue)
        return found
