"""Values as JSON and back: how what a body receives is written down, and read for it.

What validates and writes here is pydantic with the user's types; any of it may raise anything.
"""

from __future__ import annotations

import copy
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticSerializationError, to_jsonable_python

from countersign.agents.values.equality import alike, is_dataclass, whole
from countersign.agents.values.signature import NotGuardableError, Parameter
from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.errors import InvalidError
from countersign.approvals.rules.arguments import LONGEST


def default_of(parameter: Parameter) -> Any:
    """A default as JSON. Raises NotGuardableError for one that has none or would hide something."""
    try:
        default = dump(parameter.adapter, parameter.default)
        if not is_model(parameter) or alike(parameter.default, read_again(parameter, default)):
            return default
    except (Exception, SystemExit) as exc:  # serializers and validators are code of the user's
        raise NotGuardableError(
            f"{parameter.name}: its default cannot be written down and read again: "
            f"{error_text(exc)}"
        ) from exc
    raise NotGuardableError(
        f"{parameter.name}: its default is not the same once it is written down and read again"
    )


def is_model(parameter: Parameter) -> bool:
    """Whether models are in the default: they may hold more than is written down of them."""
    return parameter.adapter is not None and _holds_models(parameter.default)


def _holds_models(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_models, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_holds_models, value))
    return isinstance(value, BaseModel) or is_dataclass(value)


def read_again(parameter: Parameter, value: Any) -> Any:
    """What the function is given for this JSON. Raises whatever its types raise."""
    value = copy.deepcopy(value)
    if parameter.adapter is None:
        return value
    value = parameter.adapter.validate_python(value)
    return whole(value) if parameter.lazy else value


def own(default: Any) -> Any:
    """A default that the body may change without changing it for the next call."""
    try:
        return copy.deepcopy(default)
    except Exception:  # what cannot be copied is shared, as Python shares all defaults
        return default


def dump(adapter: TypeAdapter[Any] | None, value: Any) -> Any:
    """The value as JSON; sets, which have no order, sorted.

    A bool is one whatever the declared type makes of it: `x: float = True` gives the body True.
    """
    if adapter is None or isinstance(value, bool):
        return to_jsonable_python(_sorted(value))
    try:
        plain = adapter.dump_python(
            value, mode="python", by_alias=True, round_trip=True, warnings="error"
        )
    except PydanticSerializationError:  # a default that is not of the declared type
        return to_jsonable_python(_sorted(value), by_alias=True, round_trip=True)
    return to_jsonable_python(_sorted(plain), by_alias=True, round_trip=True)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_sorted(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(
            map(_sorted, value), key=lambda item: canonical_json(to_jsonable_python(item))
        )
    return value


def kept(written: Any, dumped: Any, *, numbers: bool = False) -> Any:
    """What was written, where it is signed alike: 25 stays 25 for a tool that takes a float.

    `numbers` also stay numbers where they are dumped as text, which may be read as text only.
    """
    if isinstance(dumped, dict) and isinstance(written, dict):
        return {k: kept(written.get(k), v, numbers=numbers) for k, v in dumped.items()}
    if isinstance(dumped, list) and isinstance(written, list) and len(dumped) == len(written):
        pairs = zip(written, dumped, strict=True)
        return [kept(old, new, numbers=numbers) for old, new in pairs]
    same = same_json(written, dumped) or (numbers and _same_number(written, dumped))
    return written if written is not None and same else dumped


def _same_number(number: Any, text: Any) -> bool:
    """Whether `text` is what a Decimal that was given as a number is dumped as."""
    if type(number) not in (int, float) or not isinstance(text, str):
        return False
    try:
        return Decimal(repr(number)) == Decimal(text)
    except InvalidOperation:
        return False


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are signed alike."""
    try:
        return canonical_json(one) == canonical_json(other)
    except InvalidError:
        return False


def error_text(error: BaseException) -> str:
    """The exception in words; those of the user's may have none."""
    try:
        return f"{type(error).__name__}: {error}"[:LONGEST]
    except Exception:  # its __str__ is code of the user's, too
        return type(error).__name__
