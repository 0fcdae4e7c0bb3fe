"""Evidence: what speaks for another phase of a rule, from the calls of its present one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.models import (
    UNASKED,
    Hindsight,
    HindsightKind,
    JsonObject,
    Phase,
    RequestId,
    Value,
    Verdict,
    Via,
)
from countersign.approvals.rules.rollout.adversarial import NONE_TRIED, Adversarial
from countersign.approvals.rules.rollout.agreement import differing, interval
from countersign.approvals.rules.rollout.terms import Rollout

QUICK_S = 3.0
"""Whoever decides sooner than that has hardly read it."""
NOBODY = frozenset({Via.POLICY, Via.GRANT, Via.CLOCK})
"""Through what nobody decides."""


@dataclass(frozen=True)
class Proposed:
    """What is stored of one call, as far as it counts here."""

    id: RequestId
    requester: str
    created_at: datetime
    seen: JsonObject
    arguments: JsonObject
    before: JsonObject | None
    """What was proposed, where a person has changed it."""
    decision: JsonObject | None
    hindsights: Sequence[Hindsight] = ()
    undone: bool = False
    """Whether somebody has had it taken back."""


class Observation(Value):
    """One call of a phase."""

    request: RequestId
    agreed: bool | None
    """Whether people would have had, or done, what was proposed; None where nobody has said."""
    by: str = ""
    name: str = ""
    looked_s: float = 0.0
    """From being proposed to being decided, or recorded."""
    requester: str
    regretted: bool = False
    """Whether it was taken back afterwards, or marked as wrong."""
    differs: tuple[str, ...] = ()


class Evidence(Value):
    """What is known of the calls of one phase."""

    rule: str
    tool: str
    meaning: str
    phase: Phase
    since: datetime | None
    next: Phase | None
    needed: int
    agreement: float
    confidence: float
    compared: int
    agreed: int
    low: float
    high: float
    """Where the share that agrees may lie, by Wilson's interval."""
    regrets: int
    regrets_allowed: int
    unasked: int
    """Calls that have run, or may yet, without anybody having been asked."""
    median_s: float | None
    """Half of those who said something took at most so long."""
    quick: int
    """How many of them took less than three seconds."""
    people: dict[str, int]
    """By name, how many calls somebody has said something of."""
    differs: dict[str, int]
    """By argument, in how many calls it did not agree."""
    adversarial: int = 0
    """How many adversarial examples there are of the tool."""
    unstopped: tuple[str, ...] = ()
    """Those that would run unasked in the last phase, by name."""

    @property
    def digest(self) -> str:
        """Names what somebody has looked at when they accept it. 64 hex digits."""
        said = self.model_dump(mode="json")
        numbers = {name: repr(v) for name, v in said.items() if isinstance(v, float)}
        return sha256_hex(canonical_json({**said, **numbers}))

    @property
    def missing(self) -> tuple[str, ...]:
        """What is still missing for the next phase, each as a sentence; () if nothing is."""
        said = []
        if self.next is None:
            said.append("There is no phase after this one.")
        if self.compared < self.needed:
            said.append(f"Still to be compared: {self.needed - self.compared}.")
        elif self.low < self.agreement:
            said.append(
                f"At least {self.agreement:.0%} have to agree, and {self.low:.0%} is as much as "
                "can be said."
            )
        if self.regrets > self.regrets_allowed:
            said.append(f"{self.regrets} were taken back or found wrong.")
        if self.unstopped and self.next in UNASKED:
            said.append(f"Adversarial examples that would run then: {', '.join(self.unstopped)}.")
        return tuple(said)

    @property
    def speaks_against(self) -> bool:
        """Whether a demotion is proposed: so few agree, or so many are regretted, that it is no
        chance any more, or what must never run unasked would."""
        known = self.compared >= self.needed and self.high < self.agreement
        runs = self.phase in UNASKED and bool(self.unstopped)
        return known or runs or self.regrets > self.regrets_allowed


