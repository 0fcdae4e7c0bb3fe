"""The effective call: what a tool's body will receive, computed before anybody is asked.

JSON goes in and JSON comes out: bound to the signature, with defaults, through models, validators
and conversions, and dumped back. Doing it again must change nothing; what would is refused, for
then nobody could say what an approval is of.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from agents.signature import NotGuardableError, Parameter, of_function, read
from approvals.arguments import LONGEST, problems
from approvals.canonical import canonical_json, sha256_hex
from approvals.errors import InvalidArgumentsError, InvalidError
from approvals.models import Effective, JsonObject
from approvals.schemas import closed, faults, whole

VERSION_DIGITS = 16


class ToolParameters:
    """What one tool takes: its JSON Schema, its defaults, and the way from one to the body."""

    def __init__(
        self, tool: str, body: Callable[..., Any], offered: JsonObject | None, agent: Any = None
    ):
        """`offered` is what models are shown; None for what the function says of itself.

        Raises NotGuardableError, with the parameter, for what cannot be shown faithfully.
        """
        self.tool = tool
        offered = whole(of_function(tool, body) if offered is None else offered)
        self._signature = read(body, frozenset(offered["properties"]), agent)
        self._defaults = {
            name: _dumped(parameter.adapter, parameter.default)
            for name, parameter in self._signature.parameters.items()
            if not parameter.required
        }
        self.shown = _with_defaults(offered, self._defaults)
        self.schema = closed(self.shown)
        for name, fault in faults(self.schema).items():
            raise NotGuardableError(f"{name}: {fault}")
        injected = [each.model_dump() for each in self._signature.injected]
        known = {"schema": self.schema, "defaults": self._defaults, "injected": injected}
        self.version = sha256_hex(canonical_json(known))[:VERSION_DIGITS]

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function."""
        return self._signature.is_async

    def effective(self, arguments: JsonObject) -> Effective:
        """What the body would receive. Raises InvalidArgumentsError with a reason by argument."""
        self._require({**problems(self.schema, arguments), **self._unknown(arguments)})
        objects = self._objects(arguments)
        dumped = self._dump(objects)
        complete = {name: _kept(arguments.get(name), value) for name, value in dumped.items()}
        self._require(_unsignable(complete))
        self._require(
            {
                name: f"is {value!r} once it is converted: {reason}"[:LONGEST]
                for name, reason in problems(self.schema, complete).items()
                for value in [complete.get(name)]
            }
        )
        again = self._objects(complete)
        self._require(_changes(complete, self._dump(again), objects, again))
        return Effective(
            arguments=complete,
            defaulted=tuple(_added(arguments, complete, "")),
            injected=self._signature.injected,
            schema_version=self.version,
        )

    def call(self, arguments: JsonObject) -> Callable[[], Any]:
        """The call of the function with exactly these effective arguments, to be made at once.

        Raises InvalidArgumentsError if they would reach it as anything else.
        """
        objects = self._objects(arguments)
        self._require(_changes(arguments, self._dump(objects), objects, objects))
        signature = self._signature
        return lambda: signature.function(**objects, **signature.fixed)

    def _objects(self, arguments: JsonObject) -> dict[str, Any]:
        """What the function is given, in the order of its parameters."""
        objects: dict[str, Any] = {}
        wrong: dict[str, str] = {}
        for name, parameter in self._signature.parameters.items():
            if name not in arguments:
                if parameter.required:
                    wrong[name] = "is required"
                else:
                    objects[name] = _own(parameter.default)
                continue
            try:
                objects[name] = self._converted(parameter, arguments[name])
            except ValidationError as exc:
                wrong[name] = _reasons(exc)
            except Exception as exc:  # a validator of the user's may raise anything
                wrong[name] = f"its validator failed: {type(exc).__name__}: {exc}"[:LONGEST]
        objects.update({name: arguments[name] for name in arguments if name not in objects})
        self._require(wrong)
        return objects

    def _converted(self, parameter: Parameter, value: Any) -> Any:
        default = self._defaults.get(parameter.name, _NONE)
        if default is not _NONE and _same_json(value, default):
            return _own(parameter.default)
        if parameter.adapter is None:
            return copy.deepcopy(value)
        return parameter.adapter.validate_python(copy.deepcopy(value))

    def _dump(self, objects: Mapping[str, Any]) -> JsonObject:
        dumped: JsonObject = {}
        wrong: dict[str, str] = {}
        for name, value in objects.items():
            parameter = self._signature.parameters.get(name)
            try:
                dumped[name] = _dumped(None if parameter is None else parameter.adapter, value)
            except Exception as exc:  # serializers are code of the user's, too
                wrong[name] = f"cannot be written down: {type(exc).__name__}: {exc}"[:LONGEST]
        self._require(wrong)
        return dumped

    def _unknown(self, arguments: JsonObject) -> dict[str, str]:
        if self._signature.open:
            return {}
        known = self._signature.parameters
        return {n: "is not an argument of this tool" for n in arguments if n not in known}

    def _require(self, wrong: Mapping[str, str]) -> None:
        if wrong:
            raise InvalidArgumentsError(self.tool, dict(wrong))


