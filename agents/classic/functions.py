"""How AutoGen wraps the functions that are registered, describes and feeds them.

It wraps each four times: conversion, injection, models, text of the result. The function under
these is run, with what AutoGen's own injection resolves.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import autogen
from autogen.fast_depends import inject
from autogen.fast_depends.dependencies.model import Depends
from autogen.tools.dependency_injection import BaseContext, ChatContext
from autogen.tools.function_utils import get_function_schema
from pydantic.errors import PydanticUserError
from typing_extensions import override

from countersign.agents.values.signature import (
    Framework,
    NotGuardableError,
    parameters_of,
    shown,
)
from countersign.approvals.models import Injected, JsonObject

_AUTOGEN = str(Path(autogen.__file__).parent)
_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Functions(Framework):
    """The functions of one agent: one that asks for the context of the chat gets this agent's."""

    def __init__(self, agent: Any = None):
        self._agent = agent

    @override
    def schema(self, name: str, body: Callable[..., Any]) -> JsonObject:
        # One without annotations, which AutoGen makes no schema of, takes anything by its names.
        origin: Any = getattr(body, "_origin", body)
        named = [each for each in parameters_of(origin) if each.kind not in _REST]
        if all(each.annotation is each.empty for each in named):
            required = [each.name for each in named if each.default is each.empty]
            properties: JsonObject = {each.name: {} for each in named}
            return {"type": "object", "properties": properties, "required": required}
        try:
            made: JsonObject = get_function_schema(origin, name=name, description=name)
        except PydanticUserError as exc:
            first, *_ = exc.message.splitlines()
            raise NotGuardableError(f"its parameters have no JSON Schema: {first}") from exc
        except (TypeError, ValueError, AttributeError) as exc:
            raise NotGuardableError(f"its parameters have no JSON Schema: {exc}") from exc
        parameters: JsonObject = made["function"]["parameters"]
        return parameters

    @override
    def users_own(self, body: Callable[..., Any]) -> tuple[Callable[..., Any], bool]:
        # AutoGen does not convert the arguments of a function that came by `function_map`.
        function, converts = body, False
        while _is_autogens(function) and hasattr(function, "__wrapped__"):
            function, converts = function.__wrapped__, True
        return function, converts

    @override
    def injected(self, parameter: inspect.Parameter) -> Injected | None:
        if _is_context(parameter.annotation):
            return Injected(name=parameter.name)
        dependency = _dependency(parameter.default, parameter.annotation)
        return None if dependency is None else _shown(parameter.name, dependency)

    @override
    def bound(
        self,
        function: Callable[..., Any],
        injected: Mapping[str, inspect.Parameter],
        arguments: Sequence[str],
    ) -> tuple[Callable[..., Any], Mapping[str, Any]]:
        contexts = {
            name: ChatContext(self._agent)
            for name, each in injected.items()
            if _is_context(each.annotation)
        }
        depends = {name: each for name, each in injected.items() if name not in contexts}
        if depends:
            function = _resolving(function, depends, [*arguments, *contexts])
        return function, contexts


def _is_autogens(function: Any) -> bool:
    code = getattr(function, "__code__", None)
    file = "" if code is None else code.co_filename
    return file.startswith(_AUTOGEN) or "fast_depends" in file


def _resolving(
    function: Callable[..., Any],
    depends: Mapping[str, inspect.Parameter],
    given: Iterable[str],
) -> Callable[..., Any]:
    """The function with its dependencies resolved by AutoGen's own injection, which converts
    whatever is annotated: so nothing else is."""

    async def later(**arguments: Any) -> Any:
        return await function(**arguments)

    def now(**arguments: Any) -> Any:
        return function(**arguments)

    call: Callable[..., Any] = later if inspect.iscoroutinefunction(function) else now
    word = inspect.Parameter.KEYWORD_ONLY
    plain = [inspect.Parameter(name, word, annotation=Any) for name in given]
    resolved = [each.replace(kind=word) for each in depends.values()]
    signature = inspect.Signature([*plain, *resolved], return_annotation=Any)
    call.__signature__ = signature  # type: ignore[attr-defined]
    resolving: Callable[..., Any] = inject(call)
    return resolving


def _is_context(annotation: Any) -> bool:
    inner = getattr(annotation, "__origin__", annotation)
    return isinstance(inner, type) and issubclass(inner, ChatContext)


def _dependency(default: Any, annotation: Any) -> Any:
    """The dependency that AutoGen would resolve for a parameter; None if it is an argument."""
    if isinstance(default, Depends):
        return default
    for extra in getattr(annotation, "__metadata__", ()):
        if isinstance(extra, Depends):
            return extra
    inner = getattr(annotation, "__origin__", annotation)
    if isinstance(inner, type) and issubclass(inner, BaseContext):
        return Depends
    return None


def _shown(name: str, dependency: Any) -> Injected:
    """A dependency that is a plain value by `Depends(on(value))` has it written down."""
    function = getattr(dependency, "dependency", None)
    if getattr(function, "__qualname__", "") != "on.<locals>.inner":
        return Injected(name=name)
    (value,) = function.__defaults__  # type: ignore[union-attr]
    return Injected(name=name, value=shown(name, value))