def evidence_words(known: Evidence) -> str:
    """What is known, as a sentence: `29 of 30 agree, so between 83 % and 99 % do …`."""
    if not known.compared:
        said = "Nobody has said anything of a call yet."
    else:
        took = f"half took at most {known.median_s:g} s"
        quick = f", {known.quick} less than {QUICK_S:g} s" if known.quick else ""
        said = (
            f"{known.agreed} of {known.compared} agree, so {known.low:.0%} to {known.high:.0%} do "
            f"(at {known.confidence:.0%} confidence; at least {known.agreement:.0%} have to); "
            f"{took}{quick}."
        )
    unasked = f" {known.unasked} more ran unasked." if known.unasked else ""
    if known.phase is Phase.SHADOW:
        unasked = ""
    regrets = f" {known.regrets} regretted." if known.regrets else ""
    stopped = known.adversarial - len(known.unstopped)
    tried = f" {stopped} of {known.adversarial} adversarial examples are stopped."
    return f"{said}{unasked}{regrets}{tried if known.adversarial else ''}"


def observed(
    call: Proposed, rule_id: str, meaning: str, phase: Phase, tolerances: Mapping[str, str]
) -> Observation | None:
    """What a call says of a rule in a phase; None if it was proposed under another one."""
    known: JsonObject = call.seen.get("rollout", {}).get("rules", {}).get(rule_id, {})
    if (known.get("meaning"), known.get("phase")) != (meaning, phase.value):
        return None
    kinds = {each.kind: each for each in call.hindsights}
    regretted = call.undone or HindsightKind.WRONG in kinds
    about: JsonObject = {"request": call.id, "requester": call.requester, "regretted": regretted}
    hand, decision = kinds.get(HindsightKind.BY_HAND), call.decision
    if phase is Phase.SHADOW:
        if hand is None:
            return Observation(agreed=None, **about)
        return Observation(
            agreed=bool(hand.agrees),
            by=hand.principal_id,
            name=hand.name,
            looked_s=(hand.at - call.created_at).total_seconds(),
            differs=hand.differs,
            **about,
        )
    if decision is None or decision["via"] in NOBODY:
        return Observation(agreed=None, **about)
    differs = () if call.before is None else differing(call.before, call.arguments, tolerances)
    return Observation(
        agreed=decision["verdict"] != Verdict.REJECT and not differs,
        by=decision["by"],
        name=decision["by_name"],
        looked_s=(datetime.fromisoformat(decision["at"]) - call.created_at).total_seconds(),
        differs=differs,
        **about,
    )


def evidence(
    rule: str,
    tool: str,
    meaning: str,
    terms: Rollout,
    phase: Phase,
    since: datetime | None,
    seen: Sequence[Observation],
    tried: Adversarial = NONE_TRIED,
) -> Evidence:
    """All that these calls say together."""
    said = [each for each in seen if each.agreed is not None]
    agreed = sum(each.agreed is True for each in said)
    low, high = interval(agreed, len(said), terms.confidence)
    return Evidence(
        rule=rule,
        tool=tool,
        meaning=meaning,
        phase=phase,
        since=since,
        next=terms.after(phase),
        needed=terms.needed,
        agreement=terms.agreement,
        confidence=terms.confidence,
        compared=len(said),
        agreed=agreed,
        low=round(low, 6),
        high=round(high, 6),
        regrets=sum(each.regretted for each in seen),
        regrets_allowed=terms.regrets,
        unasked=0 if phase is Phase.SHADOW else len(seen) - len(said),
        median_s=round(median(each.looked_s for each in said), 1) if said else None,
        quick=sum(each.looked_s < QUICK_S for each in said),
        people=dict(sorted(Counter(each.name for each in said).items())),
        differs=dict(sorted(Counter(name for each in said for name in each.differs).items())),
        adversarial=len(tried.names),
        unstopped=tried.run,
    )


def reason_against_accepting(
    person: str, roles: frozenset[str], terms: Rollout, seen: Sequence[Observation]
) -> str | None:
    """Why this person may not move a rule to another phase; None if they may: who holds a role that
    the rule names, has asked for none of the calls that speak for it, and has not said all of what
    speaks for it alone."""
    if roles.isdisjoint(terms.accepted_by):
        return f"This needs the role {' or '.join(terms.accepted_by)}."
    said = [each for each in seen if each.agreed is not None]
    if any(each.requester == person for each in said):
        return "You asked for some of these calls yourself; somebody else has to accept it."
    if said and all(each.by == person for each in said):
        return "All that speaks for it is your own word; somebody else has to accept it."
    return None