_NONE = object()


def _with_defaults(offered: JsonObject, defaults: JsonObject) -> JsonObject:
    """The schema with every default as JSON, and every default allowed as a value."""
    made = dict(offered)
    made["properties"] = dict(offered.get("properties") or {})
    for name, default in defaults.items():
        schema = made["properties"].get(name)
        if not isinstance(schema, dict):
            continue
        schema = {**schema, "default": default}
        if problems({"properties": {name: schema}, **_defs(offered)}, {name: default}):
            rest = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
            kept = {key: value for key, value in schema.items() if key in _ANNOTATIONS}
            schema = {**kept, "anyOf": [rest, _only(default)]}
        made["properties"][name] = schema
    return made


_ANNOTATIONS = ("title", "description", "default")


def _only(default: Any) -> JsonObject:
    return {"type": "null"} if default is None else {"const": default}


def _defs(schema: JsonObject) -> JsonObject:
    return {"$defs": schema["$defs"]} if "$defs" in schema else {}


def _own(default: Any) -> Any:
    """A default that the body may change without changing it for the next call."""
    return copy.deepcopy(default) if isinstance(default, list | dict | set | BaseModel) else default


def _dumped(adapter: TypeAdapter[Any] | None, value: Any) -> Any:
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


def _kept(written: Any, dumped: Any) -> Any:
    """What was written, where it is signed alike: 25 stays 25 for a tool that takes a float."""
    if isinstance(dumped, dict) and isinstance(written, dict):
        return {key: _kept(written.get(key), value) for key, value in dumped.items()}
    if isinstance(dumped, list) and isinstance(written, list) and len(dumped) == len(written):
        return [_kept(old, new) for old, new in zip(written, dumped, strict=True)]
    return written if written is not None and _same_json(written, dumped) else dumped


def _same_json(one: Any, other: Any) -> bool:
    try:
        return canonical_json(one) == canonical_json(other)
    except InvalidError:
        return False


def _unsignable(arguments: JsonObject) -> dict[str, str]:
    found = {}
    for name, value in arguments.items():
        try:
            canonical_json(value)
        except InvalidError as exc:
            found[name] = f"cannot be signed: {exc}"
    return found


def _changes(
    signed: JsonObject, dumped: JsonObject, objects: Mapping[str, Any], again: Mapping[str, Any]
) -> dict[str, str]:
    """Why what the body receives is not what is signed, by argument; empty if it is."""
    found = {}
    for name in signed.keys() | dumped.keys():
        if name not in signed or name not in dumped or not _same_json(signed[name], dumped[name]):
            found[name] = (
                "is not the same once it is written down and read again "
                f"({signed.get(name)!r} becomes {dumped.get(name)!r}), so it cannot be approved"
            )[:LONGEST]
        elif not _alike(objects[name], again[name]):
            found[name] = (
                "holds something that is not in what is written down (a secret, or a member that "
                "is left out), so it cannot be approved"
            )
    return found


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are equal as far as their types can say."""
    if one is other or (type(one) in (int, float) and type(other) in (int, float) and one == other):
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, BaseModel) or dataclasses.is_dataclass(one):
        mine, its = vars(one), vars(other)
        return mine.keys() == its.keys() and all(_alike(mine[key], its[key]) for key in mine)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    says_nothing: Any = object.__eq__
    return type(one).__eq__ is says_nothing or bool(one == other)


def _added(written: Any, complete: Any, at: str) -> Iterator[str]:
    """Pointers to what stands in `complete` and was not written."""
    if isinstance(written, dict) and isinstance(complete, dict):
        for key, value in complete.items():
            where = f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}"
            if key in written:
                yield from _added(written[key], value, where)
            else:
                yield where
    elif isinstance(written, list) and isinstance(complete, list) and len(written) == len(complete):
        for index, (old, new) in enumerate(zip(written, complete, strict=True)):
            yield from _added(old, new, f"{at}/{index}")


def _reasons(error: ValidationError) -> str:
    found = []
    for each in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in each["loc"])
        found.append(f"{where}: {each['msg']}" if where else str(each["msg"]))
    return "; ".join(found)[:LONGEST]
