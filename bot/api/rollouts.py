"""Rollouts: where rules stand, what speaks for another phase, and moving them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from countersign.approvals.decisions.vote_input import MAX_COMMENT
from countersign.approvals.forms.rollouts import progress_words
from countersign.approvals.models import Phase, Value
from countersign.approvals.rules.rollout.evidence import Evidence, evidence_words
from countersign.bot.api.operation import MAX_ID_CHARS, Call, Operation
from countersign.bot.http.lanes import Kind

Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_CHARS)]


class RolloutBody(Value):
    """Where one rule stands for one tool, and why."""

    evidence: Evidence
    digest: str = Field(description="Send it with a move: what was looked at is what is accepted.")
    words: str = Field(description="The evidence as a sentence.")
    progress: str = Field(description="4 of 30 towards co-pilot")
    missing: list[str] = Field(
        description="What is missing for the next phase; empty: a promotion is proposed."
    )
    speaks_against: bool = Field(description="Whether a demotion is proposed.")
    accepted_by: list[str] = Field(description="The roles of those who accept a move.")

    @classmethod
    def of(cls, evidence: Evidence, accepted_by: tuple[str, ...]) -> Self:
        """It as the API shows it."""
        return cls(
            evidence=evidence,
            digest=evidence.digest,
            words=evidence_words(evidence),
            progress=progress_words(evidence.compared, evidence.needed, evidence.next),
            missing=list(evidence.missing),
            speaks_against=evidence.speaks_against,
            accepted_by=list(accepted_by),
        )


class RolloutList(Value):
    """All rules that come by phases, each with each of its tools."""

    items: list[RolloutBody]
    next: None = None


class Move(Value):
    """That a rule is to stand at another phase."""

    rule: Name
    tool: Name
    phase: Phase = Field(description="The next one, or any earlier one.")
    evidence: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    reason: str = Field(min_length=1, max_length=MAX_COMMENT)


async def page(call: Call) -> RolloutList:
    """Where rules stand."""
    rollouts = call.services.approvals.rollouts
    found = await rollouts.all(call.person)
    return RolloutList(items=[RolloutBody.of(e, rollouts.accepted_by(e.rule)) for e in found])


async def move(call: Call) -> RolloutBody:
    """Accept a promotion or a demotion. 403 for whoever the rule does not name; 409 where the
    evidence does not suffice, or is another by now."""
    body: Move = call.body
    rollouts = call.services.approvals.rollouts
    after = await rollouts.move(
        body.rule,
        body.tool,
        body.phase,
        call.actor,
        evidence=body.evidence,
        reason=body.reason,
    )
    return RolloutBody.of(after, rollouts.accepted_by(after.rule))


OPERATIONS = (
    Operation("GET", "/api/v1/rollouts", "List rollouts", page, RolloutList),
    Operation(
        "POST", "/api/v1/rollouts/moves", "Move a rule to another phase", move, RolloutBody,
        body=Move, kind=Kind.VOTES,
        problems=(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    ),
)  # fmt: skip
