"""Equality of values that a tool's body receives, and that all of them is handed on.

Types here are the user's: comparing them may raise anything, which says that they are not alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from enum import Enum
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_jsonable_python

_LAZY = type(TypeAdapter(Iterable[int]).validate_python(()))
"""What pydantic makes of an `Iterable`: its items are read, and checked, once only."""
_PLAIN = (str, int, float, bool, type(None))
_NONE = object()


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal as far as their types can say.

    `one` may be a default that its model has not converted, and `other` what it is converted to.
    """
    try:
        return _alike(one, other)
    except (Exception, SystemExit):  # a type of the user's may raise anything when it is compared
        return False


def whole(value: Any) -> Any:
    """The value with lists for what pydantic would read later and once only. Changes models,
    lists and dicts in place; raises ValidationError for an item that does not fit."""
    if isinstance(value, _LAZY):
        return [whole(item) for item in value]
    if isinstance(value, BaseModel):
        for name, member in list(vars(value).items()):
            vars(value)[name] = whole(member)
    elif is_dataclass(value):
        for name, member in members(value).items():
            if (made := whole(member)) is not member:
                object.__setattr__(value, name, made)
    elif isinstance(value, dict):
        for key in list(value):
            value[key] = whole(value[key])
    elif isinstance(value, list):
        value[:] = [whole(item) for item in value]
    elif isinstance(value, tuple):
        made = [whole(item) for item in value]
        if any(new is not old for new, old in zip(made, value, strict=True)):
            return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    return value


def is_dataclass(value: Any) -> bool:
    """Whether it is an instance of one."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def members(value: Any) -> dict[str, Any]:
    """The members of a model or dataclass, whether it has a `__dict__` or not."""
    if isinstance(value, BaseModel):
        return {
            **{name: getattr(value, name, _NONE) for name in type(value).model_fields},
            **(value.model_extra or {}),
        }
    found = {each.name: getattr(value, each.name, _NONE) for each in dataclasses.fields(value)}
    return {name: member for name, member in found.items() if member is not _NONE}


def _alike(one: Any, other: Any) -> bool:
    if one is other or (type(one) in (int, float) and type(other) in (int, float) and one == other):
        return True
    if type(one) is not type(other):
        return _is_converted(one, other)
    if isinstance(one, BaseModel) or is_dataclass(one):
        return _all_alike(members(one), members(other))
    if isinstance(one, dict):
        return _all_alike(one, other)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    says_nothing: Any = object.__eq__
    return type(one).__eq__ is says_nothing or bool(one == other)


def _all_alike(mine: dict[Any, Any], its: dict[Any, Any]) -> bool:
    return mine.keys() == its.keys() and all(_alike(mine[key], its[key]) for key in mine)


def _is_converted(one: Any, other: Any) -> bool:
    """`Kind.RUSH` is "rush" (use_enum_values), () a list, "2026-01-31" that date: no loss."""
    if isinstance(one, Enum):
        return _alike(one.value, other)
    if type(one) in (list, tuple) and type(other) in (list, tuple):
        return _alike(list(one), list(other))
    if type(one) in (list, tuple) and type(other) in (set, frozenset):
        return bool(set(one) == other)
    if type(one) not in _PLAIN or isinstance(other, BaseModel) or is_dataclass(other):
        return False
    return bool(to_jsonable_python(other) == one)
