r"""Display of a call as fields that people read: every value whole, and none that passes for ours.

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
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from countersign.approvals.forms.fields import Field, fields
from countersign.approvals.forms.lookalikes import (
    disguised,
    escaped,
    mixed,
    unusual,
)
from countersign.approvals.forms.wording import (
    cut_visibly,
    in_words,
    number_text,
    visible,
)
from countersign.approvals.models import Injected, JsonObject, Value

DEFAULT = "(default)"
BY_WORKFLOW = "(set by the workflow)"
YES, NO, NOTHING = "Yes", "No", "No value"
EMPTY_LIST, EMPTY = "Empty list", "Empty"
BREAK = "↵"
TITLE_VALUES = 4
"""How many values a title names at most."""
TITLE_VALUE_LIMIT = 48
LABEL_LIMIT = 60
_RESERVED = frozenset(word.casefold() for word in (YES, NO, NOTHING, EMPTY_LIST, EMPTY))
_LONGEST_WORD = 20
_JSON_BEGINS = frozenset('{["-0123456789tfnNI')
_OURS = re.compile(
    r"\W(?i:default|set by .*)\W?\s*$|more characters|^[-+]?[\d.,]+(\s+\S{1,4})?$"
    r"|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|^[\"“”„«»']|[↵…]"
)
"""What a text must not end, begin or look like if it is to stand without quotes."""
PLAIN_LABEL = re.compile(r"[^\W_][\w .,'()/%&+-]*")
"""Letters, digits and marks that no markup of a channel gives a meaning."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9]+(?:[_ -]+[A-Za-z0-9]+)*")
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w.-]{0,59}", re.ASCII)
_MONEY = frozenset(
    "amount price total sum cost costs fee value budget payment salary refund charge net gross "
    "subtotal balance revenue limit credit debit".split()
)
"""Names of amounts end with one of these."""
_CURRENCY = re.compile(r"[A-Z]{3}|[$€£¥]")


class Shown(Value):
    """One argument as people read it."""

    name: str
    """As the tool calls it."""
    label: str
    text: str
    """The whole of the value, by the grammar above."""
    mark: str = ""
    """Where the value comes from, if not from the agent: `(default)`."""
    notes: tuple[str, ...] = ()
    """What to look out for in it."""

    @property
    def whole(self) -> str:
        """The value with its mark."""
        return f"{self.text} {self.mark}" if self.mark else self.text


def shown_arguments(
    arguments: JsonObject,
    schema: JsonObject | None = None,
    *,
    first: Sequence[str] = (),
    defaulted: Collection[str] = (),
) -> tuple[Shown, ...]:
    """The arguments in the order of the rule (`first`), then of the schema, never of the model.

    `defaulted` are JSON pointers of values that the agent did not write.
    """
    known = {field.name: field for field in fields(schema, arguments) if field.name in arguments}
    described = (schema or {}).get("properties")
    in_schema = [n for n in known if isinstance(described, dict) and n in described]
    rest = sorted(name for name in known if name not in in_schema)
    order = dict.fromkeys([*(n for n in first if n in known), *in_schema, *rest])
    labels = _labels([known[name] for name in order])
    return tuple(_shown(name, labels[name], arguments, frozenset(defaulted)) for name in order)


def _shown(name: str, label: str, arguments: JsonObject, defaulted: frozenset[str]) -> Shown:
    value, pointer = arguments[name], f"/{_token(name)}"
    text = value_text(value, defaulted, pointer)
    currency = _currency(name, value, arguments)
    return Shown(
        name=name,
        label=label,
        text=f"{text} {currency}" if currency else text,
        mark=DEFAULT if pointer in defaulted or "" in defaulted else "",
        notes=tuple(_notes(value)),
    )


def shown_facts(facts: JsonObject | None) -> tuple[Shown, ...]:
    """What a tool's check has found, in the order in which it says it."""
    return shown_arguments(facts or {}, first=tuple(facts or ()))


def set_by_workflow(injected: Sequence[Injected]) -> tuple[Shown, ...]:
    """What the body receives beside the arguments, with its value where it can be written."""
    return tuple(
        Shown(
            name=each.name,
            label=in_words(each.name) if _PLAIN_NAME.fullmatch(each.name) else one_line(each.name),
            text=BY_WORKFLOW if each.value is None else value_text(each.value),
            mark="" if each.value is None else BY_WORKFLOW,
        )
        for each in injected
    )


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
    return "\n".join(" | ".join(map(_cell, cells)) for cells in rows)


