"""Atlassian Document Format as plain text: what Cloud gives for comments where it is not asked for
wiki markup, or where a field is of a kind that has no other form.

Source: developer.atlassian.com/cloud/jira/platform/apis/document/structure, read 2026-11-29. A node
of a kind that is not listed keeps its text and leaves `OBJECT`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from countersign.connectors.comments.typed import link
from countersign.connectors.comments.vocabulary import OBJECT

DEPTH_MAX = 60
_BLOCKS = frozenset(
    "doc paragraph heading bulletList orderedList taskList decisionList listItem taskItem "
    "decisionItem codeBlock panel expand nestedExpand layoutSection layoutColumn table tableRow "
    "blockTaskItem multiBodiedExtension extensionFrame".split()
)
_CARDS = frozenset({"inlineCard", "blockCard", "embedCard"})


def text_of(document: Any) -> str:
    """The text of a document, a line for each block, cells of a row with a tab in between."""
    return "".join(_of(document, 0)).strip("\n")


def _of(node: Any, depth: int) -> Iterable[str]:
    if not isinstance(node, dict) or depth > DEPTH_MAX:
        yield OBJECT
        return
    kind, attributes = node.get("type"), node.get("attrs")
    given: dict[str, Any] = attributes if isinstance(attributes, dict) else {}
    if kind == "text":
        yield _marked(node)
    elif kind == "hardBreak":
        yield "\n"
    elif kind == "rule":
        yield "\n"
    elif kind == "mention":
        yield f"@{OBJECT}"
    elif kind == "emoji":
        yield str(given.get("text") or given.get("shortName") or "")
    elif kind == "status":
        yield str(given.get("text") or "")
    elif kind == "date":
        yield _date(given.get("timestamp"))
    elif kind in _CARDS:
        yield str(given.get("url") or OBJECT)
    elif kind == "blockquote":
        inner = "".join(_children(node, depth)).strip("\n")
        yield "\n" + "\n".join(f"> {line}" for line in inner.split("\n")) + "\n"
    elif kind in ("tableCell", "tableHeader"):
        yield " ".join("".join(_children(node, depth)).split("\n")).strip() + "\t"
    elif kind == "tableRow":
        yield "\n" + "".join(_children(node, depth)).rstrip("\t") + "\n"
    elif kind in _BLOCKS:
        if title := given.get("title"):
            yield f"\n{title}"
        yield "\n"
        yield from _children(node, depth)
        yield "\n"
    else:
        yield OBJECT
        yield from _children(node, depth)


def _children(node: dict[str, Any], depth: int) -> Iterable[str]:
    found = node.get("content")
    for child in found if isinstance(found, list) else ():
        yield from _of(child, depth + 1)


def _marked(node: dict[str, Any]) -> str:
    text = str(node.get("text") or "")
    marks = node.get("marks")
    for mark in marks if isinstance(marks, list) else ():
        kind = mark.get("type") if isinstance(mark, dict) else None
        if kind == "strike":
            return f"{OBJECT}{text}{OBJECT}"
        if kind == "link":
            given = mark.get("attrs")
            text = link(text, str((given if isinstance(given, dict) else {}).get("href") or ""))
    return text


def _date(timestamp: Any) -> str:
    try:
        return f"{datetime.fromtimestamp(int(timestamp) / 1000, UTC):%Y-%m-%d}"
    except (TypeError, ValueError, OverflowError, OSError):
        return OBJECT
