"""Calls that were proposed together: what they come to, and one decision on all of them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal

from pydantic import Field

from countersign.approvals.decisions.together import MOST
from countersign.approvals.decisions.vote_input import MAX_COMMENT
from countersign.approvals.forms.together import totals, waiting
from countersign.approvals.models import RequestId, Reversibility, Value, Verdict
from countersign.approvals.records import Records
from countersign.bot.api.operation import Call, Operation
from countersign.bot.api.request_bodies import RequestBody, all_shown
from countersign.bot.http.lanes import Kind
from countersign.connectors.receiving_together import TogetherAttempt, receive_together

NONE_LEFT: Mapping[RequestId, str] = {}


class CastTogether(Value):
    """One verdict on several calls that were proposed together."""

    verdict: Literal["approve", "reject"]
    digests: dict[str, str] = Field(
        min_length=1, max_length=MOST, description="The digest that was read of each, by id."
    )
    comment: str = Field(default="", max_length=MAX_COMMENT, description="Needed to reject.")
    leave: bool = Field(
        default=False,
        description="Let those wait on that others decide; else none counts if one is for others.",
    )


class TogetherBody(Value):
    """Calls that were proposed together."""

    checkpoint_id: str
    session_id: str
    reversibility: Reversibility | None = Field(
        description="The worst class of those that wait; null where fewer than two do."
    )
    totals: dict[str, str] = Field(
        description="By currency, the sum of `amount` of those that wait and say `currency`."
    )
    digests: dict[str, str] = Field(description="Of those that wait, by id: what a vote sends.")
    left: dict[str, str] = Field(
        default={}, description="By id, why what was sent with `leave` waits on."
    )
    calls: list[RequestBody] = Field(description="All of them, in the order of execution.")


async def together(call: Call) -> TogetherBody:
    """What was proposed together with a request, with what all that waits of it comes to."""
    services, request_id = call.services, call.path["id"]
    return await _together(services.records, request_id)


async def vote_together(call: Call) -> TogetherBody:
    """One decision on several calls: all votes count, or none does; with `leave`, those that this
    person may give."""
    body: CastTogether = call.body
    services, request_id = call.services, call.path["id"]
    attempt = TogetherAttempt(
        shown={RequestId(of): digest for of, digest in body.digests.items()},
        actor=call.actor,
        verdict=Verdict(body.verdict),
        comment=body.comment,
        leave=body.leave,
    )
    view = await services.records.view(request_id)
    done = await receive_together(services.approvals, view, attempt)
    return await _together(services.records, request_id, done.left)


async def _together(
    records: Records, request_id: str, left: Mapping[RequestId, str] = NONE_LEFT
) -> TogetherBody:
    view = await records.view(request_id)
    requests = sorted([view.request, *view.siblings], key=lambda request: request.position)
    calls = waiting(requests)
    return TogetherBody(
        checkpoint_id=view.request.checkpoint_id,
        session_id=view.request.session_id,
        reversibility=view.reversibility,
        totals={currency: f"{value:f}" for currency, value in totals(calls).items()},
        digests={each.id: each.digest for each in calls},
        left={str(of): why for of, why in left.items()},
        calls=await all_shown(records, requests),
    )


OPERATIONS = (
    Operation(
        "GET", "/api/v1/requests/{id}/together", "Get what was proposed together", together,
        TogetherBody, problems=(HTTPStatus.NOT_FOUND,),
    ),
    Operation(
        "POST", "/api/v1/requests/{id}/together/votes", "Decide calls together", vote_together,
        TogetherBody, body=CastTogether, kind=Kind.VOTES,
        problems=(
            HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE,
        ),
    ),
)  # fmt: skip
