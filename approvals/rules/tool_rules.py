"""Rules: what policy says of one tool, and the strictest of several rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import reduce
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from countersign.approvals.models import (
    UNASKED,
    AfterRejection,
    AtDeadline,
    Effect,
    Names,
    OnError,
    PrincipalId,
    Risk,
    Stage,
    TimeRule,
    Value,
)
from countersign.approvals.models.time_rules import calendar_of
from countersign.approvals.rules.approvers import OWNER_ROLE
from countersign.approvals.rules.canaries import Canaries, reason_against
from countersign.approvals.rules.conditions.facts import NOT_ARGUMENTS
from countersign.approvals.rules.conditions.syntax import parse
from countersign.approvals.rules.durations import Seconds
from countersign.approvals.rules.edit_terms import Edits, EditTerms, readable, strictest_terms
from countersign.approvals.rules.grants import Grants
from countersign.approvals.rules.rollout.terms import Rollout
from countersign.approvals.rules.rollout.tolerances import Tolerances
from countersign.approvals.rules.tiers import merged
from countersign.approvals.rules.time_keys import EscalationKey, Length, ReminderKey

DEFAULT_CHANNELS = ("teams",)
"""Where people are asked if neither a rule nor whoever loads the policy says."""
NO_PROOFS = (
    "nobody can prove their presence here, so nobody could approve it; configure sign_in, or "
    "remove it"
)
LONGEST_VALID_S = 86400.0
"""How long an approval holds at most, where its rule does not say."""
_PATTERN = re.compile(r"[*?\[\]|^$(){}+\\]")
"""What only somebody writes who means several tools."""


def _exact(tool: str) -> str:
    if not tool.strip():
        raise ValueError("is no name of a tool; write the name that the workflow registers")
    if _PATTERN.search(tool):
        raise ValueError("patterns are not supported; name each tool")
    return tool


ToolName = Annotated[str, AfterValidator(_exact)]
"""The exact name of one tool."""


class Comment(StrEnum):
    """When whoever decides has to write something."""

    REQUIRED = "required"
    """Always."""
    ON_REJECT = "on_reject"


class Rejects(Value):
    """How many different people of one stage have to reject."""

    needed: int = Field(default=1, ge=1)


def _of_arguments(text: str) -> str:
    node = parse(readable(text))
    other = next((e.name for e in node.walk() if e.op == "name" and e.name in NOT_ARGUMENTS), None)
    if other is not None:
        raise ValueError(f"speaks of {other}; whom a call is with stands in its arguments")
    return text


CounterpartyKey = Annotated[
    tuple[Annotated[str, AfterValidator(_of_arguments)], ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
]
"""`args.customer_email`, or a list of such."""

Rejecting = Annotated[Rejects, BeforeValidator(lambda value: {} if value == "any" else value)]
"""`any`, or `{needed: 2}`."""


class Rule(Value):
    """One tool's rule."""

    effect: Effect
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = Field(default=(), exclude_if=lambda v: not v)
    people: tuple[PrincipalId, ...] = Field(default=(), exclude_if=lambda v: not v)
    on_call: Names = Field(default=(), exclude_if=lambda v: not v)
    stages: tuple[Stage, ...] = ()
    risk: Risk = Risk.MEDIUM
    deadline: Length | None = None
    """How long people have; None means that a request never expires."""
    at_deadline: AtDeadline = Field(default=AtDeadline.REJECT, exclude_if=lambda v: v == "reject")
    """What becomes of it then."""
    remind: tuple[ReminderKey, ...] = Field(default=(), exclude_if=lambda v: not v)
    escalate: tuple[EscalationKey, ...] = Field(default=(), exclude_if=lambda v: not v)
    through_quiet_hours: bool = Field(default=False, exclude_if=lambda v: not v)
    """Whether people are written to at once, whatever their quiet hours."""
    approval_valid_for: Length | None = None
    """How long an approval holds before its call has begun; None: as `valid_for_s` says."""
    reason: str = ""
    channels: tuple[str, ...] = DEFAULT_CHANNELS
    same_person: bool = False
    """Whether one person may count for several stages, with one vote."""
    show_first: tuple[str, ...] = ()
    """The arguments that decide: titles name them, and they stand before the others."""
    after_rejection: AfterRejection = AfterRejection.ANSWER
    """Whether people are asked again for the very call that one of them has refused."""
    tool_timeout: Seconds | None = None
    """How long its tool is waited for; None for what the settings say."""
    rejects: Rejecting = Rejects()
    edits: Edits = EditTerms()
    """Whether people may change the arguments, and who has to decide then."""
    comment: Comment = Comment.ON_REJECT
    on_error: OnError | None = None
    """What an exception that the tool has not declared harmless means; None: that a call of which
    people were asked is in doubt, and that any other one has failed."""

    grants: Grants | None = None
    """Whether people may give a standing yes while they approve, and within which bounds."""

    plans: bool = Field(default=False, exclude_if=lambda v: not v)
    """Whether its calls may be approved as steps of a plan."""

    step_up: Seconds | None = None
    """Approving needs a proof of presence besides the vote, not older than this."""

    counterparty: CounterpartyKey = Field(default=(), exclude_if=lambda v: not v)
    """Of which arguments it is read with whom a call is: they do not decide it."""

    tolerances: Tolerances = Field(default={}, exclude_if=lambda v: not v)
    """How far what a person does by hand may be from what was proposed, by argument."""

    rollout: Rollout | None = Field(default=None, exclude_if=lambda v: v is None)
    """By which phases it comes to ask fewer people."""

    canaries: Canaries | None = Field(default=None, exclude=True, repr=False)
    """Tests of whether its people look. The text of a policy is read by those whom it tests."""

    @model_validator(mode="after")
    def _approvers(self) -> Self:
        short = [name for name in _SHORT if getattr(self, name)]
        if short and self.stages:
            raise ValueError(f"give either {' and '.join(short)} or stages, not both")
        if self.effect is Effect.REQUIRE_APPROVAL and not (short or self.stages):
            raise ValueError("require_approval needs roles (or stages): who may approve it?")
        for stage in self.tiers():
            if set(stage.roles) == {OWNER_ROLE} and not (
                stage.groups or stage.people or stage.on_call
            ):
                raise ValueError(
                    f"{OWNER_ROLE} is whoever asked, and nobody may approve their own call; "
                    "name another role"
                )
        for name in ("grants", "plans", "counterparty", "step_up"):
            if getattr(self, name) and self.effect is not Effect.REQUIRE_APPROVAL:
                raise ValueError(f"{name} is for what people approve; remove it, or ask for people")
        if (against := reason_against(self)) is not None:
            raise ValueError(against)
        if self.tolerances and self.effect is not Effect.SHADOW and self.rollout is None:
            raise ValueError("tolerances is for what is in shadow; remove it")
        if self.plans and self.step_up is not None:
            raise ValueError("step_up asks at each call, and a plan at none; remove one of them")
        self._require_rollout()
        if self.step_up is not None and self.at_deadline is AtDeadline.APPROVE:
            raise ValueError("step_up asks for a person, and at_deadline: approve for none")
        if self.step_up is not None and self.grants is not None:
            raise ValueError("step_up asks at each call, and grants at none; remove one of them")
        for name in _OF_WHOLE_RULE:
            if any(name in stage.model_fields_set for stage in self.stages):
                key = _OF_WHOLE_RULE[name]
                raise ValueError(f"{name} is for the whole rule; write {key} beside stages")
        return self

    def _require_rollout(self) -> None:
        """Raise ValueError for a rollout that says otherwise than the rest of the rule."""
        if self.rollout is None:
            return
        if self.effect is not Effect.REQUIRE_APPROVAL:
            raise ValueError("rollout is for what people approve in the end; remove it, or ask")
        if self.grants is not None:
            raise ValueError("rollout and grants both say when nobody is asked; remove one of them")
        if self.at_deadline is AtDeadline.APPROVE:
            raise ValueError("rollout says when nobody is asked; remove at_deadline: approve")
        if self.step_up is not None and UNASKED.intersection(self.rollout.phases):
            raise ValueError(
                "step_up asks at each call; remove it, or sampled and autonomous from the phases"
            )

    @property
    def valid_for_s(self) -> float:
        """How long an approval holds: as long as people had for it, at most a day, if the rule
        does not say."""
        if self.approval_valid_for is not None:
            return self.approval_valid_for.seconds
        if self.deadline is None:
            return LONGEST_VALID_S
        return min(self.deadline.seconds, LONGEST_VALID_S)

    @property
    def time(self) -> TimeRule:
        """What it says of time, beside how long people have and an approval holds."""
        return TimeRule(
            deadline_calendar=calendar_of(self.deadline),
            valid_calendar=calendar_of(self.approval_valid_for),
            at_deadline=self.at_deadline,
            remind=tuple(each.reminder for each in self.remind),
            escalate=tuple(each.escalation for each in self.escalate),
            through_quiet_hours=self.through_quiet_hours,
        )

    def tiers(self) -> tuple[Stage, ...]:
        """The stages; `roles` and the like are the short form of one with a quorum of one."""
        short = {name: asked for name in _SHORT if (asked := getattr(self, name))}
        stages = self.stages or ((Stage(**short),) if short else ())
        terms = {
            "rejects": self.rejects.needed if self.rejects.needed > 1 else None,
            "same_person": self.same_person or None,
            "edits": None if self.edits.allowed else False,
            "comment_required": self.comment is Comment.REQUIRED or None,
        }
        update = {name: value for name, value in terms.items() if value is not None}
        return tuple(stage.model_copy(update=update) for stage in stages) if update else stages


