"""What pydantic finds wrong, as lines that a person can act on, each with a path in their file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from countersign.approvals.forms.sentences import sentence
from countersign.connectors.secrets import Reading, key_of


def validated(
    path: str, kind: Any, value: Any, reading: Reading | None
) -> tuple[Any | None, list[str]]:
    """`value` as `kind`, or None and everything that is wrong with it."""
    try:
        return _adapter(kind).validate_python(value, context=reading), []
    except ValidationError as exc:
        return None, problems_of(exc, path, value, kind)


@lru_cache(maxsize=256)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Built once for each kind: there may be thousands of people."""
    return TypeAdapter(kind)


def problems_of(exc: ValidationError, path: str, value: Any, kind: Any = None) -> list[str]:
    """One line for each error in `value`, with the dotted path to the key; `kind` is what it was to
    be, so that a misspelt key is told what it was meant to be."""
    errors = exc.errors(include_url=False)
    lines = []
    for error in errors:
        where = ".".join([path, *_steps(error["loc"], value, error["type"])])
        lines.append(f"{where}: {message(error, _keys(kind, error['loc']))}")
    return list(dict.fromkeys(lines))


def message(error: Any, known: Collection[str] = ()) -> str:
    """What is wrong, as a sentence; `known` are the keys that may stand there."""
    said = sentence(error, known)
    return said if said.endswith((".", "?")) or error["type"] == "value_error" else f"{said}."


def _steps(loc: Sequence[int | str], value: Any, kind: str) -> Iterator[str]:
    """The steps of a location that are in the file: pydantic also names the kinds that it tried."""
    for number, step in enumerate(loc):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list | tuple) and isinstance(step, int):
            value = value[step]
        elif not (kind == "missing" and number == len(loc) - 1):
            continue
        yield str(step)


def _keys(kind: Any, loc: Sequence[int | str]) -> Collection[str]:
    """The keys that may stand where the last step of a location stands, as far as one can see."""
    for step in loc[:-1]:
        models = list(_models(kind))
        fields = [field for model in models if (field := _keyed(model).get(str(step))) is not None]
        if fields:
            kind = fields[0].annotation
    found = list(_models(kind))
    return _keyed(found[0]) if len(found) == 1 else ()


def _keyed(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields by their keys in the file."""
    return {key_of(name, field): field for name, field in model.model_fields.items()}


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation, whatever is around them."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for inner in get_args(kind):
        yield from _models(inner)
