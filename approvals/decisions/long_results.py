"""Long results: agents get the head, and the whole is kept."""

from __future__ import annotations

from sqlalchemy import Connection

from countersign.approvals.errors import NotFoundError
from countersign.approvals.models import (
    Outcome,
    Request,
    RequestId,
    Result,
    Value,
)
from countersign.approvals.ports import Unit
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import results as result_rows

RESULT_CHARS = 20_000
"""Characters of a result that agents are given, unless the settings say otherwise."""
KEPT_CHARS = 1_048_576
"""Characters of one that are kept; the rest is thrown away, and that is said."""


class ResultText(Value):
    """All that is kept of what a tool returned, or of its error."""

    request_id: RequestId
    outcome: Outcome
    content: str
    characters: int
    """Of what the tool returned."""
    complete: bool
    """Whether `content` is all of it."""


def shortened(result: Result, request_id: RequestId, *, limit: int) -> Result:
    """The result with at most `limit` characters of its text, and then a note on the rest."""
    total = len(result.content)
    if total <= limit:
        return result
    kept = "the whole is" if total <= KEPT_CHARS else f"the first {KEPT_CHARS:,} are"
    note = (
        f"\n[cut: {limit:,} of {total:,} characters; {kept} kept with request {request_id}: "
        f"GET /api/v1/requests/{request_id}/result]"
    )
    head = result.content[:limit]
    return result.model_copy(update={"content": head + note, "characters": total})


def keep(unit: Unit, request: Request, text: str) -> None:
    """Store what is longer than the result says, in the unit that stores the result."""
    result_rows.keep(unit, request, text[:KEPT_CHARS])


def whole(connection: Connection, request_id: RequestId) -> ResultText:
    """What a request's tool returned. Raises NotFoundError, also where nothing is known yet."""
    request = request_rows.get(connection, request_id)
    result = request.result
    if result is None:
        raise NotFoundError(f"Request {request_id} is {request.status} and has no result yet.")
    text = result_rows.get(connection, request_id)
    content = result.content or result.message if text is None else text
    total = result.characters or len(content)
    return ResultText(
        request_id=request_id,
        outcome=result.outcome,
        content=content,
        characters=total,
        complete=len(content) == total,
    )
