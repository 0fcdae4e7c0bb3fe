"""Types of what stands in conditions, and those that JSON Schemas give to arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Type:
    """What values a step of a condition can have."""

    kind: str
    """`bool`, `int`, `double`, `string`, `null`, `list`, `object`, `timestamp`, `duration`,
    `money`, `either` (of several) or `dyn` (nobody knows)."""
    nullable: bool = False
    element: Type | None = None
    """Of a list, or of the values of an object with any keys."""
    fields: Mapping[str, Type] | None = field(default=None, hash=False)
    """Of an object; None where its keys are not known."""
    values: tuple[str, ...] = ()
    """The only texts that there are; () for any."""
    options: tuple[str, ...] = ()
    """Of `either`: the kinds."""

    def __str__(self) -> str:
        name = _WORDS.get(self.kind, self.kind)
        if self.kind == "list" and self.element is not None and self.element.kind != "dyn":
            name = f"list of {self.element}"
        if self.kind == "either":
            name = " or ".join(_WORDS.get(kind, kind) for kind in self.options)
        return f"{name} or null" if self.nullable else name

    @property
    def is_number(self) -> bool:
        """Whether it is certainly a number."""
        return self.kind in ("int", "double")

    @property
    def is_open(self) -> bool:
        """Whether only the value will show what it is."""
        return self.kind in ("dyn", "either")


_WORDS = {
    "bool": "truth value",
    "int": "whole number",
    "double": "number",
    "string": "text",
    "timestamp": "time",
    "money": "sum of money",
    "dyn": "value of unknown type",
}

BOOL, INT, DOUBLE, STRING = Type("bool"), Type("int"), Type("double"), Type("string")
NULL, TIMESTAMP, DURATION, MONEY = (Type(k) for k in ("null", "timestamp", "duration", "money"))
DYN = Type("dyn")


def list_of(element: Type) -> Type:
    """A list of these."""
    return Type("list", element=element)


def object_of(fields: Mapping[str, Type]) -> Type:
    """An object with these fields and no others."""
    return Type("object", fields=fields)


def joined(types: Sequence[Type]) -> Type:
    """What a value is that is of one of these types."""
    found = [t for t in types if t.kind != "null"]
    nullable = any(t.kind == "null" or t.nullable for t in types)
    plain = list({_plain(t): t for t in found}.values())
    if not plain:
        return NULL if nullable else DYN
    if len(plain) == 1:
        values = tuple(dict.fromkeys(v for t in found for v in t.values))
        every = all(t.values for t in found)
        return replace(plain[0], nullable=nullable, values=values if every else ())
    if all(t.is_number for t in plain):
        return replace(DOUBLE, nullable=nullable)
    kinds = tuple(dict.fromkeys(k for t in plain for k in (t.options or (t.kind,))))
    if "dyn" in kinds:
        return DYN
    if len(kinds) == 1:  # lists or objects of several forms
        return Type(kinds[0], nullable=nullable, element=DYN)
    return Type("either", nullable=nullable, options=kinds)


def _plain(one: Type) -> Type:
    return replace(one, nullable=False, values=())


def of_schema(schema: Mapping[str, Any]) -> Type:
    """The type of what fits a JSON Schema. What cannot be said of it is `dyn`."""
    return _Reader(schema).read(schema, frozenset())


_SIMPLE = {
    "string": STRING,
    "integer": INT,
    "number": DOUBLE,
    "boolean": BOOL,
    "null": NULL,
}


class _Reader:
    """Reads one schema with what it refers to."""

    def __init__(self, root: Mapping[str, Any]):
        self._root = root

    def read(self, schema: Any, within: frozenset[str]) -> Type:
        if not isinstance(schema, Mapping):
            return DYN
        if "$ref" in schema:
            ref = str(schema["$ref"])
            if ref in within:  # a tree of any depth
                return DYN
            return self.read(self._found(ref), within | {ref})
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list):
                return joined([self.read(each, within) for each in schema[key]])
        if isinstance(schema.get("allOf"), list) and len(schema["allOf"]) == 1:
            return self.read(schema["allOf"][0], within)
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(values, list) and values:
            return joined([_of_value(value) for value in values])
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return joined([self.read({**schema, "type": kind}, within) for kind in kinds])
        if kinds == "array":
            return list_of(self.read(schema.get("items", {}), within))
        if kinds == "object":
            return self._object(schema, within)
        return _SIMPLE.get(str(kinds), DYN)

    def _object(self, schema: Mapping[str, Any], within: frozenset[str]) -> Type:
        known, others = schema.get("properties"), schema.get("additionalProperties")
        if isinstance(known, Mapping) and (others is False or not isinstance(others, Mapping)):
            return object_of({str(k): self.read(v, within) for k, v in known.items()})
        return Type("object", element=self.read(others, within))

    def _found(self, ref: str) -> Any:
        """What a reference of the same document points to; None if nothing."""
        found: Any = self._root
        for step in ref.removeprefix("#/").split("/"):
            found = found.get(step) if isinstance(found, Mapping) else None
        return found


def _of_value(value: Any) -> Type:
    if isinstance(value, str):
        return Type("string", values=(value,))
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int | float):
        return DOUBLE if isinstance(value, float) else INT
    return NULL if value is None else DYN
