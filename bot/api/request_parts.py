"""Parts of requests as the API shows them: stages, votes, deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from countersign.approvals.forms.times import next_step
from countersign.approvals.forms.undos import attempt_words
from countersign.approvals.models import (
    Delivery,
    JsonObject,
    Principal,
    Request,
    StageProgress,
    Undone,
    UndoState,
    Value,
    Verdict,
    Via,
    Vote,
)


class RuleBody(Value):
    """The rule that asked for people, and why."""

    id: str
    reason: str
    policy_version: str


NAMED = 100
"""How many people one list of an answer names: ten thousand would be 2 MB of each request."""


class PersonBody(Value):
    """Somebody, as people know them."""

    id: str
    name: str


def named(people: Sequence[Principal]) -> list[PersonBody]:
    """The first NAMED of them, as people know them."""
    return [PersonBody(id=person.id, name=person.name) for person in people[:NAMED]]


class StageBody(Value):
    """The tier that is asked now; the first of those that are open together."""

    number: int = Field(description="From 1.")
    of: int
    roles: list[str]
    quorum: int


class StepBody(Value):
    """One tier: who has voted in it, what is still needed, and who could."""

    number: int = Field(description="From 1.")
    roles: list[str]
    groups: list[str]
    people: list[str] = Field(description="Ids of people whom the rule names.")
    on_call: list[str] = Field(
        default_factory=list, description="Schedules whose people on call it asks."
    )
    quorum: int
    parallel: bool = Field(description="Whether it is open with the parallel ones beside it.")
    rejects_needed: int = Field(description="How many rejections of it are the decision.")
    is_open: bool = Field(description="Whether its people may vote now.")
    approved_by: list[PersonBody]
    rejected_by: list[PersonBody]
    missing: int = Field(description="How many approvals it still needs.")
    could: list[PersonBody] = Field(
        max_length=NAMED, description="Who could give them, as things are: the first of them."
    )
    could_count: int = Field(ge=0, description="How many could.")
    comment_required: bool = Field(description="Whether an approval needs a comment.")

    @classmethod
    def of(cls, step: StageProgress) -> Self:
        """The tier as the API shows it."""
        stage = step.stage
        voted = {
            no: [
                PersonBody(id=vote.principal_id, name=vote.name)
                for vote in step.votes
                if (vote.verdict is Verdict.REJECT) is no
            ]
            for no in (False, True)
        }
        return cls(
            number=step.number + 1,
            roles=list(stage.roles),
            groups=list(stage.groups),
            people=list(stage.people),
            on_call=list(stage.on_call),
            quorum=stage.quorum,
            parallel=stage.parallel,
            rejects_needed=stage.rejects,
            is_open=step.is_open,
            approved_by=voted[False],
            rejected_by=voted[True],
            missing=step.missing,
            could=named(step.could),
            could_count=len(step.could),
            comment_required=stage.comment_required,
        )


class UndoAttempt(Value):
    """One attempt to take a call back."""

    session_id: str
    request_id: str | None = Field(description="Null until it is asked.")
    state: UndoState
    by: str = Field(description="The name of whoever asked for it.")
    words: str

    @classmethod
    def of(cls, undone: Undone) -> Self:
        """The attempt as the API shows it."""
        request = undone.request
        return cls(
            session_id=undone.session.id,
            request_id=None if request is None else request.id,
            state=undone.state,
            by=undone.by,
            words=attempt_words(undone),
        )


class UndoBody(Value):
    """What would take back what a call has done."""

    tool: str
    arguments: JsonObject
    expects: JsonObject = Field(
        description="What the tool's check has to find: the record as the call has left it."
    )
    until: datetime | None
    attempts: list[UndoAttempt] = Field(
        description="Oldest first; after one that is not `not_undone` there is no other."
    )

    @classmethod
    def of(cls, request: Request, undos: Sequence[Undone]) -> Self | None:
        """The offer with its attempts; None if there is none."""
        offer = request.undo
        if offer is None:
            return None
        return cls(
            tool=offer.tool,
            arguments=offer.arguments,
            expects=offer.expects,
            until=offer.until,
            attempts=[UndoAttempt.of(each) for each in undos],
        )


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


class NextStep(Value):
    """What happens if nobody decides by then."""

    kind: Literal["remind", "escalate"]
    at: datetime
    roles: list[str] = Field(description="Who may decide it then, too; empty for a reminder.")


def next_step_body(request: Request) -> NextStep | None:
    """What comes before its deadline; None if nothing does."""
    step = next_step(request)
    if step is None:
        return None
    roles = [] if step.escalation is None else list(step.escalation.roles)
    return NextStep(kind=step.kind, at=step.at, roles=roles)


def stage_body(request: Request) -> StageBody | None:
    """The tier that is asked now; None for what nobody was asked about."""
    if not request.stages:
        return None
    index = min(request.stage, len(request.stages) - 1)
    stage = request.stages[index]
    return StageBody(
        number=index + 1, of=len(request.stages), roles=list(stage.roles), quorum=stage.quorum
    )


def vote_body(vote: Vote) -> VoteBody:
    """The vote as the API shows it."""
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


def delivery_body(delivery: Delivery) -> DeliveryBody:
    # Of a card the reference says where it can be reached, which is nobody's business.
    """The delivery as the API shows it."""
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
