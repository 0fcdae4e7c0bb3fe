"""Elements that all our cards are made of. Pure: values in, Adaptive Card 1.5 elements out.

Words that agents control go into `plain` only: a TextRun knows no Markdown. `words` is for ours.
No widths in pixels and no state by colour alone, so that cards hold on a phone and in the dark.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from countersign.approvals.forms.wording import visible
from countersign.approvals.models import JsonObject

Flavour = Literal["execute", "submit"]
"""`execute` for Teams. Emulator and Web Chat draw Action.Execute but ignore clicks on it."""

_SPACES = re.compile(r"(?m)^ +| {2,}")
"""Renderers collapse these; what is shown must be what runs."""
_UNBROKEN = re.compile(r"[^\s/?\u200b-]{24}(?=[^\s/?-])")
"""Gets a place to break: some renderers cut off what does not fit on a line of a phone."""
_DATE_MACRO = re.compile(r"\{(?=\{(?:DATE|TIME)\()", re.IGNORECASE)


def flavour_of(channel_id: str) -> Flavour:
    """Which kind of buttons work in this channel."""
    return "execute" if channel_id == "msteams" else "submit"


def words(text: str, **more: Any) -> JsonObject:
    """Our own words; Markdown works in them."""
    return {"type": "TextBlock", "text": text, "wrap": True, **more}


def heading(text: str, **more: Any) -> JsonObject:
    """A heading, also for screen readers."""
    return words(text, style="heading", weight="Bolder", **more)


def label(text: str) -> JsonObject:
    """The small title above a part of a card."""
    return words(text, weight="Bolder", size="Small", spacing="Medium")


def plain(text: str, *, monospace: bool = False, **run: Any) -> JsonObject:
    """Somebody else's words, shown exactly: no Markdown, no links, no date macros."""
    return {"type": "RichTextBlock", "inlines": runs(text, monospace=monospace, **run)}


def runs(text: str, *, monospace: bool = False, **run: Any) -> list[JsonObject]:
    """`text` as text runs. `{{DATE(…)}}` is cut in two between the braces, or it would be run."""
    style = {"fontType": "Monospace"} if monospace else {}
    shown = visible(text) or "(empty)"
    if " " in shown:
        shown = _SPACES.sub(lambda found: "\u00a0" * len(found[0]), shown)
    if len(shown) > 24:
        shown = _UNBROKEN.sub("\\g<0>\u200b", shown)
    parts = _DATE_MACRO.sub("{\0", shown).split("\0") if "{{" in shown else [shown]
    return [{"type": "TextRun", "text": part, **style, **run} for part in parts]


def sentence(*pieces: str | tuple[str, str]) -> JsonObject:
    """One line of our words (str) and others' words (`("bold" | "code" | "plain", text)`)."""
    inlines: list[JsonObject] = []
    for piece in pieces:
        match piece:
            case str():
                inlines.append({"type": "TextRun", "text": piece})
            case ("plain", text):
                inlines += runs(text)
            case ("code", text):
                inlines += runs(text, monospace=True)
            case (_, text):
                inlines += runs(text, weight="Bolder")
    return {"type": "RichTextBlock", "inlines": inlines}


def row(cells: Sequence[Sequence[JsonObject]], shares: Sequence[int]) -> JsonObject:
    """Cells side by side. Shares instead of widths, so that rows align and fit every screen.

    Not a Table: its header property is spelt differently in the schema and in the renderer.
    """
    columns = [
        {"type": "Column", "width": share, "items": list(cell)}
        for cell, share in zip(cells, shares, strict=True)
    ]
    return {"type": "ColumnSet", "spacing": "Small", "columns": columns}


def facts(rows: Sequence[tuple[str, JsonObject]]) -> list[JsonObject]:
    """Names and values side by side, names subdued."""
    return [row([[words(name, isSubtle=True)], [value]], (1, 2)) for name, value in rows]


def banner(text: str, style: Literal["attention", "warning", "good", "accent"]) -> JsonObject:
    """A sentence that must be seen; `text` says all, the background only underlines it."""
    return {"type": "Container", "style": style, "items": [plain(text, weight="Bolder")]}


def moment(at: datetime) -> str:
    """A time in the reader's own zone and format, and in UTC for everybody."""
    utc = at.astimezone(UTC)
    return f"{_local(utc)} ({utc:%Y-%m-%d %H:%M} UTC)"


def moment_in(at: datetime, zone: str) -> str:
    """The same, with that of another zone instead."""
    return (
        f"{_local(at.astimezone(UTC))} ({at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} in {zone})"
    )


def _local(utc: datetime) -> str:
    iso = utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{{{{DATE({iso}, SHORT)}}}} {{{{TIME({iso})}}}}"


def button(flavour: Flavour, verb: str, title: str, data: JsonObject, **more: Any) -> JsonObject:
    """A button that sends `data` and the inputs of the card to the bot."""
    submit = {"type": "Action.Submit", "title": title, "data": {**data, "verb": verb}, **more}
    if flavour == "submit":
        return submit
    execute = {"type": "Action.Execute", "verb": verb, "title": title, "data": data, **more}
    # For old clients that do not know Action.Execute.
    return {**execute, "fallback": submit}


def card(body: Sequence[JsonObject], actions: Sequence[JsonObject], *, spoken: str) -> JsonObject:
    """The whole card; `spoken` is what screen readers and clients without cards say."""
    return {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "speak": spoken,
        "fallbackText": spoken,
        "body": list(body),
        "actions": list(actions),
    }
