"""Requests: what waits for a person, and the vote on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Self

from pydantic import Field, StrictBool, StringConstraints, model_validator

from countersign.approvals.decisions.doubts import MAX_NOTE
from countersign.approvals.decisions.long_results import ResultText
from countersign.approvals.decisions.vote_input import MAX_COMMENT
from countersign.approvals.models import (
    Delivery,
    JsonObject,
    Preview,
    Principal,
    Request,
    RequestId,
    RequestStatus,
    Result,
    Risk,
    SameCall,
    Session,
    Value,
    Verdict,
    Via,
    Vote,
)
from countersign.approvals.records import Records
from countersign.bot.api.operation import Call, Operation
from countersign.bot.api.sessions import PAGE_LIMIT
from countersign.bot.http.lanes import Kind
from countersign.connectors.receiving import VoteAttempt, receive


class RuleBody(Value):
    """The rule that asked for people, and why."""

    id: str
    reason: str
    policy_version: str


class StageBody(Value):
    """The tier that is asked now."""

    number: int = Field(description="From 1.")
    of: int
    roles: list[str]
    quorum: int


class VoteBody(Value):
    """One person's verdict on one revision."""

    by: str
    name: str
    verdict: Verdict
    revision: int
    stage: int = Field(description="From 1.")
    via: Via
    at: datetime
    comment: str


class DeliveryBody(Value):
    """Where the request is shown."""

    id: str
    channel: str
    target: str
    status: str = Field(
        description="pending, live, closed, unreachable (those it is for cannot be reached until "
        "people undo that; `error` says who and why), or abandoned."
    )
    ticket: str | None = Field(description="The ticket as people call it, where it is one.")
    url: str | None = Field(description="Where a person opens it.")
    error: str | None = Field(description="What went wrong last, or was refused there.")


class PersonBody(Value):
    """Somebody, as people know them."""

    id: str
    name: str


HOW_TO_APPROVE = (
    "Send changed arguments with the verdict modify, approve without that comment, or reject."
)


class RequestBody(Value):
    """One tool call that waits, or waited, for people."""

    id: str
    session_id: str
    checkpoint_id: str = Field(description="Requests proposed together have the same one.")
    tool: str
    arguments: JsonObject
    agent: str
    rationale: str
    risk: Risk
    digest: str = Field(description="Send it with a vote: what was read is what is decided.")
    revision: int
    status: RequestStatus
    stage: StageBody | None
    expires_at: datetime | None
    created_at: datetime
    requester: str = Field(description="Whose session asked; nobody decides their own calls.")
    workflow: str
    task: str = Field(description="What the requester asked the agents for.")
    arguments_schema: JsonObject | None = Field(
        description="JSON Schema of what the tool accepts; null where it is not known here."
    )
    eligible: list[PersonBody] = Field(
        description="Who may decide it now, by id. Empty once it is decided."
    )
    rule: RuleBody
    votes: list[VoteBody]
    facts: JsonObject | None = Field(
        description="What the tool's check of the world found; null if it has none."
    )
    preview: Preview | None = Field(description="What the tool says it would do.")
    approval_valid_for_s: float | None = Field(
        description="Seconds for which an approval holds; then it is asked again."
    )
    asked_again: str = Field(
        description='Why this revision had to be asked; "" if an agent or an edit did.'
    )
    same_calls: list[SameCall] = Field(
        description="Requests of the session for the very same call, as they stood when this one "
        "was asked; the newest few."
    )
    questions: list[JsonObject] = Field(description="Empty in this version.")
    deliveries: list[DeliveryBody]
    result: Result | None

    @classmethod
    def of(
        cls,
        request: Request,
        session: Session,
        votes: Sequence[Vote],
        deliveries: Sequence[Delivery],
        eligible: Sequence[Principal] = (),
        schema: JsonObject | None = None,
    ) -> Self:
        """The request as the API shows it."""
        return cls(
            id=request.id,
            session_id=request.session_id,
            checkpoint_id=request.checkpoint_id,
            tool=request.tool,
            arguments=request.arguments,
            agent=request.agent,
            rationale=request.rationale,
            risk=request.risk,
            digest=request.digest,
            revision=request.revision,
            status=request.status,
            stage=_stage(request),
            expires_at=request.expires_at,
            created_at=request.created_at,
            requester=request.requester,
            workflow=session.workflow,
            task=session.task,
            arguments_schema=schema,
            eligible=[PersonBody(id=person.id, name=person.name) for person in eligible],
            rule=RuleBody(
                id=request.rule_id, reason=request.reason, policy_version=request.policy_version
            ),
            votes=[_vote(vote) for vote in votes],
            facts=request.facts,
            preview=request.preview,
            approval_valid_for_s=request.valid_for_s,
            asked_again=request.asked_again,
            same_calls=list(request.same_calls),
            questions=[],
            deliveries=[_delivery(delivery) for delivery in deliveries],
            result=request.result,
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

    @model_validator(mode="after")
    def _arguments_with_modify(self) -> Self:
        if (self.verdict is Verdict.MODIFY) != (self.arguments is not None):
            raise ValueError("arguments: required with the verdict modify, and only with it")
        return self


class Resolution(Value):
    """What somebody found in the target system, where nobody knows whether a call ran."""

    happened: StrictBool = Field(description="Whether the call took effect.")
    note: str = Field(
        min_length=1, max_length=MAX_NOTE, description="Where they looked and what they found."
    )


async def page(call: Call) -> RequestPage:
    """Requests of everybody, or those that wait for the caller."""
    query: RequestQuery = call.query
    records = call.services.records
    if query.mine:
        found = await records.mine(
            call.person, session_id=query.session, limit=query.limit, cursor=query.cursor
        )
    else:
        found = await records.requests(
            status=query.status, session_id=query.session, limit=query.limit, cursor=query.cursor
        )
    items = await all_shown(records, found.items)
    return RequestPage(items=items, next=found.next)


async def get(call: Call) -> RequestBody:
    """One request."""
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
        ),
    )
    return await shown(services.records, outcome.counted())


