"""Which parts of an issue a request gets: chosen fields, expanded changelog, properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from countersign.sandbox.jira import moves
from countersign.sandbox.jira.model import History, Issue
from countersign.sandbox.jira.people import Account
from countersign.sandbox.jira.render import View

EXPANDABLE = "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations"
CHANGELOG_PAGE = 100


def chosen(fields: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The fields that `names` choose: ids, `*all`, `*navigable`, and `-id` to leave one out.

    Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
    (read 2026-11-25).
    """
    left_out = {name[1:] for name in names if name.startswith("-")}
    wanted = {name for name in names if not name.startswith("-")} or {"*all"}
    if "*all" in wanted:
        found = fields
    elif "*navigable" in wanted:
        found = {k: v for k, v in fields.items() if k != "comment" or k in wanted}
    else:
        found = {k: v for k, v in fields.items() if k in wanted}
    return {name: value for name, value in found.items() if name not in left_out}


def issue(
    view: View,
    actor: Account,
    found: Issue,
    *,
    fields: Sequence[str],
    expand: Sequence[str] = (),
    properties: Sequence[str] = (),
    histories: int = CHANGELOG_PAGE,
) -> dict[str, Any]:
    """An issue; with `expand=changelog` its newest `histories` entries (Cloud) or all of them."""
    shown = {
        "expand": EXPANDABLE,
        **view.issue_head(found),
        "fields": chosen(view.fields(found), fields),
    }
    if "changelog" in expand:
        shown["changelog"] = _changelog(view, found, histories)
    if "transitions" in expand:
        steps = moves.available(view.site, actor, found)
        shown["transitions"] = [view.transition(step) for step in steps]
    if properties:
        every = "*all" in properties
        shown["properties"] = {
            key: value for key, value in found.properties.items() if every or key in properties
        }
    return shown


def _changelog(view: View, found: Issue, most: int) -> dict[str, Any]:
    """Cloud: the newest first, and only so many. Data Center: the oldest first, all of them."""
    total = len(found.histories)
    entries: Sequence[History] = found.histories
    if view.site.cloud:
        entries = found.histories[::-1][:most]
    return {
        "startAt": 0,
        "maxResults": len(entries),
        "total": total,
        "histories": [view.history(entry) for entry in entries],
    }
