"""The signature of a registered function: that of the user's own, not of the framework's wrapper.

What runs here is the function under all wrappers: what it is given has been converted before it
was signed, and nothing converts it once more.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, get_type_hints

from pydantic import BaseModel, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo

from countersign.agents.values import writable
from countersign.approvals.models import Injected, JsonObject

_SECRET = ("password", "passwd", "secret", "token", "key", "credential", "auth")
_WRITTEN = (str, int, float, bool, type(None))
_PLAIN_KINDS = ("str", "int", "float", "bool", "none", "nullable", "list", "dict")
_MAY_RUN_CODE = frozenset({"pattern", "serialization"})
_UNCONSTRAINED = frozenset({"type", "metadata"})
"""The members of a schema that lets every value of its type pass, and changes none."""
_KEPT: Mapping[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
_PARTS = ("schema", "items_schema", "keys_schema", "values_schema")
SHOWN_CHARACTERS = 200
"""Of what the workflow sets: longer values are named only."""


class NotGuardableError(ValueError):
    """A function whose parameters cannot be shown faithfully; says which and why."""


class Framework(Protocol):
    """How a framework wraps the functions that are registered, describes and feeds them."""

    def schema(self, name: str, body: Callable[..., Any]) -> JsonObject:
        """The JSON Schema of a registered function's own annotations. Raises NotGuardableError."""

    def users_own(self, body: Callable[..., Any]) -> tuple[Callable[..., Any], bool]:
        """The function as its author wrote it, with the author's own decorators, and whether the
        framework converts arguments to its annotations."""

    def injected(self, parameter: inspect.Parameter) -> Injected | None:
        """What the framework puts in for a parameter; None if it is an argument."""

    def bound(
        self,
        function: Callable[..., Any],
        injected: Mapping[str, inspect.Parameter],
        arguments: Sequence[str],
    ) -> tuple[Callable[..., Any], Mapping[str, Any]]:
        """The function with what is injected resolved at each call, and what else it has to be
        given by keyword, beside these `arguments`."""


@dataclass(frozen=True)
class Parameter:
    """One parameter that an agent may give."""

    name: str
    adapter: TypeAdapter[Any] | None
    """Converts it; None where the function is given JSON as it is."""
    required: bool
    default: Any = None
    lazy: bool = False
    """Whether pydantic reads parts of it only when they are asked for, and once only."""

    @property
    def is_plain(self) -> bool:
        """Whether no code of the user's takes part in reading it."""
        plain_default = self.default is None or type(self.default) in _WRITTEN
        return plain_default and (self.adapter is None or _is_plain(self.adapter.core_schema))

    @property
    def kept_kind(self) -> type | None:
        """The type of those values that are handed on as they are, its default included; None if
        there is no such type."""
        if self.adapter is None or not self.adapter.core_schema.keys() <= _UNCONSTRAINED:
            return None
        kind = _KEPT.get(self.adapter.core_schema["type"])
        return kind if self.required or type(self.default) is kind else None


