"""Execution of one tool body under its permit: what came of it, or that it took too long.

Python cannot end a function that runs in a thread. One that is given up runs on in the thread of
its workflow's lane; what it says in the end is stored as what came late.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

from countersign.agents.guard.context_executor import blocking_in
from countersign.agents.tools.outcomes import Errors, ToolOutcome, outcome_of
from countersign.agents.tools.permit import Permit, SealedTool, permitted
from countersign.agents.tools.returned import unrun, written
from countersign.approvals.models import Request

SLOW_S = 1.0
"""A tool that takes longer is one that is only waited for."""

NEVER_RUN = "it returned a {type}, which does its work only when it is asked to, and nobody does"


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
    validators: Executor | None = None,
    harmless: Errors = (),
    limit_s: float | None = None,
    on_slow: Callable[[], None] = lambda: None,
) -> ToolOutcome:
    """Call the tool with the request's arguments: in a thread, or here if it is a coroutine.

    Its validators are run in a thread too: in `validators` if it is a coroutine.

    `require` raises LostLeaseError if the claim may be another process's: then it is not called.
    Whatever the body raises becomes an outcome; after `harmless` ones nothing happened. After
    `limit_s` it is given up; `on_slow` is called once when it takes longer than `SLOW_S`. Only our
    own cancellation passes: then nobody knows what the tool did, and the request stays `executing`.
    """
    arguments = copy.deepcopy(request.arguments)
    with blocking_in(executor), permitted(request, require) as permit:
        body = asyncio.create_task(
            _body(tool, arguments, executor, validators)
        )  # in a copy of this context
    if not await _ended_within(body, limit_s, on_slow):
        return _given_up(tool, body, permit, harmless, limit_s)
    return _outcome(body, permit, harmless)


async def _ended_within(
    body: asyncio.Task[_Ended], limit_s: float | None, on_slow: Callable[[], None]
) -> bool:
    try:
        soon_s = SLOW_S if limit_s is None else min(SLOW_S, limit_s)
        done, _ = await asyncio.wait({body}, timeout=soon_s)
        if not done:
            on_slow()
            left_s = None if limit_s is None else limit_s - soon_s
            done, _ = await asyncio.wait({body}, timeout=left_s)
    except asyncio.CancelledError:
        body.cancel()
        raise
    return bool(done)


def _given_up(
    tool: SealedTool,
    body: asyncio.Task[_Ended],
    permit: Permit,
    harmless: Errors,
    limit_s: float | None,
) -> ToolOutcome:
    within = f"within {limit_s:g} s"
    if not permit.give_up():
        body.cancel()
        words = f"It did not begin {within}: other calls or its validators hang. Nothing happened."
        return ToolOutcome(ok=False, content=words, harmless=True)
    if tool.is_async:
        body.cancel()
    late = partial(_late, body, permit, harmless)
    return ToolOutcome(ok=False, content=f"It did not end {within}, its time limit", late=late)


async def _late(body: asyncio.Task[_Ended], permit: Permit, harmless: Errors) -> ToolOutcome | None:
    """What the body came to in the end; None if it was cancelled, and so says nothing."""
    await asyncio.wait({body})
    return None if body.cancelled() else _outcome(body, permit, harmless)


def _outcome(body: asyncio.Task[_Ended], permit: Permit, harmless: Errors) -> ToolOutcome:
    # The body's own task can only be cancelled by itself: we have not given it up.
    ended = _Ended(error=asyncio.CancelledError()) if body.cancelled() else body.result()
    if ended.error is None:
        ended = _returned(ended.value)
    if ended.error is None:
        return ToolOutcome(ok=True, content=ended.value)
    return outcome_of(ended.error, harmless, began=permit.used)


async def _body(
    tool: SealedTool, arguments: dict[str, Any], executor: Executor, validators: Executor | None
) -> _Ended:
    # The copied context carries the permit (and the caller's tracing) into the thread.
    call = copy_context().run
    loop = asyncio.get_running_loop()
    if tool.is_async:
        with blocking_in(validators or executor):  # else the pool hands it on to the tools' own
            reading = loop.run_in_executor(validators or executor, call, _prepared, tool, arguments)
        ready = await reading
        return ready if ready.error is not None else await _awaited(ready.value, {})
    ended = await loop.run_in_executor(executor, call, _called, tool, arguments)
    if inspect.isawaitable(ended.value):
        return await _awaited(lambda: ended.value, {})
    return ended


def _prepared(tool: SealedTool, arguments: dict[str, Any]) -> _Ended:
    # A validator may wait, as the body of a sync tool may: not on the event loop.
    try:
        return _Ended(value=tool.prepared(arguments))
    except BaseException as exc:
        return _Ended(error=exc)


def _called(tool: SealedTool, arguments: dict[str, Any]) -> _Ended:
    # Caught here and not across the future: StopIteration cannot be raised into one.
    try:
        value = tool(**arguments)
        return _Ended(value=value) if inspect.isawaitable(value) else _returned(value)
    except BaseException as exc:  # a tool may raise anything, e.g. SystemExit
        return _Ended(error=exc)


def _returned(value: Any) -> _Ended:
    lazy = unrun(value)
    if lazy is not None:
        return _Ended(error=TypeError(NEVER_RUN.format(type=lazy)))
    return _Ended(value=written(value))


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
