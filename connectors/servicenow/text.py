"""The text of a ticket: plain, in the order in which a manager needs it.

Headings begin in the first column and everything else is indented, so that no argument can write a
heading of its own. Journals turn `[code]<b>…</b>[/code]` into HTML, and notifications carry text
into mails that are HTML; neither can be written by what an agent says. Source: ServiceNow docs,
"Journal field type" (Xanadu: code tags render as HTML; multi-line text holds 4,000 characters
unless it is made longer), read 2026-11-25.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from countersign.approvals.audit.canonical import sha256_hex, short
from countersign.approvals.forms.wording import cut, cut_visibly, visible
from countersign.connectors.document import (
    BEFORE_APPROVAL,
    UNREAD,
    Document,
    Part,
    Row,
)
from countersign.connectors.document_of_calls import OTHERWISE, UNREAD_CALLS
from countersign.connectors.servicenow.settings import ServiceNowSettings

_INDENT = "    "
_QUOTE = f"{_INDENT}| "
"""Before each further line of what an agent says: where blanks collapse (mails, portals) a line of
a value must not pass for an argument of its own."""
_CODE = re.compile(r"\[(?=\s*/?\s*code\s*\])", re.IGNORECASE)
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_VALUE_LIMITS = (4_000, 2_000, 1_000, 500, 250, 120, 60)
REMARK_LIMIT = 3_900
"""A journal entry takes 4,000 characters, and the mark has to be among them."""


def harmless(text: str) -> str:
    """The text with nothing in it that a journal or a mail would take for markup."""
    return _TAG.sub(r"\\u003c", _CODE.sub(r"\\u005b", visible(text)))


def remark(text: str, record_id: str, key: str) -> tuple[str, str]:
    """A comment, and the mark in it by which it is known to have been made."""
    mark = f"Ref. {short(sha256_hex(f'{record_id}:{key}'.encode()))}"
    return f"{cut_visibly(harmless(text), REMARK_LIMIT - 40)}\n\n{mark}", mark


def title(document: Document) -> str:
    """The short description."""
    return harmless(document.title)[:160]


@dataclass(frozen=True)
class Written:
    """The text of a record, and whether it shows the whole call."""

    text: str
    whole: bool


def description(document: Document, settings: ServiceNowSettings) -> Written:
    """The whole text, in at most `description_limit` characters: values give way, the digest, the
    deadline and how to answer never do."""
    limit = settings.description_limit
    whole = "".join(_parts(document, settings, document.complete, None))
    if len(whole) <= limit:
        return Written(whole, document.complete)
    if document.parts:
        document = document.model_copy(update={"parts": ()})
    for most in _VALUE_LIMITS:
        head, *rest = _parts(document, settings, False, most)
        if len(head) + len("".join(rest)) <= limit:
            return Written("".join((head, *rest)), False)
    return Written(cut(head, limit - len("".join(rest))) + "".join(rest), False)


def _parts(
    document: Document, settings: ServiceNowSettings, whole: bool, most: int | None
) -> tuple[str, ...]:
    """What it is about (may be cut), and what has to be there whatever happens."""
    blocks = ["\n".join(_lines(harmless(document.lead), ""))]
    calls = bool(document.listed)
    arguments = _rows(document.listed if calls else document.arguments, most)
    if document.parts:
        blocks += [_call(part, most) for part in document.parts]
    else:
        blocks.append(_block("It would run with", arguments or [f"{_INDENT}no arguments"]))
    if document.before:
        blocks.append(_block("Before a person changed it", _rows(document.before, most)))
    if document.notes:
        blocks.append(_block("What the tool says", _rows(document.notes, most)))
    if not calls:
        blocks.append(_block("Why", _lines(_cut(document.why, most), _QUOTE)))
    foot = [_block("Details", _rows(document.facts, 400))]
    how = _how(settings, document, whole)
    foot.append(_block("How to answer", [f"{_INDENT}{line}" for line in how]))
    if not whole:
        foot.insert(0, f"\n\n{UNREAD} {document.read_it}")
    return "".join(blocks), *foot


def _call(part: Part, most: int | None) -> str:
    """One call of several."""
    lines = _rows(part.arguments, most) if part.facts else []
    if part.facts and not lines:
        lines.append(f"{_INDENT}no arguments")
    for name, rows in (("What the tool says", part.notes), ("Before it was changed", part.before)):
        lines += [f"{_INDENT}{name}:", *_rows(rows, most)] if rows else []
    lines += [f"{_INDENT}Why:", *_lines(_cut(part.why, most), _QUOTE)] if part.why else []
    return _block(harmless(part.title), [*lines, *_rows(part.facts, 400)])


def _block(heading: str, lines: Iterable[str]) -> str:
    body = "\n".join(lines)
    return f"\n\n{heading.upper()}\n{body}"


def _rows(rows: Iterable[Row], most: int | None) -> list[str]:
    lines = []
    for row in rows:
        first, *others = _lines(_cut(row.text, most), "")
        name = harmless(" ".join(row.name.split()))
        lines.append(f"{_INDENT}{name}: {first}" if name else f"{_INDENT}{_INDENT}{first}")
        lines += [f"{_QUOTE}{line}".rstrip() for line in others]
    return lines


def _cut(text: str, most: int | None) -> str:
    return harmless(text) if most is None else cut_visibly(harmless(text), most)


def _lines(text: str, indent: str) -> list[str]:
    return [f"{indent}{line}".rstrip() for line in text.split("\n")]


def _how(settings: ServiceNowSettings, document: Document, whole: bool) -> list[str]:
    name = next((row.key for row in document.arguments if row.key), "amount")
    example = f"{harmless(cut(name, 60))}: the value that you want"
    if settings.decide_by == "approvers":
        first = "Set your own approval of this record to Approved, or to Rejected with the reason."
        where = "of the approval"
    else:
        yes, no = settings.decide_by.approved[0], settings.decide_by.rejected[0]
        first = f"Set {settings.decide_by.field} to {yes} or to {no}, and comment why."
        where = "of this record"
    place = f"the field {settings.changes_field} or into " if settings.changes_field else ""
    if document.listed:
        no = "set your own approval of this record to Rejected, with the reason."
        if settings.decide_by != "approvers":
            no = f"set {settings.decide_by.field} to {settings.decide_by.rejected[0]}, and say why."
        return [first, harmless(OTHERWISE)] if whole else [UNREAD_CALLS, no]
    return [
        *([] if whole else [BEFORE_APPROVAL]),
        first,
        f"To approve with changes, approve, and write into {place}the comments {where}:",
        f"{_INDENT}Changes:",
        f"{_INDENT}{example}",
        "One line for each argument. What you change is checked again before it runs.",
    ]