@dataclass(frozen=True)
class Signature:
    """A function as it can be called with keyword arguments."""

    function: Callable[..., Any]
    parameters: Mapping[str, Parameter]
    injected: tuple[Injected, ...] = ()
    open: bool = False
    """Whether it takes keywords that it does not name."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """What it is given besides, by the framework."""

    @property
    def is_async(self) -> bool:
        """Whether calling it gives a coroutine."""
        call = getattr(self.function, "__call__", None)  # noqa: B004 - of an instance with one
        return inspect.iscoroutinefunction(self.function) or inspect.iscoroutinefunction(call)


def read(
    body: Callable[..., Any], offered: frozenset[str] | None, framework: Framework
) -> Signature:
    """The signature of a registered function; `offered` are the arguments that models are shown.

    Raises NotGuardableError for parameters that no keyword reaches, or of types that have no form.
    """
    function, converts = framework.users_own(body)
    if _yields(function):
        raise NotGuardableError(
            "it yields, so a call of it would begin nothing; return what it gives, as a list"
        )
    hints = _hints(function) if converts else {}
    parameters: dict[str, Parameter] = {}
    injected: list[Injected] = []
    hidden: dict[str, inspect.Parameter] = {}
    takes_any = False
    for each in parameters_of(function):
        annotation = hints.get(each.name, each.annotation)
        if each.kind is inspect.Parameter.VAR_POSITIONAL:
            continue
        if each.kind is inspect.Parameter.VAR_KEYWORD:
            takes_any = True
            continue
        if each.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise NotGuardableError(f"{each.name}: takes no keyword; write it without the /")
        resolved = each.replace(annotation=annotation)
        if converts and (given := framework.injected(resolved)) is not None:
            hidden[each.name] = resolved
            injected.append(given)
        elif offered is not None and each.name not in offered and each.default is not each.empty:
            injected.append(Injected(name=each.name, value=shown(each.name, each.default)))
        else:
            parameters[each.name] = _parameter(each, annotation, converts=converts)
    fixed: Mapping[str, Any] = {}
    if hidden:
        function, fixed = framework.bound(function, hidden, list(parameters))
    return Signature(function, parameters, tuple(injected), takes_any, fixed)


def parameters_of(function: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    """The parameters of a function. Raises NotGuardableError if they cannot be read."""
    try:
        yield from inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as exc:
        raise NotGuardableError(f"its parameters cannot be read: {exc}") from exc


def descriptions(function: Callable[..., Any]) -> dict[str, str]:
    """What the author of a function has written of its arguments, by name:
    `Annotated[str, "The invoice"]`."""
    try:
        hints = _hints(function)
    except NotGuardableError:
        return {}
    found: dict[str, str] = {}
    for name, hint in hints.items():
        first, *_ = getattr(hint, "__metadata__", (None,))
        text = getattr(first, "description", first)  # a Field of AutoGen's or pydantic's
        if isinstance(text, str) and name != "return":
            found[name] = text
    return found


def shown(name: str, value: Any) -> str | None:
    """What is injected as people may read it: never an object, nor what its name calls a secret."""
    if not isinstance(value, _WRITTEN) or any(word in name.lower() for word in _SECRET):
        return None
    text = "none" if value is None else str(value)
    return text if len(text) <= SHOWN_CHARACTERS else None


def _is_plain(schema: Any) -> bool:
    """Whether a schema of pydantic's has its own kinds only, in all its parts."""
    if isinstance(schema, list):
        return all(map(_is_plain, schema))
    if _MAY_RUN_CODE & schema.keys():
        return False
    if schema["type"] == "literal":
        return all(type(value) in _WRITTEN for value in schema["expected"])
    return schema["type"] in _PLAIN_KINDS and all(
        _is_plain(schema[name]) for name in _PARTS if name in schema
    )


def _yields(function: Callable[..., Any]) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004 - of an instance with one
    return any(
        inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each)
        for each in (function, call)
    )


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    inner: Any = function.func if isinstance(function, functools.partial) else function
    if not inspect.isroutine(inner) and not inspect.isclass(inner):
        inner = type(inner).__call__
    try:
        return get_type_hints(inner, include_extras=True)
    except (NameError, TypeError) as exc:
        raise NotGuardableError(
            f"its annotations cannot be read ({exc}). Define the types at the top of the module"
        ) from exc


def _parameter(each: inspect.Parameter, annotation: Any, *, converts: bool) -> Parameter:
    default = None if each.default is each.empty else each.default
    required = each.default is each.empty
    if isinstance(default, FieldInfo):
        annotation, required = Annotated[annotation, default], default.is_required()
        default = None if required else default.get_default(call_default_factory=True)
    if writable.is_once(default):
        raise NotGuardableError(f"{each.name}: its default is read once only; write a list")
    if not converts or annotation is each.empty:
        if isinstance(default, BaseModel):
            _require_shown(each.name, type(default))
        return Parameter(each.name, None, required, default)
    adapter = _require_shown(each.name, annotation)
    return Parameter(each.name, adapter, required, default, writable.is_lazy(adapter))


def _require_shown(name: str, annotation: Any) -> TypeAdapter[Any]:
    try:
        adapter = TypeAdapter(annotation)
    except PydanticUserError as exc:
        first, *_ = exc.message.splitlines()
        raise NotGuardableError(f"{name}: its type has no form: {first}") from exc
    for fault in writable.faults(name, adapter, annotation):
        raise NotGuardableError(fault)
    return adapter
