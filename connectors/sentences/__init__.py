"""Sentences of the rules in a reader's language: who may decide, budgets, times, who is on call.

They are made in English, where a call is ruled on, and stand so on the ledger; every place that
knows its reader's language says them in it. A value that somebody gave stays as it is. A rule's own
reason is whatever its author wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from countersign.connectors.sentences.texts import LINES, PARTS, SENTENCES
from countersign.connectors.words import SOURCE, Sentences, Words, words

LOCALES = Path(__file__).parent / "locale"
LONGEST = 5_000
"""Characters: longer texts are not ours."""
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d) UTC(?: \(\w{3} \d{1,2} \w{3} \d{4}, \d\d:\d\d in ([\w/+-]+)\))?"
)
_NTH = re.compile(r"([\d,]+)(?:st|nd|rd|th)")
_MONEY = re.compile(r"([A-Z]{3}) ([\d,]+(?:\.\d+)?)")
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})*(\.\d+)?|\d+(\.\d+)?")
_END = re.compile(r"(?<=[.!?]) ")


def ruled(language: str, text: str) -> str:
    """What the rules say, in this language; as it is if nobody has translated it. Of several
    sentences each by itself."""
    if language == SOURCE or not text or len(text) > LONGEST:
        return text
    return _all_of(words(LOCALES, language), text)


def line_said(language: str, text: str) -> str:
    """A line of ours, in this language: where a budget or a step stands, who decides."""
    if language == SOURCE or not text or len(text) > LONGEST:
        return text
    return _in(_grammar(LINES), words(LOCALES, language), text)


def times_said(language: str, text: str) -> str:
    """A text with the times in it as the language writes them."""
    if language == SOURCE:
        return text
    spoken = words(LOCALES, language)
    return _TIME.sub(lambda found: _time(spoken, found), text)


def _all_of(spoken: Words, text: str) -> str:
    """Of several sentences each by itself, unless they are ours only together."""
    sentences = _END.split(text)
    each = [_said(spoken, sentence) for sentence in sentences]
    if all(own != said for own, said in zip(sentences, each, strict=True)):
        return " ".join(each)
    whole = _said(spoken, text)
    return " ".join(each) if whole == text else whole


def _said(spoken: Words, text: str) -> str:
    return _in(_grammar(SENTENCES), spoken, text)


def _in(known: Sentences, spoken: Words, text: str) -> str:
    return known.said(spoken, text, lambda name, part: _part(spoken, name, part))


def _part(spoken: Words, name: str, text: str) -> str:
    """What stands in a sentence: ours if its place is named so, like `time_`."""
    if not name.endswith("_"):
        return text
    for pattern, say in _KINDS.items():
        if found := pattern.fullmatch(text):
            return say(spoken, found)
    return _in(_grammar(PARTS), spoken, text)


def _time(spoken: Words, found: re.Match[str]) -> str:
    from babel.dates import format_datetime

    at = datetime.strptime(found[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    said = f"{format_datetime(at, 'short', locale=spoken.language)} UTC"
    if found[2] is None:
        return said
    try:
        zone = ZoneInfo(found[2])
    except (ZoneInfoNotFoundError, ValueError):
        return said
    form = "EEE d. MMM y, HH:mm"
    here = format_datetime(at.astimezone(zone), form, tzinfo=zone, locale=spoken.language)
    return f"{said} ({here} in {found[2]})"


def _number(spoken: Words, text: str) -> str:
    """An exact amount, with the marks of the language: no digit is lost."""
    from babel.numbers import get_decimal_symbol, get_group_symbol

    whole, point, rest = text.partition(".")
    whole = whole.replace(",", get_group_symbol(spoken.language))
    return f"{whole}{get_decimal_symbol(spoken.language) if point else ''}{rest}"


_KINDS: Mapping[re.Pattern[str], Callable[[Words, re.Match[str]], str]] = {
    _TIME: _time,
    _NTH: lambda spoken, found: f"{_number(spoken, found[1])}.",
    _NUMBER: lambda spoken, found: _number(spoken, found[0]),
    _MONEY: lambda spoken, found: f"{_number(spoken, found[2])} {found[1]}",
}


_FIGURE = r"[\d,]+(?:\.\d+)?"
_SPAN = r"[\d.]+ [a-z]+"
_SHAPES = {
    **dict.fromkeys(("count_", "limit_", "used_", "needed_"), _FIGURE),
    "nth_": _NTH.pattern.replace("(", "(?:", 1),
    "currency": "[A-Z]{3}",
    "person": r"(?:(?! until ).)+?",
    "own_": f"[A-Z]{{3}} {_FIGURE}",
    "period_": f"today|this week|this month|in {_SPAN}",
    "span_": _SPAN,
    "time_": r"\d{4}-\d\d-\d\d \d\d:\d\d UTC(?: \([^()]+\))?",
}


@cache
def _grammar(texts: tuple[str, ...]) -> Sentences:
    return Sentences(texts, _SHAPES)