async def resolve(call: Call) -> RequestBody:
    """Resolve a doubt. 409 if there is none (any more); 403 is on the ledger."""
    body: Resolution = call.body
    request = await call.services.approvals.resolve(
        RequestId(call.path["id"]), call.actor, happened=body.happened, note=body.note
    )
    return await shown(call.services.records, request)


async def shown(records: Records, request: Request) -> RequestBody:
    """The request with its votes, deliveries and who may decide it."""
    (body,) = await all_shown(records, [request])
    return body


async def all_shown(records: Records, requests: Sequence[Request]) -> list[RequestBody]:
    """`shown` for each of these, a page at most."""
    around = await records.around([request.id for request in requests])
    sessions = await records.sessions_of(requests)

    def body(request: Request) -> RequestBody:
        session, (votes, deliveries) = sessions[request.session_id], around[request.id]
        eligible = records.eligible(request, votes)
        schema = records.schema(session, request.tool)
        return RequestBody.of(request, session, votes, deliveries, eligible, schema)

    return [body(request) for request in requests]


def _stage(request: Request) -> StageBody | None:
    if not request.stages:
        return None
    index = min(request.stage, len(request.stages) - 1)
    stage = request.stages[index]
    return StageBody(
        number=index + 1, of=len(request.stages), roles=list(stage.roles), quorum=stage.quorum
    )


def _vote(vote: Vote) -> VoteBody:
    return VoteBody(
        by=vote.principal_id,
        name=vote.name,
        verdict=vote.verdict,
        revision=vote.revision,
        stage=vote.stage + 1,
        via=vote.via,
        at=vote.at,
        comment=vote.comment,
    )


def _delivery(delivery: Delivery) -> DeliveryBody:
    # Of a card the reference says where it can be reached, which is nobody's business.
    reference = (delivery.reference or {}) if delivery.ticket_id else {}
    return DeliveryBody(
        id=delivery.id,
        channel=delivery.channel,
        target=delivery.target,
        status=str(delivery.status),
        ticket=reference.get("key"),
        url=reference.get("url"),
        error=delivery.error,
    )


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
        "POST", "/api/v1/requests/{id}/resolution", "Settle a doubt", resolve, RequestBody,
        body=Resolution, kind=Kind.VOTES,
        problems=(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    ),
)  # fmt: skip
