"""What a registered function takes, read off the user's own function and not off AutoGen's wrapper.

AutoGen wraps what is registered four times (conversion, injection, models, text of the result).
What runs here is the function under these: what it is given has been converted before it was
signed, and nothing converts it once more.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import autogen
from autogen.fast_depends import inject
from autogen.fast_depends.dependencies.model import Depends
from autogen.tools.dependency_injection import BaseContext, ChatContext
from autogen.tools.function_utils import get_function_schema
from pydantic import BaseModel, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo

from countersign.agents.values import writable
from countersign.approvals.models import Injected, JsonObject

_AUTOGEN = str(Path(autogen.__file__).parent)
_SECRET = ("password", "passwd", "secret", "token", "key", "credential", "auth")
_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_WRITTEN = (str, int, float, bool, type(None))
SHOWN_CHARACTERS = 200
"""Of what the workflow sets: longer values are named only."""


class NotGuardableError(ValueError):
    """A function whose parameters cannot be shown faithfully; says which and why."""


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


@dataclass(frozen=True)
class Signature:
    """A function as it can be called with keyword arguments."""

    function: Callable[..., Any]
    parameters: Mapping[str, Parameter]
    injected: tuple[Injected, ...] = ()
    open: bool = False
    """Whether it takes keywords that it does not name."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """What it is given besides: the context of the chat."""

    @property
    def is_async(self) -> bool:
        """Whether calling it gives a coroutine."""
        call = getattr(self.function, "__call__", None)  # noqa: B004 - of an instance with one
        return inspect.iscoroutinefunction(self.function) or inspect.iscoroutinefunction(call)


def read(body: Callable[..., Any], offered: frozenset[str] | None, agent: Any) -> Signature:
    """The signature of a registered function; `offered` are the arguments that models are shown.

    Raises NotGuardableError for parameters that no keyword reaches, or of types that have no form.
    """
    function, converts = users_own(body)
    if _yields(function):
        raise NotGuardableError(
            "it yields, so a call of it would begin nothing; return what it gives, as a list"
        )
    hints = _hints(function) if converts else {}
    parameters: dict[str, Parameter] = {}
    injected: list[Injected] = []
    fixed: dict[str, Any] = {}
    takes_any = False
    depends: dict[str, inspect.Parameter] = {}
    for each in _parameters(function):
        annotation = hints.get(each.name, each.annotation)
        if each.kind is inspect.Parameter.VAR_POSITIONAL:
            continue
        if each.kind is inspect.Parameter.VAR_KEYWORD:
            takes_any = True
        elif each.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise NotGuardableError(f"{each.name}: takes no keyword; write it without the /")
        elif converts and _is_context(annotation):
            fixed[each.name] = ChatContext(agent)
            injected.append(Injected(name=each.name))
        elif converts and (dependency := _dependency(each.default, annotation)) is not None:
            depends[each.name] = each.replace(annotation=annotation)
            injected.append(_told(each.name, dependency))
        elif offered is not None and each.name not in offered and each.default is not each.empty:
            injected.append(Injected(name=each.name, value=_written(each.name, each.default)))
        else:
            parameters[each.name] = _parameter(each, annotation, converts=converts)
    call = _resolving(function, depends, [*parameters, *fixed]) if depends else function
    return Signature(call, parameters, tuple(injected), takes_any, fixed)


def of_function(name: str, body: Callable[..., Any]) -> JsonObject:
    """The JSON Schema that AutoGen makes of a function's own annotations.

    One without annotations, which AutoGen makes none of, takes anything by the names it has.
    """
    origin: Any = getattr(body, "_origin", body)
    named = [each for each in _parameters(origin) if each.kind not in _REST]
    if all(each.annotation is each.empty for each in named):
        required = [each.name for each in named if each.default is each.empty]
        return {"type": "object", "properties": {n.name: {} for n in named}, "required": required}
    try:
        schema: JsonObject = get_function_schema(origin, name=name, description=name)
    except PydanticUserError as exc:
        first, *_ = exc.message.splitlines()
        raise NotGuardableError(f"its parameters have no JSON Schema: {first}") from exc
    except (TypeError, ValueError, AttributeError) as exc:
        raise NotGuardableError(f"its parameters have no JSON Schema: {exc}") from exc
    parameters: JsonObject = schema["function"]["parameters"]
    return parameters


def descriptions(body: Callable[..., Any]) -> dict[str, str]:
    """What the author of a registered function has written of its arguments, by name:
    `Annotated[str, "The invoice"]`."""
    function, _ = users_own(body)
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


def users_own(body: Callable[..., Any]) -> tuple[Callable[..., Any], bool]:
    """The function as its author gave it to AutoGen, with the author's own decorators, and
    whether AutoGen converts its arguments (it does not if it came by `function_map`)."""
    function, converts = body, False
    while _is_autogens(function) and hasattr(function, "__wrapped__"):
        function, converts = function.__wrapped__, True
    return function, converts


def _yields(function: Callable[..., Any]) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004 - of an instance with one
    return any(
        inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each)
        for each in (function, call)
    )


def _is_autogens(function: Any) -> bool:
    code = getattr(function, "__code__", None)
    file = "" if code is None else code.co_filename
    return file.startswith(_AUTOGEN) or "fast_depends" in file


def _parameters(function: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    try:
        yield from inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as exc:
        raise NotGuardableError(f"its parameters cannot be read: {exc}") from exc


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


def _told(name: str, dependency: Any) -> Injected:
    """A dependency that is a plain value by `Depends(on(value))` has it written down."""
    function = getattr(dependency, "dependency", None)
    if getattr(function, "__qualname__", "") != "on.<locals>.inner":
        return Injected(name=name)
    (value,) = function.__defaults__  # type: ignore[union-attr]
    return Injected(name=name, value=_written(name, value))


def _written(name: str, value: Any) -> str | None:
    """A value as people may read it: never an object, nor what its name calls a secret."""
    if not isinstance(value, _WRITTEN) or any(word in name.lower() for word in _SECRET):
        return None
    text = "none" if value is None else str(value)
    return text if len(text) <= SHOWN_CHARACTERS else None


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
