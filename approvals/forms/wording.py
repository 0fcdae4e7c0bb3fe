"""Wording: words that agents (or people) control, shown so that they cannot pass for ours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.forms.lookalikes import escaped, written_out
from countersign.approvals.models import Principal, Span

NAMED = 3
"""How many people are named before the rest is counted."""


def people_in_words(people: Sequence[Principal], *, conjunction: str = "or") -> str:
    """`Alex Wilber, Megan Bowen or 3 others`; "nobody" if there are none."""
    names = [visible(person.name) for person in people[:NAMED]]
    rest = len(people) - len(names)
    if rest:
        names.append("1 other" if rest == 1 else f"{rest} others")
    if not names:
        return "nobody"
    head = ", ".join(names[:-1])
    return f"{head} {conjunction} {names[-1]}" if head else names[-1]


_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0e\uffa0"
    "\U0001d159\U000e0100-\U000e01ef]|(?<![\u2190-\u2bff\U0001f000-\U0001faff])\ufe0f"
)
"""What Python calls printable and yet nobody sees: fillers, joiners, and variation selectors (but
for the one that gives a symbol its colours). Source: Default_Ignorable_Code_Point of Unicode."""
_LINES = {ord("\n"): " ", ord("\t"): " "}


def visible(text: str, *, around: str = "") -> str:
    """`text` with every invisible, direction-changing or look-alike character written out as
    \\uXXXX.

    Line breaks and tabs stay. So a right-to-left override cannot make `exe.pdf` of `fdp.exe`, and
    no Cyrillic letter makes another Contoso. Doing it twice changes nothing. `around` is what the
    text is a piece of.
    """
    if text.isascii() and text.isprintable():
        return text
    return _drawn_before(text, around) if len(text + around) <= _SHORT else _drawn(text, around)


def _drawn(text: str, around: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    used = "".join(set(text))  # what is in a text decides, and most texts have few characters
    if used.translate(_LINES).isprintable() and not _BLANK.search(used):
        return written_out(text, around)
    shown = "".join(_shown(character) for character in text)
    return written_out(_BLANK.sub(lambda blank: escaped(blank[0]), shown), around)


_SHORT = 500
_drawn_before = lru_cache(maxsize=1024)(_drawn)
"""One text stands on many cards, and is drawn again for each of the sizes that may fit."""


def _shown(character: str) -> str:
    if character in "\n\t" or character.isprintable():
        return character
    # Zs: unusual spaces; a person cannot tell them from a plain one, and they change the digest.
    return escaped(character)


def number_text(value: int | float) -> str:
    """A number as it is signed: 25080, not 25080.0."""
    return canonical_json(value).decode()


def in_words(tool: str) -> str:
    """A tool's name as words: `push_quote` is "Push quote". Letters, digits and spaces only."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", tool)
    words = " ".join(re.split(r"[_\W]+", spaced)).strip()
    return words[:1].upper() + words[1:] if words else "Tool"


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, with an ellipsis if something is missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def cut_visibly(text: str, limit: int) -> str:
    """`text` in about `limit` characters, saying how many are missing."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… {len(text) - limit:,} more characters"


_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def duration_words(seconds: float) -> str:
    """`4 hours`, `90 seconds`: in the largest unit of which it is a whole number; a day is
    `24 hours`."""
    for unit, size in _UNITS:
        count = seconds / size
        if count.is_integer() and (count > 1 or unit != "day"):
            break
    return f"{count:g} {unit}{'' if count == 1 else 's'}"


def span_words(span: Span) -> str:
    """`4 hours`, or `4 business hours of office`."""
    words = duration_words(span.seconds)
    if span.calendar is None:
        return words
    count, _, unit = words.partition(" ")
    return f"{count} business {unit} of {span.calendar}"


_MARKDOWN = re.compile(r"[&*`~\[\]|\\]|(?<![^\W_])_|_(?![^\W_])|(?m:^[ \t]*(?:[#>+=-]|\d+[.)]))")


def as_text(text: str) -> str:
    """Others' words for a message in Markdown, so that they are read as they are: no emphasis, no
    heading, no list, no link, and every line break is one."""
    marked = _MARKDOWN.sub(lambda found: "".join(map(_entity, found[0])), visible(text).strip())
    return re.sub(r"\n+", "\n\n", marked)


def _entity(character: str) -> str:
    """A character that no Markdown takes for a mark. Source: CommonMark 0.31, section 2.5."""
    return character if character.isspace() or character.isdecimal() else f"&#{ord(character)};"
