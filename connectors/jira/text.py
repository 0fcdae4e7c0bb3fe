"""What stands in an issue, in the order in which a manager needs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from approvals.canonical import sha256_hex
from approvals.errors import InvalidError
from approvals.wording import cut, visible
from connectors.document import Document, Row
from connectors.jira.markup import box, cell, escape, fits_cell
from connectors.jira.settings import JiraSettings

DESCRIPTION_LIMIT = 32_767
"""Characters. Source: developer.atlassian.com, "Create issue": jira.text.field.character.limit,
32,767 by default, read 2026-11-25."""
COMMENT_LIMIT = 30_000
FIRST, LAST = ("Who decides", "Decide by"), ("Digest",)
"""Facts that stand at the top, and one that is too long for a table on a phone."""
_VALUE_LIMITS = (None, 2_000, 1_000, 500, 200, 80, 30)


def description(
    document: Document, settings: JiraSettings, names: Mapping[str, str], link: str
) -> str:
    """The whole text. `names` are those of statuses, by id; `link` is where all of it can be read.

    If it gets too long, values give way; the digest, the deadline and how to answer never do.
    """
    for most in _VALUE_LIMITS:
        more = document.shortened if most is None else link
        text = "\n\n".join(_parts(document, settings, names, more, most))
        if len(text) <= DESCRIPTION_LIMIT:
            return text
    raise InvalidError("The request does not fit into a ticket; it has too many arguments.")


def remark(words: str, issue_id: str, key: str) -> tuple[str, str]:
    """A comment, and the mark in it by which it is known to have been made."""
    mark = f"Ref. {sha256_hex(f'{issue_id}:{key}'.encode())[:12]}"
    return f"{cut(escape(words), COMMENT_LIMIT)}\n\n{{color:#8993a4}}{mark}{{color}}", mark


def how(settings: JiraSettings, names: Mapping[str, str]) -> list[str]:
    """How to answer, each step a line of markup."""
    field = f"the field {settings.changes_field} or in " if settings.changes_field else ""
    if settings.changes_field and names.get(settings.changes_field):
        field = f"the field “{escape(names[settings.changes_field])}” or in "
    write = (
        f"write in {field}a comment a line “Changes:” and below it one line for each argument, "
        "such as “amount: 900”"
    )
    if settings.approval == "jsm":
        return [
            "*Approve* or *Decline* this request, and comment why.",
            f"To approve with changes, first {write}; then approve.",
        ]
    statuses = settings.statuses
    lines = [
        f"To approve, move this issue to *{_name(statuses.approved[0], names)}*.",
        f"To reject, move it to *{_name(statuses.rejected[0], names)}*, and comment why.",
    ]
    where = (statuses.changes or statuses.approved)[0]
    lines.append(
        f"To approve with changes, first {write}; then move it to *{_name(where, names)}*."
    )
    return lines


def _parts(
    document: Document,
    settings: JiraSettings,
    names: Mapping[str, str],
    more: str,
    most: int | None,
) -> list[str]:
    first = [row for row in document.facts if row.name in FIRST]
    parts = [escape(document.lead)]
    parts += ["\n".join(_line(row) for row in first)] if first else []
    parts.append(_section("What would run", _values(document.arguments, most)))
    if more:
        parts.append(f"*Not everything fits here. Read all of it before you decide:* {more}")
    parts.append(_section("Why", [escape(_cut(document.why, most))]))
    if document.before:
        before = _values(document.before, most)
        parts.append(_section("What the agent had proposed, before a person changed it", before))
    parts.append(_section("How to answer", [_bullets(how(settings, names))]))
    others = [row for row in document.facts if row.name not in (*FIRST, *LAST)]
    last = [_line(row) for row in document.facts if row.name in LAST]
    parts.append(_section("Details", [_table(None, others), *last]))
    return parts


def _section(heading: str, blocks: Iterable[str]) -> str:
    return "\n\n".join((f"h3. {heading}", *blocks))


def _values(rows: Sequence[Row], most: int | None) -> list[str]:
    """Arguments: a table, and a box for each value that does not fit into one."""
    shown = [row.model_copy(update={"text": _cut(row.text, most)}) for row in rows]
    small = [row for row in shown if fits_cell(row.text)]
    blocks = [_table(("Argument", "Value"), small)] if small else []
    for row in shown:
        if not fits_cell(row.text):
            blocks.append(f"*{cell(row.name)}*\n{box(row.text)}")
    return blocks or ["It takes no arguments."]


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
    return visible(text) if most is None else cut(visible(text), most)


def _name(status: str, names: Mapping[str, str]) -> str:
    return cell(names.get(status, f"status {status}"))
