"""Requests: what waits for a person, and the vote on it."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Self

from pydantic import Field, StrictBool, StringConstraints, model_validator

from countersign.approvals.decisions.doubts import MAX_NOTE
from countersign.approvals.decisions.long_results import ResultText
from countersign.approvals.decisions.vote_input import MAX_COMMENT
from countersign.approvals.models import (
    JsonObject,
    RequestId,
    RequestStatus,
    Risk,
    Terms,
    Value,
    Verdict,
)
from countersign.bot.api.operation import Call, Operation
from countersign.bot.api.request_bodies import RequestBody, all_shown, shown
from countersign.bot.api.request_parts import RuleBody, StepBody
from countersign.bot.api.sessions import PAGE_LIMIT
from countersign.bot.http.lanes import Kind
from countersign.connectors.receiving import VoteAttempt, receive

MAX_PROOF = 4_000
HOW_TO_APPROVE = (
    "Send changed arguments with the verdict modify, approve without that comment, or reject."
)


class RequestPage(Value):
    """Requests, oldest first."""

    items: list[RequestBody]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null at the end.")


class RequestQuery(Value):
    """Which requests."""

    status: RequestStatus | None = None
    session: str | None = Field(default=None, max_length=200)
    mine: bool = Field(default=False, description="Only what the caller may decide now.")
    limit: int = Field(default=50, ge=1, le=PAGE_LIMIT)
    cursor: str | None = Field(default=None, max_length=500)

    @model_validator(mode="after")
    def _mine_is_pending(self) -> Self:
        if self.mine and self.status not in (None, RequestStatus.PENDING):
            raise ValueError("mine: only what is pending can be decided; leave status out")
        return self


class CastVote(Value):
    """A verdict on what the digest names."""

    verdict: Verdict
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    arguments: JsonObject | None = Field(
        default=None, description="All arguments as they shall run; with `modify` only."
    )
    comment: str = Field(default="", max_length=MAX_COMMENT)
    proof: str | None = Field(
        default=None, max_length=MAX_PROOF, description="Of the caller's presence, for this digest."
    )
    grant: Terms | None = Field(
        default=None, description="With an approval: a yes to later calls that are alike as well."
    )

    @model_validator(mode="after")
    def _arguments_with_modify(self) -> Self:
        if (self.verdict is Verdict.MODIFY) != (self.arguments is not None):
            raise ValueError("arguments: required with the verdict modify, and only with it")
        return self


class ChangedArguments(Value):
    """Arguments as somebody would like them to run."""

    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    arguments: JsonObject = Field(description="All of them.")


class Foreseen(Value):
    """What would become of a request with other arguments; nothing is changed yet."""

    arguments: JsonObject = Field(description="As the tool would receive them.")
    digest: str = Field(description="Of the request as it would be.")
    rule: RuleBody
    risk: Risk
    expires_at: datetime | None
    steps: list[StepBody]
    others: str = Field(
        description='Who has to decide it as well then, as a sentence; "" if nobody has to.'
    )
    counts: bool = Field(
        description="Whether a vote with the verdict modify counts as an approval, too; if not, "
        "the request is asked anew with these arguments."
    )


class UndoWanted(Value):
    """That what a call has done is to be taken back."""

    reason: str = Field(
        min_length=1, max_length=MAX_COMMENT, description="Why; it stands on the ledger."
    )


class Revocation(Value):
    """That an approval does not stand any more."""

    reason: str = Field(min_length=1, max_length=MAX_COMMENT, description="The agents read it.")
    ask_again: StrictBool = Field(
        default=False, description="Whether it is asked again; else it is rejected."
    )


class Resolution(Value):
    """What somebody found in the target system, where nobody knows whether a call ran."""

    happened: StrictBool = Field(description="Whether the call took effect.")
    note: str = Field(
        min_length=1, max_length=MAX_NOTE, description="Where they looked and what they found."
    )


async def page(call: Call) -> RequestPage:
    """Requests that the caller may read, or those that wait for them."""
    query: RequestQuery = call.query
    records = call.services.records
    if query.mine:
        found = await records.mine(
            call.person, session_id=query.session, limit=query.limit, cursor=query.cursor
        )
    else:
        found = await records.requests(
            status=query.status,
            session_id=query.session,
            limit=query.limit,
            cursor=query.cursor,
            reader=call.person,
        )
    items = await all_shown(records, found.items)
    return RequestPage(items=items, next=found.next)


async def get(call: Call) -> RequestBody:
    """One request. 404 also if the caller may not read it."""
    records = call.services.records
    return await shown(records, await records.request(RequestId(call.path["id"])))


async def result(call: Call) -> ResultText:
    """All that is kept of a result that may be cut for the agents. 404 if there is none yet."""
    return await call.services.records.result(RequestId(call.path["id"]))


async def vote(call: Call) -> RequestBody:
    """Decide. 409 says who was first; 403 is on the ledger."""
    body: CastVote = call.body
    services = call.services
    outcome = await receive(
        services.approvals,
        services.records,
        VoteAttempt(
            request_id=RequestId(call.path["id"]),
            actor=call.actor,
            verdict=body.verdict,
            digest=body.digest,
            arguments=body.arguments,
            comment=body.comment,
            instead=HOW_TO_APPROVE,
            grant=body.grant,
            proof=body.proof,
        ),
    )
    return await shown(services.records, outcome.counted())


async def withdraw(call: Call) -> RequestBody:
    """Take the caller's vote back. 422 if there is none; 409 once it is decided."""
    services = call.services
    request = await services.approvals.withdraw(RequestId(call.path["id"]), call.actor)
    return await shown(services.records, request)


