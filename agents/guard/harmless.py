"""Static check of a workflow's function: can it start anything at all?

Most are plain: `lambda m: "TERMINATE" in m["content"]`. One that uses only plain things, by name
and all the way down, needs no watching by the interpreter. In doubt it is not plain.
"""

from __future__ import annotations

import builtins
import dis
import inspect
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from countersign.agents.guard.libraries import AUTOGEN, OURS, package_of

_MODULES = frozenset(
    "abc base64 builtins collections copy dataclasses datetime decimal enum fractions functools "
    "hashlib html itertools json logging math operator pydantic random re statistics string "
    "structlog textwrap time types typing typing_extensions unicodedata uuid".split()
)
_GUARDED = OURS | {AUTOGEN}
"""Their ways to execute something ask first, whoever calls them."""
_NOT_GUARDED = ("autogen.code_utils", "autogen.environments", "autogen.coding")
_BUILTINS = frozenset(vars(builtins)) - {
    "__import__",
    "breakpoint",
    "compile",
    "eval",
    "exec",
    "globals",
}
_GLOBAL = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_UNKNOWN = ModuleType("unknown")
"""Stands for a name that is not there (yet), and for what is not plain to import."""


def is_plain(thing: object) -> bool:
    """Whether a function, class or value uses only what cannot execute anything unasked."""
    return _plain(thing, set())


def _plain(thing: Any, seen: set[int]) -> bool:
    if thing is None or isinstance(thing, str | int | float | bytes) or id(thing) in seen:
        return True
    seen.add(id(thing))
    if isinstance(thing, ModuleType):
        return _is_known(thing.__name__)
    if isinstance(thing, FunctionType):
        return _is_known(thing.__module__) or _plain_function(thing, seen)
    if isinstance(thing, BuiltinFunctionType):
        owner = thing.__module__ or type(thing.__self__).__module__
        return thing.__name__ in _BUILTINS if owner == "builtins" else _is_known(owner)
    if isinstance(thing, type):
        return _is_known(thing.__module__) or _plain_class(thing, seen)
    if isinstance(thing, Mapping):
        return all(_plain(part, seen) for part in (*thing.keys(), *thing.values()))
    if isinstance(thing, list | tuple | set | frozenset):
        return all(_plain(part, seen) for part in thing)
    if isinstance(thing, partial):
        return _plain([thing.func, thing.args, thing.keywords], seen)
    if inspect.ismethod(thing):
        return _plain(thing.__func__, seen) and _plain(thing.__self__, seen)
    if _is_known(type(thing).__module__):
        return True
    return _plain_class(type(thing), seen) and _plain(getattr(thing, "__dict__", {}), seen)


def _is_known(module: str | None) -> bool:
    name = module or ""
    return package_of(name) in _MODULES | _GUARDED and not name.startswith(_NOT_GUARDED)


def _plain_class(kind: type, seen: set[int]) -> bool:
    """A class of the workflow's: all that it and its bases define."""
    parts = [
        part
        for owner in kind.__mro__
        if not _is_known(owner.__module__)
        for part in vars(owner).values()
    ]
    return all(_plain(_function_of(part), seen) for part in parts if not _is_slot(part))


def _function_of(part: Any) -> Any:
    if isinstance(part, property):
        return [part.fget, part.fset]
    return getattr(part, "__func__", part)


def _is_slot(part: Any) -> bool:
    return inspect.isgetsetdescriptor(part) or inspect.ismemberdescriptor(part)


def _plain_function(function: FunctionType, seen: set[int]) -> bool:
    held = (function.__defaults__, function.__kwdefaults__, list(closure(function)))
    return all(_plain(part, seen) for part in held) and all(
        _plain(value, seen) for value in used(function)
    )


def closure(function: FunctionType) -> Iterator[Any]:
    """What a function keeps of where it was made."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet: a function that names itself
            continue


def used(function: FunctionType) -> Iterator[Any]:
    """The values of the global names that a function uses, and of those inside it."""
    yield from _used(function.__code__, function.__globals__)


def _used(code: CodeType, names: Mapping[str, Any]) -> Iterator[Any]:
    for step in dis.get_instructions(code):
        if step.opname in _GLOBAL:
            name = str(step.argval)
            yield names.get(name, vars(builtins).get(name, _UNKNOWN))
        elif step.opname == "IMPORT_NAME" and not _is_known(str(step.argval)):
            yield _UNKNOWN
    inner: Iterable[Any] = code.co_consts
    for const in inner:
        if isinstance(const, CodeType):
            yield from _used(const, names)
