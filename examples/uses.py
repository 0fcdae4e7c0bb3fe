"""The vendors' clients that some of the examples use: the extra `uses` brings them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, TypeVar

from countersign import PreconditionFailedError
from countersign.examples.back_office import BackOfficeError

THREADS = 4
"""For each system: one that hangs keeps these, and nobody else's."""

T = TypeVar("T")


def require(workflow: str, *packages: tuple[str, str]) -> None:
    """Look whether these packages are there, each with a module of it. Imports nothing: that takes
    its time, and is done where it is needed.

    Raises ValueError that says what to install.
    """
    missing = [package for package, module in packages if not _found(module)]
    if missing:
        raise ValueError(
            f"The workflow {workflow} needs {' and '.join(missing)}. Install what the examples use "
            "with `pip install 'countersign-approvals[uses]'`."
        )


def written(arguments: Mapping[str, Any], *names: str) -> None:
    """Look whether these texts say something: a field of a form is emptied in no time.

    Raises PreconditionFailedError, before anybody is asked or when it is edited.
    """
    for name in names:
        if not str(arguments[name]).strip():
            words = name.replace("_", " ").capitalize()
            raise PreconditionFailedError(f"{words} is empty: write it, or reject the call.")


def _found(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):  # what it is in, or it itself, cannot be imported
        return False


@dataclass(frozen=True)
class Lane:
    """Threads for one system whose client blocks: the event loop never waits for it."""

    name: str
    pool: ThreadPoolExecutor

    async def run(self, function: Callable[[], T], *, within_s: float) -> T:
        """What the function returns.

        Raises BackOfficeError if it has not begun in time, since all threads wait for the system;
        TimeoutError if it has begun and not ended: the thread goes on, so give the client a limit.
        """
        context, began = copy_context(), False

        def call() -> T:
            nonlocal began
            began = True
            return context.run(function)

        try:
            async with asyncio.timeout(within_s):
                return await asyncio.get_running_loop().run_in_executor(self.pool, call)
        except TimeoutError as error:
            if began:
                raise
            said = f"{self.name} does not answer what was asked before. Nothing was changed."
            raise BackOfficeError(said) from error


@cache
def lane(name: str) -> Lane:
    """The one of a system."""
    return Lane(name, ThreadPoolExecutor(THREADS, thread_name_prefix=f"use-{name}"))
