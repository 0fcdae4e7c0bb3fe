"""The text of an issue, in the order in which a manager needs it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from countersign.approvals.audit.canonical import sha256_hex, short
from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.wording import cut_visibly, visible
from countersign.connectors.document import (
    BEFORE_APPROVAL,
    UNREAD,
    Document,
    Part,
    Row,
)
from countersign.connectors.document_of_calls import OTHERWISE, UNREAD_CALLS
from countersign.connectors.jira.markup import (
    box,
    cell,
    escape,
    fits_cell,
)
from countersign.connectors.jira.settings import JiraSettings

DESCRIPTION_LIMIT = 32_767
"""Characters. Source: developer.atlassian.com, "Create issue": jira.text.field.character.limit,
32,767 by default, read 2026-11-25."""
COMMENT_LIMIT = 30_000
FIRST, LAST = ("Who decides", "Decide by"), ("Digest",)
"""Facts that stand at the top, and one that is too long for a table on a phone."""
_VALUE_LIMITS = (None, 2_000, 1_000, 500, 200, 80, 30)


@dataclass(frozen=True)
class Written:
    """The text of an issue, and whether it shows the whole call."""

    text: str
    whole: bool


def description(document: Document, settings: JiraSettings, names: Mapping[str, str]) -> Written:
    """The whole text. `names` are those of statuses, by id.

    If it gets too long, values give way; the digest, the deadline and how to answer never do.
    """
    for most in _VALUE_LIMITS:
        whole = document.complete and most is None
        text = "\n\n".join(_parts(document, settings, names, whole, most))
        if len(text) <= DESCRIPTION_LIMIT:
            return Written(text, whole)
        if document.parts and not whole:
            document = document.model_copy(update={"parts": (), "complete": False})
    raise InvalidError("The request does not fit into a ticket; it has too many arguments.")


def remark(words: str, issue_id: str, key: str, links: Collection[str] = ()) -> tuple[str, str]:
    """A comment, and the mark in it by which it is known to have been made.

    What begins with one of `links` is a link to a page of ours, and stays one.
    """
    mark = f"Ref. {short(sha256_hex(f'{issue_id}:{key}'.encode()))}"
    ours = "|".join(re.escape(each) for each in links)
    own = rf"(?:{ours})[A-Za-z0-9_./-]+" if links else r"(?!)"
    pieces = re.split(f"({own})", cut_visibly(words, COMMENT_LIMIT // 2))
    body = "".join(p if at % 2 else escape(p) for at, p in enumerate(pieces))
    return f"{body[:COMMENT_LIMIT]}\n\n{{color:#8993a4}}{mark}{{color}}", mark


def how(
    settings: JiraSettings, names: Mapping[str, str], *, whole: bool = True, calls: bool = False
) -> list[str]:
    """How to answer, each step a line of markup; where not all is shown, what comes first. `calls`:
    of several calls."""
    if calls and not whole:
        return [UNREAD_CALLS, _to_reject(settings, names)]
    first = [] if whole else [BEFORE_APPROVAL]
    return [*first, *_answers(settings, names, calls=calls)]


def _answers(settings: JiraSettings, names: Mapping[str, str], *, calls: bool) -> list[str]:
    if calls:
        return [*_settings_of(settings, names), escape(OTHERWISE)]
    field = f"the field {settings.changes_field} or in " if settings.changes_field else ""
    if settings.changes_field and names.get(settings.changes_field):
        field = f"the field “{escape(names[settings.changes_field])}” or in "
    write = (
        f"write in {field}a comment a line “Changes:” and below it one line for each argument, "
        "such as “amount: 900”"
    )
    lines = _settings_of(settings, names)
    if settings.approval == "jsm":
        return [*lines, f"To approve with changes, first {write}; then approve."]
    where = (settings.statuses.changes or settings.statuses.approved)[0]
    last = f"To approve with changes, first {write}; then move it to *{_name(where, names)}*."
    return [*lines, last]


def _settings_of(settings: JiraSettings, names: Mapping[str, str]) -> list[str]:
    """What to set, to approve and to reject."""
    if settings.approval == "jsm":
        return ["*Approve* or *Decline* this request, and comment why."]
    approved = _name(settings.statuses.approved[0], names)
    return [f"To approve, move this issue to *{approved}*.", _to_reject(settings, names)]


def _to_reject(settings: JiraSettings, names: Mapping[str, str]) -> str:
    if settings.approval == "jsm":
        return "To reject, *Decline* this request, and comment why."
    rejected = _name(settings.statuses.rejected[0], names)
    return f"To reject, move it to *{rejected}*, and comment why."


def _parts(
    document: Document,
    settings: JiraSettings,
    names: Mapping[str, str],
    whole: bool,
    most: int | None,
) -> list[str]:
    first = [row for row in document.facts if row.name in FIRST]
    parts = [escape(document.lead)]
    parts += ["\n".join(_line(row) for row in first)] if first else []
    calls = bool(document.listed)
    steps = how(settings, names, whole=whole, calls=calls)
    answer = _section("How to answer", [_bullets(steps)])
    if calls:
        parts.append(answer)  # what comes below may be long
        parts += [_call(part, most) for part in document.parts] or [
            _section("What would run", [_table(("Call", "With"), _shorter(document.listed, most))])
        ]
    else:
        parts.append(_section("What would run", _values(document.arguments, most)))
    if not whole:
        parts.append(f"*{UNREAD}* {document.read_it}")
    if document.notes:
        parts.append(_section("What the tool says", _values(document.notes, most)))
    if not calls:
        parts.append(_section("Why", [escape(_cut(document.why, most))]))
    if document.before:
        before = _values(document.before, most)
        parts.append(_section("What the agent had proposed, before a person changed it", before))
    if not calls:
        parts.append(answer)
    others = [row for row in document.facts if row.name not in (*FIRST, *LAST)]
    last = [_line(row) for row in document.facts if row.name in LAST]
    parts.append(_section("Details", [_table(None, others), *last]))
    return parts


def _shorter(rows: Sequence[Row], most: int | None) -> list[Row]:
    return [row.model_copy(update={"text": _cut(row.text, most)}) for row in rows]


def _call(part: Part, most: int | None) -> str:
    """One call of several: what would run, what the tool says of it, why, and by which rule."""
    blocks = _values(part.arguments, most) if part.facts else []
    if part.notes:
        blocks += ["*What the tool says*", *_values(part.notes, most)]
    if part.before:
        blocks += ["*Before a person changed it*", *_values(part.before, most)]
    blocks += [f"*Why:* {escape(_cut(part.why, most))}"] if part.why else []
    if part.facts:
        blocks.append(_table(None, [row for row in part.facts if row.name not in LAST]))
        blocks += [_line(row) for row in part.facts if row.name in LAST]
    return _section(escape(part.title), blocks)


def _section(heading: str, blocks: Iterable[str]) -> str:
    return "\n\n".join((f"h3. {heading}", *blocks))


def _values(rows: Sequence[Row], most: int | None) -> list[str]:
    """Arguments in their order: tables, and a box for each value that does not fit into one."""
    blocks: list[str] = []
    small: list[Row] = []
    for row in (row.model_copy(update={"text": _cut(row.text, most)}) for row in rows):
        if fits_cell(row.text):
            small.append(row)
            continue
        blocks += _tables(small)
        small = []
        blocks.append(f"*{cell(row.name)}*\n{box(row.text)}")
    return [*blocks, *_tables(small)] or ["It takes no arguments."]


def _tables(rows: Sequence[Row]) -> list[str]:
    return [_table(("Argument", "Value"), rows)] if rows else []


def _table(head: tuple[str, str] | None, rows: Iterable[Row]) -> str:
    lines = [] if head is None else [f"||{head[0]}||{head[1]}||"]
    for row in rows:
        name = f"|{cell(row.name)}" if head else f"||{cell(row.name)}"
        lines.append(f"{name}|{cell(row.text)}|")
    return "\n".join(lines)


def _line(row: Row) -> str:
    return f"*{cell(row.name)}:* {cell(row.text)}"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"* {line}" for line in lines)


def _cut(text: str, most: int | None) -> str:
    return visible(text) if most is None else cut_visibly(visible(text), most)


def _name(status: str, names: Mapping[str, str]) -> str:
    return cell(names.get(status, f"status {status}"))
