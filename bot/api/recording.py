"""Recording: operations by which people say of calls afterwards what they did, or what was wrong.

Nothing is decided by that.
"""

from __future__ import annotations

from http import HTTPStatus

from countersign.approvals.models import RequestId
from countersign.bot.api.hindsights import DoneByHand, MarkedWrong
from countersign.bot.api.operation import Call, Operation
from countersign.bot.api.request_bodies import RequestBody, shown
from countersign.bot.http.lanes import Kind


async def by_hand(call: Call) -> RequestBody:
    """Say what the caller did by hand of a call in shadow. 409 if it is not, or says who was first;
    403 is on the ledger."""
    body: DoneByHand = call.body
    request_id = RequestId(call.path["id"])
    recording = call.services.approvals.recording
    await recording.by_hand(request_id, call.actor, arguments=body.arguments, text=body.text)
    return await _shown(call, request_id)


async def wrong(call: Call) -> RequestBody:
    """Say that a call should not have run. 409 if it has not, or says who was first; 403 is on the
    ledger. Nothing is undone."""
    body: MarkedWrong = call.body
    request_id = RequestId(call.path["id"])
    await call.services.approvals.recording.wrong(request_id, call.actor, reason=body.reason)
    return await _shown(call, request_id)


async def _shown(call: Call, request_id: RequestId) -> RequestBody:
    records = call.services.records
    return await shown(records, await records.request(request_id))


_PROBLEMS = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
OPERATIONS = (
    Operation(
        "POST", "/api/v1/requests/{id}/by-hand", "Record what was done by hand", by_hand,
        RequestBody, body=DoneByHand, kind=Kind.VOTES,
        problems=(*_PROBLEMS, HTTPStatus.UNPROCESSABLE_ENTITY),
    ),
    Operation(
        "POST", "/api/v1/requests/{id}/wrong", "Mark a call as wrong", wrong, RequestBody,
        body=MarkedWrong, kind=Kind.VOTES, problems=_PROBLEMS,
    ),
)  # fmt: skip
