"""Round trips of types: whether values can be written down whole and read again.

pydantic's own description of a type (its core schema) is what is looked at; its keys are those of
https://docs.pydantic.dev/latest/api/pydantic_core_schema/ (pydantic 2.14, read 2026-11-29).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from io import IOBase
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

_CLASSES = ("model", "dataclass", "typed-dict")
_MEMBERS = (
    "model-field",
    "dataclass-field",
    "typed-dict-field",
    "named-tuple-field",
    "arguments",
)
_Refs = Mapping[str, Mapping[str, Any]]
"""What is described once and referred to: types that occur twice, or within themselves."""
_NOT_TYPES = ("metadata", "serialization", "default", "config", "expected", "members")
_OWN = ("function-plain", "function-wrap")


def faults(name: str, adapter: TypeAdapter[Any], annotation: Any) -> Iterator[str]:
    """Why values of the parameter `name` cannot be shown faithfully, each with the member."""
    if _is_read_once(annotation):
        yield f"{name}: {_READ_ONCE}"
    refs = {node["ref"]: node for node in _nodes(adapter.core_schema) if "ref" in node}
    yield from _faults(adapter.core_schema, name, by_alias=True, refs=refs)


def is_lazy(adapter: TypeAdapter[Any]) -> bool:
    """Whether pydantic reads parts of a value only when they are asked for, and once only."""
    return any(node.get("type") == "generator" for node in _nodes(adapter.core_schema))


def is_once(value: Any) -> bool:
    """Whether reading a value uses it up."""
    return isinstance(value, Iterator | AsyncIterator | IOBase)


_READ_ONCE = "a generator is read once only; write list[...] instead"


def _faults(node: Any, at: str, *, by_alias: bool, refs: _Refs) -> Iterator[str]:
    if isinstance(node, list | tuple):
        for item in node:
            yield from _faults(item, at, by_alias=by_alias, refs=refs)
        return
    if not isinstance(node, Mapping):
        return
    kind = node.get("type")
    if kind in _CLASSES:
        by_alias = (node.get("config") or {}).get("validate_by_alias") is not False
        yield from (f"{at}.{name}: {_READ_ONCE}" for name in _generators(node.get("cls")))
    own = _own_serializer(node)
    if own and _has_members(node, refs):
        yield (
            f"{at}: its serializer {own} may leave out or change what people have to read; take "
            "it off, or write another model for the tool"
        )
    if kind == "default" and is_once(node.get("default")):
        yield f"{at}: its default is read once only; write a list"
    for key, value in node.items():
        if key == "fields" and kind != "dataclass":
            named = value if isinstance(value, Mapping) else {each["name"]: each for each in value}
            for name, field in named.items():
                yield from _of_field(field, f"{at}.{name}", name, by_alias=by_alias, refs=refs)
        elif key == "definitions":
            for each in value:
                of = getattr(each.get("cls"), "__name__", each.get("type"))
                yield from _faults(each, f"{at} ({of})", by_alias=by_alias, refs=refs)
        elif key not in _NOT_TYPES:
            yield from _faults(value, at, by_alias=by_alias, refs=refs)


def _of_field(field: Any, at: str, name: str, *, by_alias: bool, refs: _Refs) -> Iterator[str]:
    if field.get("serialization_exclude") or field.get("serialization_exclude_if") is not None:
        yield (
            f"{at}: it is left out when it is written down (exclude), so nobody would read it "
            "before the function gets it; take exclude off, or write another model for the tool"
        )
    if field.get("init_only") or field.get("init") is False:
        yield (
            f"{at}: it is no member that can be both given and read (InitVar, init=False); make it "
            "an ordinary field or a ClassVar"
        )
    read = _read_as(field, name) if by_alias else name
    write = field.get("serialization_alias") or name
    if read != write:
        yield (
            f"{at}: it is read as {read or 'one of several names'} and written as {write}; give it "
            "one name for both, Field(alias=...)"
        )
    yield from _faults(field.get("schema"), at, by_alias=by_alias, refs=refs)


def _read_as(field: Mapping[str, Any], name: str) -> str | None:
    """The one name a member is read by; None if there are several, or it is a path."""
    alias = field.get("validation_alias")
    if isinstance(alias, list) and len(alias) == 1:
        (alias,) = alias
        if isinstance(alias, list) and len(alias) == 1:
            (alias,) = alias
    if alias is None:
        return name
    return alias if isinstance(alias, str) else None


def _has_members(node: Any, refs: _Refs, seen: frozenset[str] = frozenset()) -> bool:
    for inner in _nodes(node):
        if inner.get("type") in _MEMBERS:
            return True
        ref = inner.get("schema_ref", "")
        if ref in refs and ref not in seen and _has_members(refs[ref], refs, seen | {ref}):
            return True
    return False


def _own_serializer(node: Mapping[str, Any]) -> str | None:
    """The name of a serializer that the author of the type has written."""
    how = node.get("serialization") or {}
    function = how.get("function")
    if how.get("type") not in _OWN or function is None:
        return None
    module = getattr(function, "__module__", "") or ""
    if module.partition(".")[0] in ("pydantic", "pydantic_core", "pydantic_extra_types"):
        return None
    return getattr(function, "__name__", repr(type(function).__name__))


def _nodes(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, list | tuple):
        for item in node:
            yield from _nodes(item)
    elif isinstance(node, Mapping):
        yield node
        for key, value in node.items():
            if key not in _NOT_TYPES:
                yield from _nodes(value)


def _generators(cls: Any) -> Iterator[str]:
    """Members that are generators; for pydantic these are the same as iterables."""
    try:
        hints = get_type_hints(cls)
    except (NameError, TypeError, AttributeError):
        return  # pydantic could read them: types of a function's own, which have no name here
    yield from (name for name, hint in hints.items() if _is_read_once(hint))


def _is_read_once(annotation: Any) -> bool:
    if annotation is Generator or get_origin(annotation) is Generator:
        return True
    return any(map(_is_read_once, get_args(annotation)))