def _cell(text: str) -> str:
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
        name = f"{key}." if is_list else f"{_key(key)}:"
        below = f"{pointer}/{key - 1 if is_list else _token(key)}"
        mark = f" {DEFAULT}" if below in defaulted else ""
        if isinstance(inner, dict | list | tuple) and inner:
            first, *others = _outline(inner, defaulted, below)
            yield f"  {name} {first}{mark}"
            yield from (f"  {line}" for line in others)
        else:
            text = one_line(inner) if isinstance(inner, str) else value_text(inner)
            yield f"  {name} {text}{mark}"


def _key(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) else one_line(name)


def _token(name: str) -> str:
    """A step of a JSON pointer. Source: RFC 6901, section 3."""
    return name.replace("~", "~0").replace("/", "~1")


def _labels(known: Sequence[Field]) -> dict[str, str]:
    """A label for each field; where two would be alike, with their names."""
    plain = {field.name: label_of(field) for field in known}
    count = Counter(label.casefold() for label in plain.values())
    return {
        name: f"{label} [{_key(name)}]" if count[label.casefold()] > 1 else label
        for name, label in plain.items()
    }


def label_of(field: Field) -> str:
    """What people call an argument: its title, a description of a word or three, or its name.

    A description that only adds to the name (`amount`, "In EUR") stands behind it.
    """
    name = in_words(field.name) if _PLAIN_NAME.fullmatch(field.name) else one_line(field.name)
    for keyword, most in (("title", 10), ("description", 3)):
        said = field.schema.get(keyword)
        text = " ".join(said.split()).rstrip(" .:") if isinstance(said, str) else ""
        fits = len(text) <= LABEL_LIMIT and len(text.split()) <= most
        if text and text != field.name and fits and PLAIN_LABEL.fullmatch(text):
            adds = keyword == "description" and not _words(name) & _words(text)
            if adds:
                is_word = text[1:2].islower() and text[0].isupper()
                return f"{name} ({visible(text[0].lower() + text[1:] if is_word else text)})"
            return visible(text[:1].upper() + text[1:])
    return name


def _words(text: str) -> frozenset[str]:
    return frozenset(text.casefold().split())


def _currency(name: str, value: Any, arguments: Mapping[str, Any]) -> str:
    """The currency that a sibling names for an amount; empty if it is none."""
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    # The last word says what it is: `fee_percent` is no fee, `amount_cents` is another amount.
    if not numeric or in_words(name).lower().rpartition(" ")[2] not in _MONEY:
        return ""
    for sibling in (f"{name}_currency", "currency", "currency_code", "currencyCode"):
        found = arguments.get(sibling)
        if isinstance(found, str) and _CURRENCY.fullmatch(found):
            return found
    return ""


def _notes(value: Any) -> Iterator[str]:
    """Warnings about a value that the value alone does not give."""
    texts = list(_texts(value))
    if any(visible(text) != text.replace("\r\n", "\n") for text in texts):
        yield "⚠ Hidden or look-alike characters, written out as \\u…"
    if any(unusual(text) for text in texts):
        yield "⚠ Letters are put together otherwise than usual: it reads like another text"
    if letters := "".join(sorted({c for text in texts for c in mixed(text)})):
        yield f"⚠ Letters of several scripts in one word: {' '.join(letters)}"
    if letters := "".join(sorted({c for text in texts for c in disguised(text)})):
        yield f"⚠ Looks like Latin letters and is not: {' '.join(letters)}"


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for name, inner in value.items():
                yield name
                yield from _texts(inner)
        case list() | tuple():
            for inner in value:
                yield from _texts(inner)


def deciding(
    arguments: JsonObject, shown: Sequence[Shown], first: Sequence[str] = ()
) -> tuple[Shown, ...]:
    """The values that a title names: those of the rule, else the first simple ones of the schema.

    Texts are in quotes and cut, so that a title of several says where each ends.
    """
    own = [e for e in shown if not e.mark and not isinstance(arguments[e.name], dict | list)]
    short = [each for each in own if len(each.text) <= TITLE_VALUE_LIMIT]
    wanted = [each for each in shown if each.name in first] or short[:3] or own[:1]
    return tuple(
        each.model_copy(update={"text": _brief(arguments[each.name], each.text)})
        for each in wanted[:TITLE_VALUES]
    )


def _brief(value: Any, text: str) -> str:
    if isinstance(value, str):
        fits = len(value) <= TITLE_VALUE_LIMIT and len(one_line(value)) <= TITLE_VALUE_LIMIT
        return one_line(value) if fits else one_line(value[:TITLE_VALUE_LIMIT]) + "…"
    return cut_visibly(text.split("\n")[0], TITLE_VALUE_LIMIT)
