"""The words of an Adaptive Card in the order of the page, for a terminal."""

from __future__ import annotations

import re
from typing import Any

from countersign.approvals.models import JsonObject

# Bold marks, escapes, and the dates that a client writes in the reader's own time zone (the same
# in UTC stands beside them).
_MARKDOWN = re.compile(r"\*\*|\\(?=[^\w\s])|\{\{(?:DATE|TIME)\([^}]*\)\}\}\s*")


def card_lines(card: JsonObject) -> list[str]:
    """What is drawn: texts, facts, table rows, inputs and buttons."""
    lines = _lines(card.get("body", []))
    titles = [str(action.get("title", "")) for action in card.get("actions", [])]
    if titles:
        lines += ["", "  ".join(f"[ {title} ]" for title in titles)]
    return lines


def _lines(node: Any) -> list[str]:
    if isinstance(node, list):
        return [line for item in node for line in _lines(item)]
    if not isinstance(node, dict) or node.get("isVisible") is False:
        return []
    kind = str(node.get("type", ""))
    if kind == "TextBlock":
        return _text(node.get("text"))
    if kind == "RichTextBlock":
        runs = (r if isinstance(r, str) else r.get("text", "") for r in node.get("inlines", []))
        return _text("".join(runs))
    if kind == "FactSet":
        return [f"{_plain(f.get('title'))}: {_plain(f.get('value'))}" for f in node["facts"]]
    if kind == "Table":
        return [_row(row.get("cells", [])) for row in node.get("rows", [])]
    if kind == "ColumnSet":
        return [_row(node.get("columns", []))]
    if kind.startswith("Input."):
        return [f"{_plain(node.get('label'))}: {_plain(node.get('value')) or '…'}"]
    if kind == "ActionSet":
        return ["  ".join(f"[ {action.get('title', '')} ]" for action in node["actions"])]
    return _lines(node.get("items", []))


def _row(cells: list[Any]) -> str:
    texts = [" ".join(_lines(cell.get("items", []))) for cell in cells]
    return "  ".join(f"{text:<16}" for text in texts).rstrip()


def _text(value: Any) -> list[str]:
    return _plain(value).splitlines()


def _plain(value: Any) -> str:
    return "" if value is None else _MARKDOWN.sub("", str(value))
