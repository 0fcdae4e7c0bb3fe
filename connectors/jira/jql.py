"""Queries of the search index (JQL). Nothing from outside gets in but keys of this shape."""

from __future__ import annotations

import re

from countersign.approvals.errors import InvalidError
from countersign.connectors.jira.settings import JiraSettings

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
"""An order key: it becomes a label, and a part of a query."""


def order(settings: JiraSettings, key: str) -> str:
    """Issues that carry the key of an order. Raises InvalidError for what is no key."""
    return _labelled(settings.order_label(checked(key)))


def waiting(settings: JiraSettings) -> str:
    """Issues that are marked as open."""
    return _labelled(settings.open_label)


def changed(settings: JiraSettings, minutes: int) -> str:
    """Our issues that have changed in so many minutes: by the site's clock, and in no time zone."""
    return _labelled(settings.label, f'updated >= "-{minutes}m"')


def checked(key: str) -> str:
    """The key. Raises InvalidError."""
    if not KEY.fullmatch(key):
        raise InvalidError("An order key has letters, digits, points, _ and - only.")
    return key


def _labelled(label: str, more: str = "") -> str:
    """In whatever project: people move issues, and an order's label goes with them."""
    condition = f" AND {more}" if more else ""
    return f'labels = "{label}"{condition} ORDER BY created ASC'
