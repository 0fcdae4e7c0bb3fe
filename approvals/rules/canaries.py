"""Canaries: what a rule says of tests of whether people look, and when one is drawn. Pure.

A canary is drawn for ten minutes at a time, with a key that only the server has: nobody who reads
the database can say when the next one comes, and who has the key can check each draw afterwards.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.models import (
    Answer,
    AtDeadline,
    Canary,
    CanaryEnd,
    Effect,
    JsonObject,
    PrincipalId,
    Value,
    Vote,
)
from countersign.approvals.rules.durations import Seconds

if TYPE_CHECKING:
    from countersign.approvals.rules.rulebook import Rulebook
    from countersign.approvals.rules.tool_rules import Rule

SLOT_S = 600
"""How long the time is for which one is drawn, or none."""
MARGIN_S = 60
"""It is sent this long before the end of its time at the latest: servers look every few seconds."""
SHORTEST_S = 3600.0
PER_PERSON_S = 30 * 86400.0


def _answers(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class CanaryExample(Value):
    """A harmless call with a known answer."""

    name: str = Field(min_length=1, max_length=100)
    workflow: str = Field(min_length=1)
    tool: str = Field(min_length=1)
    arguments: JsonObject = Field(default_factory=dict)
    requester: PrincipalId = Field(min_length=1)
    """Of whom it is shown as the call; they hear nothing of it, and decide nothing of it."""
    rationale: str = Field(min_length=1)
    """Why, as an agent would write it."""
    task: str = ""
    """What the requester would have asked the agents; without it, the rationale."""
    agent: str | None = None
    """Without it, the one that has proposed such a call last."""
    expect: Annotated[tuple[Answer, ...], BeforeValidator(_answers)] = Field(min_length=1)
    """What is right: one answer, or any of several."""
    because: str = Field(min_length=1)
    """Why that is right: whoever has answered is told."""


class Canaries(Value):
    """How often a rule lets people be tested, and with what."""

    every: Seconds
    """How long it is from one to the next on average."""
    per_person: Seconds = PER_PERSON_S
    """Nobody is sent a second one, of any rule, before so long."""
    examples: tuple[CanaryExample, ...] = Field(min_length=1)

    @field_validator("every")
    @classmethod
    def _not_too_often(cls, seconds: float) -> float:
        if seconds < SHORTEST_S:
            raise ValueError("is too often; write 1h or more")
        return seconds

    @model_validator(mode="after")
    def _one_of_each_name(self) -> Self:
        names = [each.name for each in self.examples]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two examples have the name {twice}; rename one")
        return self


class Draw(NamedTuple):
    """A canary that is due."""

    slot: int
    number: str
    """The draw, as hex."""
    example: CanaryExample


def drawn(key: bytes, rule_id: str, terms: Canaries, now: datetime) -> Draw | None:
    """The canary that is to be sent in this time, once its moment has come."""
    slot, second = divmod(int(now.timestamp()), SLOT_S)
    number = hmac.digest(key, canonical_json({"canary": [rule_id, slot]}), "sha256")
    one_in = max(round(terms.every / SLOT_S), 1)
    if int.from_bytes(number[:8], "big") % one_in:
        return None
    if second < int.from_bytes(number[8:12], "big") % (SLOT_S - MARGIN_S):
        return None
    example = terms.examples[int.from_bytes(number[12:16], "big") % len(terms.examples)]
    return Draw(slot, number.hex(), example)


def is_right(canary: Canary, given: Answer) -> CanaryEnd:
    """Whether an answer is what was right."""
    return CanaryEnd.CAUGHT if given in canary.expect else CanaryEnd.MISSED


def answered(canary: Canary, vote: Vote, given: Answer) -> Canary:
    """The canary once somebody has answered it."""
    return canary.model_copy(
        update={
            "end": is_right(canary, given),
            "by": vote.principal_id,
            "by_name": vote.name.partition(" for ")[0],
            "via": vote.via,
            "at": vote.at,
            "given": given,
        }
    )


def reason_against(rule: Rule) -> str | None:
    """Why a rule may not have canaries; None if it may."""
    if rule.canaries is None:
        return None
    if rule.effect is not Effect.REQUIRE_APPROVAL:
        return "canaries is for what people approve; remove it, or ask for people"
    if rule.deadline is None:
        return "canaries needs a deadline, at which an unanswered one ends; write deadline: 1d"
    if rule.at_deadline is AtDeadline.APPROVE:
        return "canaries asks whether people look, and at_deadline: approve for nobody; remove one"
    return None


def problems(entries: Mapping[str, Rule], book: Rulebook) -> Iterator[tuple[str, str]]:
    """What is wrong with the canaries of rules, with where below `policy`: an example that its rule
    is not for."""
    for where, rule in entries.items():
        if rule.canaries is None:
            continue
        place = where.removeprefix("policy.")
        for number, example in enumerate(rule.canaries.examples):
            rule_id = place.removeprefix("rules.")
            names = {entry.id for entry in book.lane(example.workflow, example.tool)}
            if rule_id not in names:
                says = f"this rule is not for {example.tool}; name a tool of it"
                yield f"{place}.canaries.examples.{number}.tool", says
