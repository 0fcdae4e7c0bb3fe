"""Import errors of a module of workflows, with the place in it where that shows."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from countersign.agents.classic.workflows import Workflow
from countersign.agents.guard.libraries import belongs_to_workflows, package_of
from countersign.approvals.errors import ConfigurationError

_FORWARD, FUTURE = "ForwardRef(", "annotations"
NO_FUTURE = (
    "The module begins with `from __future__ import annotations`: AutoGen reads the annotations of "
    "tools in a module of its own then, where their types are not known. Remove that line."
)


def why(exc: BaseException, module: str, factory: Callable[..., Any] | None = None) -> str:
    """`file:line: what was raised`, where there is such a place in the user's own code; else that
    of the `factory` which was called."""
    said = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
    if isinstance(exc, ModuleNotFoundError) and module.startswith(str(exc.name)):
        return f"{exc}; put it into the folder of the configuration file, or install it."
    if isinstance(exc, SyntaxError) and exc.filename:
        return f"{exc.filename}:{exc.lineno}: {type(exc).__name__}: {exc.msg}"
    if _FORWARD in said and FUTURE in vars(sys.modules.get(module, sys)):
        first, *_ = said.splitlines()
        said = f"{first} {NO_FUTURE}"
    code = getattr(factory, "__code__", None)
    place = _place(exc, module) or (code and f"{code.co_filename}:{code.co_firstlineno}")
    return f"{place}: {said}" if place else said


def _place(exc: BaseException, module: str) -> str | None:
    """The deepest line in the module's own package, else the deepest that is no library's."""
    frames = [f for f in traceback.extract_tb(exc.__traceback__) if not f.filename.startswith("<")]
    package = package_of(module).rpartition(".")[2]
    loaded = getattr(sys.modules.get(module), "__file__", None)
    own = [f for f in frames if f.filename == loaded or package in Path(f.filename).parts[:-1]]
    own += [f for f in frames if not own and Path(f.filename).stem == module.rpartition(".")[2]]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else None


def load(import_paths: Sequence[str], add: Callable[[Workflow], None]) -> None:
    """`add` every workflow of these modules. Raises ConfigurationError once all are tried."""
    problems: list[str] = []
    belongs_to_workflows(import_paths)
    for path in import_paths:
        try:
            module = importlib.import_module(path)
        except (Exception, SystemExit) as exc:  # a module may raise anything while it runs
            problems.append(f"workflows: {path} cannot be imported: {why(exc, path)}")
            continue
        found = [value for value in vars(module).values() if isinstance(value, Workflow)]
        if not found:
            problems.append(f"workflows: {path} declares none; use the @workflow decorator.")
        for one in found:
            try:
                add(one)
            except ConfigurationError as exc:
                problems += exc.problems
            except (Exception, SystemExit) as exc:  # and so may a factory
                said = why(exc, one.factory.__module__, one.factory)
                problems.append(f"workflows: {one.name} cannot be built: {said}")
    if problems:
        raise ConfigurationError(problems)
