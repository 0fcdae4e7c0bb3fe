r"""Values as people read them: each whole, and none that passes for a word of ours.

One grammar for all channels. A value is one of
- `Yes`, `No`, `No value`, `Empty list`, `Empty`, or a number with its digits as they are signed;
- a text of one line as it is, where it can be taken for nothing else;
- any other text in quotes, by the rules of JSON, but that a line break is shown as ↵ and breaks;
- `2 items:` or `3 values:` with one line for each below it, texts in them always in quotes.
So two different values never read alike, whatever stands in them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from countersign.approvals.forms.lookalikes import escaped
from countersign.approvals.forms.wording import number_text, visible

DEFAULT = "(default)"
YES, NO, NOTHING = "Yes", "No", "No value"
EMPTY_LIST, EMPTY = "Empty list", "Empty"
BREAK = "↵"
_RESERVED = frozenset(word.casefold() for word in (YES, NO, NOTHING, EMPTY_LIST, EMPTY))
_LONGEST_WORD = 20
_JSON_BEGINS = frozenset('{["-0123456789tfnNI')
_OURS = re.compile(
    r"\W(?i:default|set by .*)\W?\s*$|more characters|^[-+]?[\d.,]+(\s+\S{1,4})?$"
    r"|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|^[\"“”„«»']|[↵…]"
)
"""What a text must not end, begin or look like if it is to stand without quotes."""
_NUMBER = re.compile(r"[-+\u2212]?\d[\d,.\u00a0\u2009]*( ?%)?")
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w.-]{0,59}", re.ASCII)


def value_text(value: Any, defaulted: Collection[str] = (), pointer: str = "") -> str:
    """A JSON value as people read it; see the grammar of this module."""
    match value:
        case None | bool():
            return _word(value)
        case int() | float():
            return number_text(value)
        case str():
            return visible(value) if _speaks_for_itself(value) else quoted(value)
        case [] | ():
            return EMPTY_LIST
        case {}:
            return EMPTY if not value else "\n".join(_outline(value, defaulted, pointer))
    return "\n".join(_outline(value, defaulted, pointer))


def table_text(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, a line each; a cell that could pass for two, or for two rows, is in quotes."""
    return "\n".join(" | ".join(map(cell_text, cells)) for cells in rows)


def columns_of_numbers(rows: Sequence[Sequence[str]]) -> tuple[bool, ...]:
    """For each column below the head, whether it has numbers: these are drawn one under another."""
    columns = zip_longest(*rows[1:], fillvalue="")
    return tuple(any(each) and all(not c or _NUMBER.fullmatch(c) for c in each) for each in columns)


def cell_text(text: str) -> str:
    """A cell of a table; in quotes where it could pass for two, or for two rows."""
    whole = text == text.strip() and not any(mark in text for mark in '|"\n\r\t')
    return text if whole and visible(text) == text else one_line(text)


def quoted(text: str) -> str:
    """A text in quotes, by the rules of JSON but for line breaks, which break and are marked."""
    return _quoted(text, f"{BREAK}\n")


def one_line(text: str) -> str:
    """A text in quotes that never breaks."""
    return _quoted(text, "\\n")


def _quoted(text: str, line_break: str) -> str:
    """Piece by piece: an escape must not become part of the word that stands behind it."""
    pieces = _SPECIAL.split(text)
    shown = (
        visible(piece, around=text) if number % 2 == 0 else _special(piece, line_break)
        for number, piece in enumerate(pieces)
    )
    return f'"{"".join(shown)}"'


_SPECIAL = re.compile(rf'([\x00-\x1f\x7f"\\{BREAK}])')


def _special(character: str, line_break: str) -> str:
    if character == "\n":
        return line_break
    return escaped(character) if character in f"{BREAK}\x7f" else json.dumps(character)[1:-1]


def _word(value: bool | None) -> str:
    if value is None:
        return NOTHING
    return YES if value else NO


def _speaks_for_itself(text: str) -> bool:
    """Whether a text without quotes can only be that text."""
    if not text or text != text.strip() or "  " in text:
        return False
    if len(text) < _LONGEST_WORD and text.casefold() in _RESERVED:
        return False
    if any(c in text for c in "\n\r\t") or _OURS.search(text) or visible(text) != text:
        return False
    if text[0] not in _JSON_BEGINS:
        return True
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return True
    return False


def _outline(value: Any, defaulted: Collection[str], pointer: str) -> Iterator[str]:
    """A line for each entry below a line that says how many there are."""
    is_list = isinstance(value, list | tuple)
    entries = list(enumerate(value, 1) if is_list else sorted(value.items()))
    kind = "item" if is_list else "value"
    yield f"{len(entries)} {kind}{'s' if len(entries) != 1 else ''}:"
    for key, inner in entries:
        name = f"{key}." if is_list else f"{key_text(key)}:"
        below = f"{pointer}/{key - 1 if is_list else pointer_token(key)}"
        mark = f" {DEFAULT}" if below in defaulted else ""
        if isinstance(inner, dict | list | tuple) and inner:
            first, *others = _outline(inner, defaulted, below)
            yield f"  {name} {first}{mark}"
            yield from (f"  {line}" for line in others)
        else:
            text = one_line(inner) if isinstance(inner, str) else value_text(inner)
            yield f"  {name} {text}{mark}"


def key_text(name: str) -> str:
    """A name of an argument, or a key, in quotes unless it is a plain one."""
    return name if _PLAIN_KEY.fullmatch(name) else one_line(name)


def pointer_token(name: str) -> str:
    """A step of a JSON pointer. Source: RFC 6901, section 3."""
    return name.replace("~", "~0").replace("/", "~1")
