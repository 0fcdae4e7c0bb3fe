"""What pydantic finds wrong, as lines that a person can act on, each with a path in their file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from approvals.sentences import sentence


def problems_of(exc: ValidationError, path: str, value: Any) -> list[str]:
    """One line for each error in `value`, with the dotted path to the key."""
    errors = exc.errors(include_url=False)
    lines = [
        f"{'.'.join([path, *_steps(e['loc'], value, e['type'])])}: {message(e)}" for e in errors
    ]
    return list(dict.fromkeys(lines))


def message(error: Any) -> str:
    """What is wrong, as a sentence."""
    said = sentence(error)
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
