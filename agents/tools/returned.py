"""Serialises what a tool returns, as agents read it: JSON, and not Python."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Coroutine, Generator, Iterator
from typing import Any

from pydantic_core import to_json, to_jsonable_python

from countersign.approvals.audit.canonical import well_formed

_LAZY = (Generator, AsyncGenerator, Coroutine, map, filter)


def unrun(value: Any) -> str | None:
    """The type of something in it that does its work only when it is asked to: returned by a tool,
    it never does. None if there is nothing of the kind."""
    try:
        return next(
            (type(part).__name__ for part in _parts(value) if isinstance(part, _LAZY)), None
        )
    except Exception:  # of containers of the user's own
        return None


def _parts(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list | tuple | set | frozenset):
        yield from value


def written(value: Any) -> str:
    """Text as it is, everything else as JSON text; what has no JSON form as `str` writes it.

    A value that is text in JSON (a date, a decimal) has no quotes round it, as it would have none
    from `str`. Never raises: the tool has run, whatever it returns.
    """
    try:
        return well_formed(_written(value))
    except Exception:  # of the user's own `__str__`, too
        return f"(a {type(value).__name__} that cannot be written as text)"


def _written(value: Any) -> str:
    if isinstance(value, str):
        return str.__str__(value)  # an enum of texts would write its name
    if isinstance(value, Iterator):  # may have no end
        return str(value)
    try:
        plain = to_jsonable_python(value, by_alias=False, fallback=str)
        return plain if isinstance(plain, str) else _dumps(plain)
    except (ValueError, RecursionError):  # it contains itself, or bytes that are no text
        return str(value)


def _dumps(plain: Any) -> str:
    try:
        return json.dumps(plain, ensure_ascii=False, allow_nan=False)
    except ValueError:  # JSON has no infinity
        return to_json(plain, inf_nan_mode="strings").decode()
