"""What pydantic finds wrong with a setting, as a sentence that says what to write instead."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

NAMED = 12
"""How many keys are worth naming."""
MISSING = "is missing; add it"
VARIABLE = "write the name of an environment variable, like MY_TOKEN"


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that `name` was probably meant to be; None if none is like it."""
    by_lower = {each.casefold(): each for each in sorted(known, reverse=True)}
    found = get_close_matches(name.casefold(), by_lower, n=1, cutoff=0.75)
    return by_lower[found[0]] if found else None


def unknown_key(name: str, known: Collection[str] = (), *, what: str = "key") -> str:
    """What is said of a key that means nothing where it stands; `known` are those that would."""
    meant = nearest(name, known)
    if meant:
        return f"unknown {what}; did you mean {meant}?"
    if 0 < len(known) <= NAMED:
        return f"unknown {what}; known are {', '.join(known)}."
    return f"unknown {what}; check the spelling, or remove it."


def sentence(error: Any, known: Collection[str] = ()) -> str:
    """One error of pydantic's; `known` are the keys that its mapping may have."""
    kind, given = error["type"], error["input"]
    if kind == "extra_forbidden":
        return unknown_key(str(error["loc"][-1]), known)
    if kind == "string_pattern_mismatch" and ".".join(map(str, error["loc"])).endswith("_env"):
        return VARIABLE  # what stands there may be the secret itself
    if kind == "union_tag_invalid":
        given = error["ctx"]["tag"]
    if kind in _EXPECTED:
        return f"{_EXPECTED[kind].format(**error.get('ctx', {}))} (got {_brief(given)})"
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
    "enum": "write {expected}",
    "literal_error": "write {expected}",
    "union_tag_invalid": "write one of {expected_tags} as {discriminator}",
    "greater_than": "write more than {gt}",
    "greater_than_equal": "write {ge} or more",
    "less_than_equal": "write {le} or less",
    "string_too_short": "write {min_length} or more characters",
    "string_too_long": "write {max_length} or fewer characters",
    "string_pattern_mismatch": "is not of the form {pattern}",
    "url_parsing": "write an address like https://host.example",
    "url_scheme": "write an address like https://host.example",
}
_OTHERWISE = {
    "missing": MISSING,
    "too_short": "is empty; name at least one",
}


def _brief(given: Any) -> str:
    """Of a mapping or a list only that it is one: it may have secrets in it."""
    if isinstance(given, dict):
        return "a mapping"
    if isinstance(given, list | tuple | set | frozenset):
        return "a list"
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:60]}…"
