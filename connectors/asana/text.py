"""The text of a task: plain, in the order in which a manager needs it.

Headings begin in the first column and everything else is indented, so that no argument can write a
heading of its own. In a plain description nothing is markup; Asana makes links of addresses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from countersign.approvals.audit.canonical import sha256_hex, short
from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.wording import cut, cut_visibly, visible
from countersign.connectors.asana.settings import AsanaSettings
from countersign.connectors.document import BEFORE_APPROVAL, UNREAD, Document, Part, Row
from countersign.connectors.document_of_calls import OTHERWISE, UNREAD_CALLS

NOTES_LIMIT = 30_000
"""Asana names no limit; what it cuts would not read as we wrote it, and every answer be refused."""
REMARK_LIMIT = 10_000
_INDENT = "    "
_QUOTE = f"{_INDENT}| "
_VALUE_LIMITS = (None, 2_000, 1_000, 500, 200, 80, 30)


@dataclass(frozen=True)
class Written:
    """The text of a task, and whether it shows the whole call."""

    text: str
    whole: bool


def remark(words: str, task_id: str, key: str) -> tuple[str, str]:
    """A comment, and the mark in it by which it is known to have been made."""
    mark = f"Ref. {short(sha256_hex(f'{task_id}:{key}'.encode()))}"
    return f"{cut_visibly(visible(words), REMARK_LIMIT)}\n\n{mark}", mark


def title(document: Document) -> str:
    """The name of the task."""
    return " ".join(visible(document.title).split())


def notes(document: Document, settings: AsanaSettings) -> Written:
    """The whole text. If it gets too long, values give way; the digest, the deadline and how to
    answer never do."""
    for most in _VALUE_LIMITS:
        whole = document.complete and most is None
        text = "\n\n".join(_parts(document, settings, whole, most))
        if len(text) <= NOTES_LIMIT:
            return Written(text, whole)
        if document.parts and not whole:
            document = document.model_copy(update={"parts": (), "complete": False})
    raise InvalidError("The request does not fit into a task; it has too many arguments.")


def _parts(document: Document, settings: AsanaSettings, whole: bool, most: int | None) -> list[str]:
    parts = ["\n".join(_lines(visible(document.lead), ""))]
    calls = bool(document.listed)
    arguments = _rows(document.listed if calls else document.arguments, most)
    if document.parts:
        parts += [_call(part, most) for part in document.parts]
    else:
        parts.append(_block("It would run with", arguments or [f"{_INDENT}no arguments"]))
    if not whole:
        parts.append(f"{UNREAD} {document.read_it}")
    if document.before:
        parts.append(_block("Before a person changed it", _rows(document.before, most)))
    if document.notes:
        parts.append(_block("What the tool says", _rows(document.notes, most)))
    if not calls:
        parts.append(_block("Why", _lines(_cut(document.why, most), _QUOTE)))
    how = _how(settings, document, whole)
    parts.append(_block("How to answer", [f"{_INDENT}{line}" for line in how]))
    return [*parts, _block("Details", _rows(document.facts, 400))]


def _call(part: Part, most: int | None) -> str:
    """One call of several."""
    lines = _rows(part.arguments, most) if part.facts else []
    if part.facts and not lines:
        lines.append(f"{_INDENT}no arguments")
    for name, rows in (("What the tool says", part.notes), ("Before it was changed", part.before)):
        lines += [f"{_INDENT}{name}:", *_rows(rows, most)] if rows else []
    lines += [f"{_INDENT}Why:", *_lines(_cut(part.why, most), _QUOTE)] if part.why else []
    return _block(visible(part.title), [*lines, *_rows(part.facts, 400)])


def _block(heading: str, lines: Iterable[str]) -> str:
    return "\n".join((heading.upper(), *lines))


def _rows(rows: Iterable[Row], most: int | None) -> list[str]:
    lines = []
    for row in rows:
        first, *others = _lines(_cut(row.text, most), "")
        name = visible(" ".join(row.name.split()))
        lines.append(f"{_INDENT}{name}: {first}" if name else f"{_INDENT}{_INDENT}{first}")
        lines += [f"{_QUOTE}{line}".rstrip() for line in others]
    return lines


def _cut(text: str, most: int | None) -> str:
    return visible(text) if most is None else cut_visibly(visible(text), most)


def _lines(text: str, indent: str) -> list[str]:
    return [f"{indent}{line}".rstrip() for line in text.split("\n")]


def _how(settings: AsanaSettings, document: Document, whole: bool) -> list[str]:
    name = next((row.key for row in document.arguments if row.key), "amount")
    place = "the field for changes or into a comment" if settings.changes_field else "a comment"
    if document.listed and not whole:
        return [UNREAD_CALLS, "set this approval to Rejected, with a comment that says why."]
    if document.listed:
        return [
            "Set this approval to Approved, or to Rejected with a comment that says why.",
            visible(OTHERWISE),
            "To ask the agent something first, write a comment that begins with “Ask 2:”.",
        ]
    return [
        *([] if whole else [BEFORE_APPROVAL]),
        "Set this approval to Approved, or to Rejected with a comment that says why.",
        f"To approve with changes, first write into {place}:",
        f"{_INDENT}Changes:",
        f"{_INDENT}{visible(cut(name, 60))}: the value that you want",
        "with one line for each argument; then choose Request changes. What you change is "
        "checked again before it runs.",
        "To ask the agent something first, write a comment that begins with “Ask:”.",
    ]
