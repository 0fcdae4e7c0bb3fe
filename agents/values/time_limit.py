"""A time limit on reading arguments, in threads: validators are code of the workflow's."""

from __future__ import annotations

import asyncio

from countersign.agents.guard.context_executor import ContextExecutor
from countersign.agents.values.effective import ToolParameters
from countersign.agents.values.json_values import error_text
from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.errors import InvalidArgumentsError
from countersign.approvals.models import Effective, JsonObject

TIME_LIMIT_S = 10.0
"""For the arguments of one call, until all that its tool receives is known."""
TOO_SLOW = (
    "could not be read within {limit:g} s: a validator of this tool hangs, or earlier ones do. "
    "Nothing was run"
)


async def effective(
    tool: ToolParameters, arguments: JsonObject, threads: ContextExecutor
) -> Effective:
    """What the tool's body would receive. Raises InvalidArgumentsError with a reason by argument,
    also when its validators take too long; such a thread runs on until they end."""
    reading = asyncio.get_running_loop().run_in_executor(threads, _read, tool, arguments)
    try:
        async with asyncio.timeout(TIME_LIMIT_S):
            known = await reading
    except TimeoutError as exc:
        reason = TOO_SLOW.format(limit=TIME_LIMIT_S)
        raise InvalidArgumentsError(tool.tool, {"arguments": reason}) from exc
    if isinstance(known, Effective):
        return known
    if isinstance(known, InvalidArgumentsError):
        raise known
    reason = well_formed(f"cannot be read: {error_text(known)}")
    raise InvalidArgumentsError(tool.tool, {"arguments": reason}) from known


def _read(tool: ToolParameters, arguments: JsonObject) -> Effective | BaseException:
    # Not across the future: a CancelledError of the validator's would look like one of ours.
    try:
        return tool.effective(arguments)
    except BaseException as exc:
        return exc
