"""Checks and previews: what a tool can say of one call before it runs.

Both are functions of the workflow's, registered beside the tool. They get the effective arguments
as JSON and only look: they may read systems, and start a program that reads; whatever AutoGen would
execute in them is refused. What they find is shown with the call and signed with it, and the check
is asked once more right before the tool runs.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar

import structlog
from pydantic_core import to_jsonable_python

from countersign.agents.guard.contexts import RunContext, checking
from countersign.agents.tools.outcomes import describe
from countersign.approvals.audit.canonical import canonical_json, well_formed
from countersign.approvals.errors import (
    BesideGateError,
    CheckFailedError,
    InvalidError,
    PreconditionFailedError,
)
from countersign.approvals.models import Checked, JsonObject, Preview

T = TypeVar("T")
log = structlog.get_logger(__name__)

TIME_LIMIT_S = 20.0
"""For one check, and for one preview."""
MOST_FACTS, MOST_OF_A_FACT = 40, 2_000
"""How many facts there may be, and characters of each."""
MOST_OF_A_PREVIEW = 100_000
"""Characters in all; what does not fit on a card is read on its page."""

CheckFunction: TypeAlias = Callable[[JsonObject], Any | Awaitable[Any]]
"""A check or preview; may be a coroutine function."""


@dataclass(frozen=True)
class Checks:
    """The check and the preview of one tool, where it has them."""

    tool: str
    check: CheckFunction | None = None
    preview: CheckFunction | None = None
    always: bool = False
    """Whether the check is asked where no person is, too."""
    require: Callable[[JsonObject], None] | None = None
    """Raises PreconditionFailedError for facts with which the call must not run."""

    async def now(
        self, arguments: JsonObject, run_context: RunContext, executor: Executor | None = None
    ) -> Checked:
        """What they say of a call with these effective arguments.

        Raises PreconditionFailedError; CheckFailedError if they cannot say anything;
        BesideGateError, which `run_context` keeps as well, if they would execute something.
        """
        facts = await self.facts(arguments, run_context, executor)
        preview = None
        if self.preview is not None:
            made = await self._called("preview", self.preview, arguments, run_context, executor)
            preview = self._read("preview", lambda: _preview(made))
        return Checked(facts=facts, preview=preview)

    async def facts(
        self, arguments: JsonObject, run_context: RunContext, executor: Executor | None = None
    ) -> JsonObject | None:
        """What the check alone finds; None without one. Raises as `now`."""
        if self.check is None:
            return None
        found = await self._called("check", self.check, arguments, run_context, executor)
        facts = self._read("check", lambda: _facts(found))
        if self.require is not None:
            self.require(facts)
        return facts

    async def _called(
        self,
        what: str,
        function: CheckFunction,
        arguments: JsonObject,
        run_context: RunContext,
        executor: Executor | None,
    ) -> Any:
        try:
            with checking(run_context):
                async with asyncio.timeout(TIME_LIMIT_S):
                    return await _value(function, copy.deepcopy(arguments), executor)
        except PreconditionFailedError as exc:
            said = str(exc) or f"The {what} of {self.tool} says no, and not why."
            raise PreconditionFailedError(well_formed(said)) from exc
        except BesideGateError:
            raise
        except asyncio.CancelledError as exc:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise self._failed(what, exc) from exc  # it cancelled something of its own
        except BaseException as exc:  # whatever code of the workflow's raises
            raise self._failed(what, exc) from exc

    def _read(self, what: str, read: Callable[[], T]) -> T:
        try:
            return read()
        except (InvalidError, ValueError) as exc:
            raise self._failed(what, exc) from exc

    def _failed(self, what: str, error: BaseException) -> CheckFailedError:
        log.warning(f"{what} failed", tool=self.tool, exc_info=error)
        why = describe(error)
        if isinstance(error, TimeoutError):
            why = f"it took more than {TIME_LIMIT_S:g} s"
        return CheckFailedError(f"The {what} of {self.tool} failed: {well_formed(why)}.")


async def _value(function: CheckFunction, arguments: JsonObject, executor: Executor | None) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(arguments)
    loop, call = asyncio.get_running_loop(), copy_context().run
    value, error = await loop.run_in_executor(executor, call, _caught, function, arguments)
    if error is not None:
        raise error
    return await value if inspect.isawaitable(value) else value


def _caught(function: CheckFunction, arguments: JsonObject) -> tuple[Any, BaseException | None]:
    # Not across the future: StopIteration cannot be raised into one.
    try:
        return function(arguments), None
    except BaseException as exc:
        return None, exc


def faults(name: str, function: object) -> Iterator[str]:
    """What is wrong with a check or preview, before it is called."""
    if not callable(function):
        yield f"{name} is no function: {function!r}"
        return
    try:
        inspect.signature(function).bind({})
    except TypeError:
        yield f"{name} has to take one parameter, the arguments of the call"
    except ValueError:  # a builtin that says nothing of itself
        return


def _facts(found: Any) -> JsonObject:
    """Simple values by name. Raises ValueError or InvalidError."""
    if not isinstance(found, Mapping):
        raise ValueError(f"it gave a {type(found).__name__}, not a mapping of facts")
    if len(found) > MOST_FACTS:
        raise ValueError(f"it gave {len(found)} facts; {MOST_FACTS} are the most")
    facts = {well_formed(str(name)): _fact(str(name), value) for name, value in found.items()}
    canonical_json(facts)
    return facts


def _fact(name: str, value: Any) -> Any:
    plain = to_jsonable_python(value, serialize_unknown=False)
    for one in plain if isinstance(plain, list) else [plain]:
        if not isinstance(one, str | int | float | bool | None):
            raise ValueError(f"its fact {name} is a {type(value).__name__}, not a simple value")
        if isinstance(one, str) and len(one) > MOST_OF_A_FACT:
            raise ValueError(f"its fact {name} has more than {MOST_OF_A_FACT:,} characters")
    if isinstance(plain, list):
        return [well_formed(one) if isinstance(one, str) else one for one in plain]
    return well_formed(plain) if isinstance(plain, str) else plain


def _preview(made: Any) -> Preview | None:
    """A text, the rows of a table, or a unified diff. Raises ValueError."""
    if made is None:
        return None
    if isinstance(made, str):
        text = well_formed(made)
        preview = Preview(kind="diff" if _is_diff(text) else "text", text=text)
    elif isinstance(made, Sequence):
        preview = Preview(kind="table", rows=tuple(_rows(made)))
    else:
        raise ValueError(f"it gave a {type(made).__name__}, not a text or a list of rows")
    size = len(preview.text) + sum(len(cell) for row in preview.rows for cell in row)
    if size > MOST_OF_A_PREVIEW:
        raise ValueError(f"it has {size:,} characters; {MOST_OF_A_PREVIEW:,} are the most")
    return preview


def _is_diff(text: str) -> bool:
    """Whether it begins as `difflib.unified_diff` and `git diff` begin."""
    lines = text.split("\n", 8)[:8]
    return any(a.startswith("--- ") and b.startswith("+++ ") for a, b in pairwise(lines))


def _rows(made: Sequence[Any]) -> Iterator[tuple[str, ...]]:
    """Rows of cells; a list of mappings has their keys for its head."""
    if made and all(isinstance(row, Mapping) for row in made):
        head = list(dict.fromkeys(key for row in made for key in row))
        yield tuple(_cell(key) for key in head)
        yield from (tuple(_cell(row.get(key)) for key in head) for row in made)
        return
    for row in made:
        if isinstance(row, str) or not isinstance(row, Sequence):
            raise ValueError(f"a row of its table is a {type(row).__name__}, not a list of cells")
        yield tuple(_cell(cell) for cell in row)


def _cell(value: Any) -> str:
    return "" if value is None else well_formed(str(value))
