"""Approval with changes, as a person writes it in a ticket: names and values, read exactly.

In a comment it stands under a line that says `Changes:`, so that no ordinary sentence can be taken
for one; in a field of its own it stands alone:

    Changes:
    amount: 27000
    discount_percent: 10

or the same as a JSON object. What is not named stays as it was proposed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from approvals.coerce import ProblemError, edited_arguments, exact_number
from approvals.errors import InvalidArgumentsError, InvalidError
from approvals.fields import fields
from approvals.models import JsonObject
from approvals.wording import cut

_HEAD = re.compile(r"^[ \t*_]*changes[ \t]*:[ \t*_]*(.*)$", re.IGNORECASE | re.MULTILINE)
# No part of these can match what the one before it matches: a long line takes no long time.
_LINE = re.compile(r"^[\s*\-•]*([^:=\s*\-•][^:=\s]*)\s*[:=]\s?(.*)$")
_FENCE = re.compile(r"^[ \t]*(?:\{(?:code|noformat)(?::[^}\n]*)?\}|```\w*)[ \t]*$", re.MULTILINE)
HOW = (
    "write a comment that begins with a line “Changes:”, followed by one line for each argument "
    "to change, for example “amount: 900”"
)


def split(comment: str) -> tuple[str, str | None]:
    """The words of a comment, and what stands under `Changes:` (None if there is no such line)."""
    text = _lines(comment)
    head = _HEAD.search(text)
    if head is None:
        return text.strip(), None
    asked = f"{head[1]}\n{text[head.end() :]}"
    return text[: head.start()].strip(), asked.strip()


def asked_for(field: str, comment: str, earlier: Sequence[str]) -> tuple[str, str | None]:
    """The words of a comment, and the changes to make; None if nobody asks for any.

    `field` is what stands in the field for changes, `earlier` what the same person had written
    before the comment. Raises InvalidError if they are in more than one place or not in the last
    word: to guess which ones are meant would run what nobody asked for.
    """
    words, block = split(comment)
    before = {found for text in earlier if (found := split(text)[1]) is not None}
    if before - {block}:
        raise InvalidError(
            "An earlier comment of yours asks for changes, and the last one does not ask for the "
            f"same. To approve with changes, {HOW}, all of them in your last comment; to approve "
            "without, decide again."
        )
    if block is not None and field.strip():
        raise InvalidError(
            "Changes stand in their field and in your comment. Write all of them in one place, and "
            "empty the field if you write them in a comment."
        )
    return words, field.strip() or block


def changed(tool: str, schema: JsonObject | None, current: JsonObject, text: str) -> JsonObject:
    """All arguments with the changes in them.

    Raises InvalidError or InvalidArgumentsError: the text says what to write instead.
    """
    wanted = _wanted(_FENCE.sub("", _lines(text)).strip())
    form = fields(schema, current)
    known = {field.name for field in form}
    unknown = {name: "is not an argument of this tool" for name in wanted if name not in known}
    if unknown:
        raise InvalidArgumentsError(tool, unknown)
    typed = {name: v for name, v in wanted.items() if isinstance(v, str)}
    edited, problems = edited_arguments(form, current, typed)
    if problems:
        raise InvalidArgumentsError(tool, problems)
    return {**edited, **{name: v for name, v in wanted.items() if not isinstance(v, str)}}


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _wanted(text: str) -> Mapping[str, Any]:
    if text.startswith("{"):
        return _object(text)
    wanted: dict[str, Any] = {}
    for line in text.split("\n"):
        if not line.strip():
            continue
        match = _LINE.match(line)
        if match is None:
            raise InvalidError(f"“{cut(line.strip(), 80)}” is no change: {HOW}.")
        if match[1] in wanted:
            raise InvalidError(f"{match[1]} is given twice; give each argument one value.")
        wanted[match[1]] = _unquoted(match[2].strip())
    if not wanted:
        raise InvalidError(f"It does not say what to change: {HOW}.")
    return wanted


def _unquoted(text: str) -> str:
    """A text as the ticket shows it: in quotes where it could be taken for something else."""
    if not (text.startswith('"') and text.endswith('"')):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def _object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_int=_exactly, parse_float=_exactly
        )
    except (ValueError, RecursionError) as exc:
        raise InvalidError(f"The changes are not a JSON object: {cut(str(exc), 200)}") from exc
    if not isinstance(value, dict) or not value:
        raise InvalidError("The changes are an empty JSON object; name what to change.")
    return value


def _exactly(text: str) -> int | float:
    try:
        return exact_number(text)
    except ProblemError as exc:
        raise InvalidError(f"{cut(text, 40)}: {exc}") from exc


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:
    found: JsonObject = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name} is there twice")
        found[name] = value
    return found
