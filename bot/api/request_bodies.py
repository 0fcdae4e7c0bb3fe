"""Requests as the API shows them: with votes, deliveries and who may decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import Field

from countersign.approvals.forms.rollouts import standing_words
from countersign.approvals.forms.times import at_deadline
from countersign.approvals.models import (
    AtDeadline,
    ChangedBy,
    Delivery,
    Injected,
    InParallel,
    JsonObject,
    Preview,
    Principal,
    Question,
    Request,
    RequestKind,
    RequestStatus,
    Result,
    Risk,
    SameCall,
    Session,
    StageProgress,
    Standing,
    Value,
    Vote,
)
from countersign.approvals.records import Records
from countersign.approvals.store.view_rows import Afterwards
from countersign.bot.api.hindsights import HindsightBody
from countersign.bot.api.questions import QuestionBody
from countersign.bot.api.request_parts import (
    NAMED,
    DeliveryBody,
    NextStep,
    PersonBody,
    RuleBody,
    StageBody,
    StepBody,
    UndoBody,
    VoteBody,
    delivery_body,
    named,
    next_step_body,
    stage_body,
    vote_body,
)

NOTHING_AFTER = Afterwards()


class RequestBody(Value):
    """One tool call that waits, or waited, for people."""

    id: str
    session_id: str
    checkpoint_id: str = Field(description="Requests proposed together have the same one.")
    kind: RequestKind = Field(description="A tool call, or a question that wants free text.")
    tool: str
    arguments: JsonObject
    proposed_arguments: JsonObject | None = Field(
        description="What the agent proposed, where a person has changed it."
    )
    changed_by: list[ChangedBy] = Field(
        description="Who has changed it, whoever approved it then: each person once, the last "
        "change last. Empty where a release before does not say."
    )
    defaulted: list[str] = Field(description="JSON pointers of arguments that nobody gave.")
    injected: list[Injected] = Field(description="What the workflow sets beside the arguments.")
    agent: str
    rationale: str
    risk: Risk
    digest: str = Field(description="Send it with a vote: what was read is what is decided.")
    revision: int
    status: RequestStatus
    stage: StageBody | None
    steps: list[StepBody] = Field(description="All tiers, in their order.")
    editable: bool = Field(description="Whether its rule lets people change the arguments.")
    expires_at: datetime | None
    at_deadline: AtDeadline = Field(
        description="What becomes of it then: it is rejected, others are asked, or it runs."
    )
    next_step: NextStep | None = Field(
        description="What comes before that while it waits; null if nothing does."
    )
    created_at: datetime
    requester: str = Field(description="Whose session asked; nobody decides their own calls.")
    workflow: str
    task: str = Field(description="What the requester asked the agents for.")
    arguments_schema: JsonObject | None = Field(
        description="JSON Schema of what the tool accepts; null where it is not known here."
    )
    eligible: list[PersonBody] = Field(
        max_length=NAMED,
        description="Who may decide it now, by id: the first of them. Empty once it is decided.",
    )
    eligible_count: int = Field(
        ge=0, description="How many may; `GET /requests/{id}/eligible` names them all by pages."
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
    paused: str | None = Field(
        description="If it does not begin for now: paused by whom, since when and why."
    )
    same_calls: list[SameCall] = Field(
        description="Requests of the session for the very same call, as they stood when this one "
        "was asked; the newest few."
    )
    budgets: list[Standing] = Field(
        description="Where the budgets that it draws on stood with it: when it was asked, and once "
        "it runs, when that was reserved."
    )
    rollout: str = Field(
        description='Where its rule stood when it was proposed: "In shadow: 4 of 30 towards '
        'co-pilot."; "" where it has no phases.'
    )
    undo: UndoBody | None = Field(
        description="What would take back what it has done, and what became of attempts; null if "
        "nothing would."
    )
    parallel: InParallel | None = Field(
        description="By which of several chats that work side by side it was proposed, and which "
        "of them had failed by then; null of a chat alone."
    )
    undoes: str | None = Field(description="The request that it takes back, if it is an undo.")
    hindsights: list[HindsightBody] = Field(
        description="What people have put on record of it afterwards, oldest first."
    )
    questions: list[QuestionBody] = Field(description="Asked before deciding, in order.")
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
        paused: str | None = None,
        steps: Sequence[StageProgress] = (),
        questions: Sequence[Question] = (),
        after: Afterwards = NOTHING_AFTER,
    ) -> Self:
        """The request as the API shows it."""
        return cls(
            id=request.id,
            session_id=request.session_id,
            checkpoint_id=request.checkpoint_id,
            kind=request.kind,
            tool=request.tool,
            arguments=request.arguments,
            proposed_arguments=request.proposed_arguments,
            changed_by=list(request.changed_by),
            defaulted=list(request.defaulted),
            injected=list(request.injected),
            agent=request.agent,
            rationale=request.rationale,
            risk=request.risk,
            digest=request.digest,
            revision=request.revision,
            status=request.status,
            stage=stage_body(request),
            steps=[StepBody.of(step) for step in steps],
            editable=all(stage.edits for stage in request.stages),
            expires_at=request.expires_at,
            at_deadline=at_deadline(request),
            next_step=next_step_body(request),
            created_at=request.created_at,
            requester=request.requester,
            workflow=session.workflow,
            task=session.task,
            arguments_schema=schema,
            eligible=named(eligible),
            eligible_count=len(eligible),
            rule=RuleBody(
                id=request.rule_id, reason=request.reason, policy_version=request.policy_version
            ),
            votes=[vote_body(vote) for vote in votes],
            facts=request.facts,
            preview=request.preview,
            approval_valid_for_s=request.valid_for_s,
            asked_again=request.asked_again,
            paused=paused,
            same_calls=list(request.same_calls),
            budgets=list(request.budgets),
            rollout=standing_words(request),
            undo=UndoBody.of(request, after.undos),
            parallel=request.parallel,
            undoes=session.undoes,
            hindsights=[HindsightBody.of(each) for each in after.hindsights],
            questions=[QuestionBody.of(each) for each in questions],
            deliveries=[delivery_body(delivery) for delivery in deliveries],
            result=request.result,
        )


async def shown(records: Records, request: Request) -> RequestBody:
    """The request with its votes, deliveries and who may decide it."""
    (body,) = await all_shown(records, [request])
    return body


async def all_shown(records: Records, requests: Sequence[Request]) -> list[RequestBody]:
    """`shown` for each of these, a page at most."""
    around = await records.around([request.id for request in requests])
    sessions, pauses = await records.sessions_of(requests), await records.pauses()
    questions = await records.questions(requests)
    afterwards = await records.afterwards(requests)

    def body(request: Request) -> RequestBody:
        session, (votes, deliveries) = sessions[request.session_id], around[request.id]
        eligible = records.views.eligible(request, votes, session)
        schema = records.views.schema(session, request.tool)
        paused = records.views.paused(pauses, request, session)
        steps = records.views.steps(request, votes, session)
        asked = questions.get(request.id, ())
        after = afterwards.get(request.id, NOTHING_AFTER)
        around_it = (votes, deliveries, eligible, schema, paused, steps, asked, after)
        return RequestBody.of(request, session, *around_it)

    return [body(request) for request in requests]