async def revoke(call: Call) -> RequestBody:
    """Revoke an approval that is not used yet. 409 says since when it is; 403 is on the ledger."""
    body: Revocation = call.body
    services = call.services
    request = await services.approvals.revoke(
        RequestId(call.path["id"]), call.actor, reason=body.reason, ask_again=body.ask_again
    )
    return await shown(services.records, request)


async def undo(call: Call) -> RequestBody:
    """Have taken back what an executed call has done. 409 says why that cannot be (any more)."""
    body: UndoWanted = call.body
    services, request_id = call.services, RequestId(call.path["id"])
    await services.approvals.undo(request_id, call.actor, reason=body.reason)
    return await shown(services.records, await services.records.request(request_id))


async def foresee(call: Call) -> Foreseen:
    """Say what a change of the arguments would mean. Nobody is told, nothing is written."""
    body: ChangedArguments = call.body
    edit = await call.services.approvals.foresee(
        RequestId(call.path["id"]), call.actor, digest=body.digest, arguments=body.arguments
    )
    after = edit.after
    rule = RuleBody(id=after.rule_id, reason=after.reason, policy_version=after.policy_version)
    return Foreseen(
        arguments=after.arguments,
        digest=after.digest,
        rule=rule,
        risk=after.risk,
        expires_at=after.expires_at,
        steps=[StepBody.of(step) for step in edit.steps],
        others=edit.others,
        counts=not edit.held,
    )


async def resolve(call: Call) -> RequestBody:
    """Resolve a doubt. 409 if there is none (any more); 403 is on the ledger."""
    body: Resolution = call.body
    request = await call.services.approvals.resolve(
        RequestId(call.path["id"]), call.actor, happened=body.happened, note=body.note
    )
    return await shown(call.services.records, request)


OPERATIONS = (
    Operation("GET", "/api/v1/requests", "List requests", page, RequestPage, query=RequestQuery),
    Operation(
        "GET", "/api/v1/requests/{id}", "Get a request", get, RequestBody,
        problems=(HTTPStatus.NOT_FOUND,),
    ),
    Operation(
        "GET", "/api/v1/requests/{id}/result", "Get a result", result, ResultText,
        problems=(HTTPStatus.NOT_FOUND,),
    ),
    Operation(
        "POST", "/api/v1/requests/{id}/votes", "Vote on a request", vote, RequestBody,
        body=CastVote, kind=Kind.VOTES,
        problems=(
            HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE,
        ),
    ),
    Operation(
        "POST", "/api/v1/requests/{id}/votes/withdraw", "Withdraw a vote", withdraw, RequestBody,
        kind=Kind.VOTES,
        problems=(
            HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
    ),
    Operation(
        "POST", "/api/v1/requests/{id}/revocation", "Revoke an approval", revoke, RequestBody,
        body=Revocation, kind=Kind.VOTES,
        problems=(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    ),
    Operation(
        "POST", "/api/v1/requests/{id}/undo", "Undo a call", undo, RequestBody,
        body=UndoWanted, kind=Kind.VOTES, status=HTTPStatus.ACCEPTED,
        problems=(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    ),
    Operation(
        "POST", "/api/v1/requests/{id}/edits/preview", "Foresee an edit", foresee, Foreseen,
        body=ChangedArguments, kind=Kind.VOTES,
        problems=(
            HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE,
        ),
    ),
    Operation(
        "POST", "/api/v1/requests/{id}/resolution", "Resolve a doubt", resolve, RequestBody,
        body=Resolution, kind=Kind.VOTES,
        problems=(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    ),
)  # fmt: skip
