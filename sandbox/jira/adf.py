"""Atlassian Document Format (v3) to and from wiki text (v2), for the nodes people really use.

Source: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
(read 2026-11-25). Text to document keeps paragraphs and line breaks and nothing finer.
"""

from __future__ import annotations

from typing import Any

from countersign.sandbox.jira.refusals import FieldError

NOT_A_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
_MARKS = {"strong": "*", "em": "_", "strike": "-", "underline": "+"}


def to_document(text: str) -> dict[str, Any]:
    """`text` as a document: an empty line begins a paragraph, a line end is a hard break."""
    paragraphs = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        content: list[dict[str, Any]] = []
        for line in block.split("\n"):
            if content:
                content.append({"type": "hardBreak"})
            if line:
                content.append({"type": "text", "text": line})
        paragraphs.append({"type": "paragraph", "content": content})
    return {"type": "doc", "version": 1, "content": paragraphs}


def to_text(document: object) -> str:
    """The wiki text of a document. Raises FieldError if it is none."""
    if (
        not isinstance(document, dict)
        or document.get("type") != "doc"
        or document.get("version") != 1
        or not isinstance(document.get("content"), list)
    ):
        raise FieldError(NOT_A_DOCUMENT)
    return "\n\n".join(_block(node) for node in document["content"])


def _children(node: dict[str, Any]) -> list[dict[str, Any]]:
    found = node.get("content", [])
    if not isinstance(found, list) or not all(isinstance(child, dict) for child in found):
        raise FieldError(NOT_A_DOCUMENT)
    return found


def _inline(nodes: list[dict[str, Any]]) -> str:
    parts = []
    for node in nodes:
        kind = node.get("type")
        if kind == "text" and isinstance(node.get("text"), str) and node["text"]:
            parts.append(_marked(node))
        elif kind == "hardBreak":
            parts.append("\n")
        elif kind == "mention":
            parts.append(f"[~accountid:{node.get('attrs', {}).get('id', '')}]")
        elif kind in ("inlineCard", "emoji", "status", "date"):
            attributes = node.get("attrs", {})
            parts.append(str(attributes.get("url") or attributes.get("text") or ""))
        else:
            raise FieldError(NOT_A_DOCUMENT)
    return "".join(parts)


def _marked(node: dict[str, Any]) -> str:
    text = str(node["text"])
    for mark in node.get("marks", []):
        if mark.get("type") == "link":
            text = f"[{text}|{mark.get('attrs', {}).get('href', '')}]"
        elif mark.get("type") == "code":
            text = "{{" + text + "}}"
        elif sign := _MARKS.get(mark.get("type", "")):
            text = f"{sign}{text}{sign}"
    return text


def _block(node: object, prefix: str = "") -> str:
    if not isinstance(node, dict):
        raise FieldError(NOT_A_DOCUMENT)
    kind = node.get("type")
    if kind == "paragraph":
        return _inline(_children(node))
    if kind == "heading":
        return f"h{node.get('attrs', {}).get('level', 1)}. {_inline(_children(node))}"
    if kind == "codeBlock":
        return "{noformat}" + _inline(_children(node)) + "{noformat}"
    if kind in ("bulletList", "orderedList"):
        sign = prefix + ("*" if kind == "bulletList" else "#")
        return "\n".join(_list_item(item, sign) for item in _children(node))
    if kind == "table":
        return "\n".join(_row(row) for row in _children(node))
    if kind == "rule":
        return "----"
    if kind in ("blockquote", "panel", "expand"):
        return "\n\n".join(_block(child) for child in _children(node))
    raise FieldError(NOT_A_DOCUMENT)


def _list_item(item: dict[str, Any], sign: str) -> str:
    lines = []
    for child in _children(item):
        text = _block(child, sign)
        nested = child.get("type") in ("bulletList", "orderedList")
        lines.append(text if nested else f"{sign} {text}")
    return "\n".join(lines)


def _row(row: dict[str, Any]) -> str:
    line = "|"
    for cell in _children(row):
        text = " ".join(_block(child) for child in _children(cell))
        bar = "|" if cell.get("type") == "tableHeader" else ""
        line = f"{line}{bar}{text}|"
    return line + ("|" if "||" in line else "")
