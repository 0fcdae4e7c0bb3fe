"""AutoGen's part in building a chat, in less time: what it works out stays the same.

It looks on the disk whether what a client imports belongs to AutoGen's own tests. And for each tool
of each chat it has pydantic build models of the function's parameters: classes that nobody changes,
and their JSON Schema.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any


def quicken_clients() -> None:
    """Work it out once in this process."""
    from autogen.fast_depends.core import build
    from autogen.import_utils import ModuleInfo
    from autogen.tools import function_utils

    look: Any = ModuleInfo.is_in_sys_modules
    fine: set[str] = set()

    def looked_once(self: Any) -> str | None:
        key = repr(self)
        problem: str | None = None if key in fine else look(self)
        if problem is None:
            fine.add(key)
        return problem

    ModuleInfo.is_in_sys_modules = looked_once  # type: ignore[method-assign]
    models: Any = build
    models.create_model = _models_once(models.create_model)
    schemas: Any = function_utils
    schemas.TypeAdapter = _schemas_once(schemas.TypeAdapter)


def _models_once(create: Callable[..., Any]) -> Callable[..., Any]:
    """One model for all functions whose parameters have the same names, types and defaults."""
    made: dict[Any, Any] = {}

    def create_model(name: str, /, *, __config__: Any, **fields: Any) -> Any:
        def new() -> Any:
            return create(name, __config__=__config__, **fields)

        kinds = [(field, *_kind(annotation, of)) for field, (annotation, of) in fields.items()]
        simple = all(isinstance(default, _SIMPLE) for _, default in fields.values())
        return _once(made, (name, repr(__config__), *kinds), new) if simple else new()

    return create_model


_SIMPLE = (type(...), type(None), bool, int, float, str)


def _schemas_once(adapter: Callable[..., Any]) -> Callable[[Any], Any]:
    """Gives for each type the JSON Schema that it had the first time."""
    made: dict[Any, Any] = {}

    class Known:
        def __init__(self, schema: Any) -> None:
            self.schema = schema

        def json_schema(self) -> Any:
            return copy.deepcopy(self.schema)

    def type_adapter(annotation: Any) -> Any:
        if "ForwardRef" in repr(annotation):
            return adapter(annotation, _parent_depth=3)  # names are looked up where AutoGen asks
        kind = _kind(annotation, ...)
        return Known(_once(made, kind, lambda: adapter(annotation).json_schema()))

    return type_adapter


def _kind(annotation: Any, default: Any) -> tuple[Any, ...]:
    """What is read alike: `int | str` equals `str | int`, and 1 equals True."""
    return annotation, repr(annotation), type(default), default


def _once(made: dict[Any, Any], known: Any, new: Callable[[], Any]) -> Any:
    try:
        if known not in made:
            made[known] = new()
        return made[known]
    except TypeError:  # a type without a hash
        return new()