_SHORT = ("roles", "groups", "people", "on_call")  # whom one stage asks, as the short form of it
_OF_WHOLE_RULE = {
    "same_person": "it",
    "rejects": "`rejects: {needed: …}`",
    "edits": "it",
    "comment_required": "`comment: required`",
    "parties": "`counterparty: args.…`",
    "editors": "`edits: {without_editor_above: …}`",
    "without_editors": "`edits: {without_editor_above: …}`",
}
"""What each stage carries, and how it is written for all of them."""


_EFFECTS = (Effect.ALLOW, Effect.REQUIRE_APPROVAL, Effect.SHADOW, Effect.DENY)
"""From what lets most happen to what lets nothing happen."""


def strictest(rules: Sequence[Rule]) -> Rule:
    """The strictest of these rules; where they ask different people, all of them, in stages. Of
    several none comes by phases: people are asked of every call."""
    if len(rules) > 1:
        rules = [rule.model_copy(update={"rollout": None}) for rule in rules]
    strictest = max(rules, key=_strictness)
    asking = [rule for rule in rules if rule.effect is strictest.effect]
    if strictest.effect is not Effect.REQUIRE_APPROVAL or len(set(map(_asks, asking))) == 1:
        return strictest
    stages = reduce(merged, [rule.tiers() for rule in asking])
    spans = [rule.step_up for rule in asking if rule.step_up is not None]
    return strictest.model_copy(
        update={
            **dict.fromkeys(_SHORT, ()),
            "stages": stages,
            "same_person": False,
            "edits": strictest_terms([rule.edits for rule in asking]),
            "rejects": min((rule.rejects for rule in asking), key=lambda rejects: rejects.needed),
            "comment": max(asking, key=lambda rule: rule.comment is Comment.REQUIRED).comment,
            "at_deadline": _mildest_end(strictest, asking),
            "step_up": min(spans, default=None),
            "counterparty": tuple(dict.fromkeys(e for rule in asking for e in rule.counterparty)),
        }
    )


def _mildest_end(strictest: Rule, asking: Sequence[Rule]) -> AtDeadline:
    """What becomes of it at the deadline: it runs only if all of the rules say so."""
    ends = {rule.at_deadline for rule in asking}
    if strictest.at_deadline is AtDeadline.APPROVE and ends != {AtDeadline.APPROVE}:
        return AtDeadline.REJECT
    return strictest.at_deadline


def _asks(rule: Rule) -> tuple[tuple[Stage, ...], EditTerms, float | None, tuple[str, ...]]:
    return rule.tiers(), rule.edits, rule.step_up, rule.counterparty


def _strictness(rule: Rule) -> tuple[int, int, int]:
    stages = rule.tiers()
    quorum = sum(stage.quorum for stage in stages)
    return _EFFECTS.index(rule.effect), 0 if rule.same_person else quorum, len(stages)
