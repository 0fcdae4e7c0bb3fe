"""What a ticket shows, as words can be compared with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from countersign.approvals.forms.display import label_of
from countersign.approvals.forms.fields import fields
from countersign.approvals.forms.wording import in_words, number_text
from countersign.approvals.models import JsonObject, Value
from countersign.connectors.comments.amounts import numbers_shown
from countersign.connectors.comments.vocabulary import letters, plain


class Shown(Value):
    """What is decided on, as words can be compared with it."""

    names: frozenset[str]
    """Of arguments: as they are, as labels, and of the parts of values."""
    texts: tuple[str, ...]
    """Values, and what else stands in the ticket and may be named."""
    numbers: frozenset[Decimal]
    others: frozenset[str]
    """Values that could be chosen and are not."""


def shown(
    schema: JsonObject | None,
    arguments: JsonObject,
    also: Iterable[str] = (),
    more_names: Iterable[str] = (),
) -> Shown:
    """What a ticket shows: these arguments of a tool with this schema, and what stands `also`
    there."""
    form = fields(schema, arguments)
    names = {*(field.name for field in form), *_names(arguments), *more_names}
    labels = [letters(label_of(field)) for field in form]
    labels += [
        letters(said) for field in form if isinstance(said := field.schema.get("title"), str)
    ]
    texts = [plain(text) for text in (*texts_of(arguments), *also)]
    others = {
        plain(str(choice))
        for field in form
        for choice in field.choices
        if isinstance(choice, str) and choice != arguments.get(field.name)
    }
    known = {*labels, *map(letters, names), *(letters(in_words(name)) for name in names)}
    return Shown(
        names=frozenset(known - {""}),
        texts=tuple(texts),
        numbers=frozenset(number for text in texts for number in numbers_shown(text)),
        others=frozenset(others - {*texts, ""}),
    )


def texts_of(value: Any) -> Iterator[str]:
    """Every value in a value, as it can be written."""
    match value:
        case Mapping():
            for inner in value.values():
                yield from texts_of(inner)
        case list() | tuple():
            for inner in value:
                yield from texts_of(inner)
        case bool():
            yield "yes" if value else "no"
        case int() | float():
            yield number_text(value)
        case str():
            yield value


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from _names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner)
