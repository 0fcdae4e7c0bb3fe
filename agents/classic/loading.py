"""Import errors of a module of workflows, with the place in it where that shows."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from countersign.agents.guard.libraries import package_of

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
