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

from agents.outcomes import Errors, Outcome, outcome_of
from agents.permit import SealedTool, permitted
from agents.returned import written
from approvals.models import Request


@dataclass(frozen=True)
class _Ended:
    value: Any = None
    error: BaseException | None = None


async def execute(
    tool: SealedTool,
    request: Request,
    executor: Executor,
    require: Callable[[], None],
    *,
    harmless: Errors = (),
) -> Outcome:
    """Call the tool with the request's arguments: in a thread, or here if it is a coroutine.

    `require` raises LostLeaseError if the claim may be another process's: then it is not called.
    Whatever the body raises becomes an outcome; after `harmless` ones nothing happened. Only our
    own cancellation passes: then nobody knows what the tool did, and the request stays `executing`.
    """
    arguments = copy.deepcopy(request.arguments)
    with permitted(request, require) as permit:
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
        return Outcome(ok=True, content=written(ended.value))
    return outcome_of(ended.error, harmless, began=permit.used)


def _called(tool: SealedTool, arguments: dict[str, Any]) -> _Ended:
    # Caught here and not across the future: StopIteration cannot be raised into one.
    try:
        value = tool(**arguments)
        return _Ended(value=value if inspect.isawaitable(value) else written(value))
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
