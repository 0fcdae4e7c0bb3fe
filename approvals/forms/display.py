"""Display of a call as fields that people read: labels, values and what to look out for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from countersign.approvals.forms.fields import Field, fields
from countersign.approvals.forms.lookalikes import disguised, mixed, unusual
from countersign.approvals.forms.values import (
    DEFAULT,
    key_text,
    one_line,
    pointer_token,
    value_text,
)
from countersign.approvals.forms.wording import cut_visibly, in_words, visible
from countersign.approvals.models import Injected, JsonObject, Value

BY_WORKFLOW = "(set by the workflow)"
TITLE_VALUES = 4
"""How many values a title names at most."""
TITLE_VALUE_LIMIT = 48
LABEL_LIMIT = 60
PLAIN_LABEL = re.compile(r"[^\W_][\w .,'()/%&+-]*")
"""Letters, digits and marks that no markup of a channel gives a meaning."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9]+(?:[_ -]+[A-Za-z0-9]+)*")
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
    """The whole of the value, by the grammar of `approvals.forms.values`."""
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
    value, pointer = arguments[name], f"/{pointer_token(name)}"
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


def _labels(known: Sequence[Field]) -> dict[str, str]:
    """A label for each field; where two would be alike, with their names."""
    plain = {field.name: label_of(field) for field in known}
    count = Counter(label.casefold() for label in plain.values())
    return {
        name: f"{label} [{key_text(name)}]" if count[label.casefold()] > 1 else label
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
