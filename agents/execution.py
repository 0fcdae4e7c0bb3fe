"""Runs one tool body under its permit and says honestly what came of it."""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from autogen.tools.function_utils import serialize_to_str

from agents.permit import SealedTool, permitted
from agents.storable import storable
from approvals.errors import IntegrityError
from approvals.models import Request


class OutcomeUnknownError(Exception):
    """Raise this from a tool that cannot tell whether it took effect (a connection that broke
    after the request was sent): the request is left in doubt and is never run again."""


@dataclass(frozen=True)
class Outcome:
    """What a body returned, as text; or, where `ok` is false, its error."""

    ok: bool
    content: str
    breach: IntegrityError | None = None
    """Set when the permit check refused: the body has not run."""
    unknown: bool = False
    """Whether the tool itself does not know what it did."""


@dataclass(frozen=True)
class _Ended:
    value: Any = None
    error: BaseException | None = None


async def execute(
    tool: SealedTool, request: Request, executor: Executor, require: Callable[[], None]
) -> Outcome:
    """Call the tool with the request's arguments: in a thread, or here if it is a coroutine.

    `require` raises LostLeaseError if the claim may be another process's: then it is not called.
    Whatever the body raises becomes an outcome. Only our own cancellation passes: then nobody
    knows what the tool did, and the request stays `executing`.
    """
    arguments = copy.deepcopy(request.arguments)
    with permitted(request, require):
        if tool.is_async:
            ended = await _awaited(tool, arguments)
        else:
            # The copied context carries the permit (and the caller's tracing) into the thread.
            call = copy_context().run
            loop = asyncio.get_running_loop()
            ended = await loop.run_in_executor(executor, call, _called, tool, arguments)
            if inspect.isawaitable(ended.value):
                ended = await _awaited(lambda: ended.value, {})
    if ended.error is None:
        return Outcome(ok=True, content=storable(serialize_to_str(ended.value)))
    return Outcome(
        ok=False,
        content=storable(_describe(ended.error)),
        breach=ended.error if isinstance(ended.error, IntegrityError) else None,
        unknown=isinstance(ended.error, OutcomeUnknownError),
    )


def _called(tool: SealedTool, arguments: dict[str, Any]) -> _Ended:
    # Caught here and not across the future: StopIteration cannot be raised into one.
    try:
        return _Ended(value=tool(**arguments))
    except BaseException as exc:  # a tool may raise anything, e.g. SystemExit
        return _Ended(error=exc)


async def _awaited(function: Any, arguments: dict[str, Any]) -> _Ended:
    try:
        return _Ended(value=await function(**arguments))
    except asyncio.CancelledError as exc:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return _Ended(error=exc)  # the tool cancelled something of its own
    except BaseException as exc:
        return _Ended(error=exc)


def _describe(error: BaseException) -> str:
    if isinstance(error, OutcomeUnknownError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
