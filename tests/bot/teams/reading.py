"""Reads a value back from what a person sees of it: `approvals.forms.display` reversed.

Written from its description and not from its code, so that a test can say: what was shown can only
be this value.
"""

from __future__ import annotations

import json
import re
from typing import Any

WORDS: dict[str, Any] = {"Yes": True, "No": False, "No value": None, "Empty list": [], "Empty": {}}
_HEAD = re.compile(r"\d+ (items?|values?):")
_ENTRY = re.compile(r'(\d+\.|"(?:[^"\\]|\\.)*":|[A-Za-z_][\w.-]*:) (.*)', re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


def value_of(text: str) -> Any:
    """The value that reads like this."""
    if _HEAD.fullmatch(text.split("\n")[0]) and "\n" in text:
        value, rest = _outline(text.split("\n"), 0)
        assert rest == []
        return value
    return _simple(text)


def _simple(text: str) -> Any:
    if text in WORDS:
        return WORDS[text]
    if _NUMBER.fullmatch(text):
        return json.loads(text)
    return _quoted(text) if text.startswith('"') else text


def _quoted(text: str) -> str:
    assert text.endswith('"')
    assert "\n" not in text.replace("↵\n", "")
    wide = re.sub(r"(\\\\)|\\U([0-9a-f]{8})", _wide, text.replace("↵\n", "\\n"))
    found = json.loads(wide)
    assert isinstance(found, str)
    return found


def _wide(match: re.Match[str]) -> str:
    if match[1]:
        return match[1]
    return json.dumps(chr(int(match[2], 16)))[1:-1]


def _outline(lines: list[str], depth: int) -> tuple[Any, list[str]]:
    """The list or object whose head is the first line, and the lines behind it."""
    head, rest = lines[0], lines[1:]
    count, kind = int(head.split(" ")[0]), head.split(" ")[1]
    entries: list[tuple[str, Any]] = []
    indent = "  " * (depth + 1)
    for _ in range(count):
        assert rest[0].startswith(indent)
        assert not rest[0].startswith(indent + " ")
        found = _ENTRY.fullmatch(rest[0][len(indent) :])
        assert found, rest[0]
        key = found[1][:-1]
        if _HEAD.fullmatch(found[2]):
            inner, rest = _outline([found[2], *rest[1:]], depth + 1)
        else:
            inner, rest = _simple(found[2]), rest[1:]
        entries.append((json.loads(_narrow(key)) if key.startswith('"') else key, inner))
    if kind.startswith("item"):
        assert [str(n) for n in range(1, count + 1)] == [key for key, _ in entries]
        return [inner for _, inner in entries], rest
    assert len({key for key, _ in entries}) == count
    return dict(entries), rest


def _narrow(text: str) -> str:
    return re.sub(r"(\\\\)|\\U([0-9a-f]{8})", _wide, text)
