"""What pydantic finds wrong with a setting, as a sentence that says what to write instead."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

MISSING = "is missing; add it"


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that `name` was probably meant to be; None if none is like it."""
    by_lower = {each.casefold(): each for each in sorted(known, reverse=True)}
    found = get_close_matches(name.casefold(), by_lower, n=1, cutoff=0.75)
    return by_lower[found[0]] if found else None


def sentence(error: Any, known: Collection[str] = ()) -> str:
    """One error of pydantic's; `known` are the keys that its mapping may have."""
    kind, given = error["type"], error["input"]
    if kind == "extra_forbidden":
        meant = nearest(str(error["loc"][-1]), known)
        hint = f"did you mean {meant}?" if meant else "check the spelling, or remove it."
        return f"unknown key; {hint}"
    if kind == "enum":
        return f"write {error['ctx']['expected']} (got {given!r})"
    if kind == "greater_than_equal":
        return f"write {error['ctx']['ge']} or more (got {_brief(given)})"
    if kind in _EXPECTED:
        return f"{_EXPECTED[kind]} (got {_brief(given)})"
    said = str(error["msg"]).removeprefix("Value error, ")
    return _OTHERWISE.get(kind, said)


_EXPECTED = {
    "tuple_type": "write a list, for example [one] or [one, another]",
    "list_type": "write a list, for example [one] or [one, another]",
    "set_type": "write a list, for example [one] or [one, another]",
    "frozen_set_type": "write a list, for example [one] or [one, another]",
    "dict_type": "write a mapping of keys to values",
    "model_type": "write a mapping of keys to values",
    "model_attributes_type": "write a mapping of keys to values",
    "string_type": "write text; put it in quotes if it looks like something else",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
}
_OTHERWISE = {
    "missing": MISSING,
    "too_short": "is empty; name at least one",
}


def _brief(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:60]}…"
