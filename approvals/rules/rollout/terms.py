"""Terms: what a rule says of its rollout, and the meaning of a rule. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.models import UNASKED, Phase, Value
from countersign.approvals.rules.approvers import OWNER_ROLE
from countersign.approvals.rules.edit_terms import readable

if TYPE_CHECKING:
    from countersign.approvals.rules.tool_rules import Rule

_MEANS = (
    *("effect", "roles", "stages", "risk", "same_person", "rejects", "edits", "step_up"),
    *("counterparty", "tolerances", "tool", "when"),
)
"""What of a rule decides which calls it is for, and who says what of them."""
MEANING_DIGITS = 16


class Rollout(Value):
    """Which phases there are, and what it takes to come to the next."""

    phases: tuple[Phase, ...] = Field(min_length=1)
    """In their order; the first is where the rule begins."""
    accepted_by: tuple[str, ...] = Field(min_length=1)
    """The roles of those who accept a promotion or a demotion."""
    needed: int = Field(default=30, ge=1, le=1000)
    """How many calls have to be compared in a phase."""
    agreement: float = Field(default=0.8, gt=0, lt=1)
    """Which share has to agree at least, at this confidence."""
    confidence: float = Field(default=0.95, ge=0.5, lt=1)
    regrets: int = Field(default=0, ge=0)
    """How many calls of a phase may be taken back, or be found wrong, before it is left."""
    one_in: int = Field(default=10, ge=2, le=1000)
    """Of so many calls people are asked of one, in the phase `sampled`."""
    gates: tuple[Annotated[str, AfterValidator(readable)], ...] = ()
    """In CEL; a call of which nobody is asked meets all of them."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        order = list(Phase)
        if list(self.phases) != sorted(set(self.phases), key=order.index):
            raise ValueError(f"phases: each once, in this order: {', '.join(Phase)}")
        if UNASKED.intersection(self.phases) and not self.gates:
            raise ValueError(
                "gates: say what every call meets of which nobody is asked, such as "
                "['args.amount <= 100.0']; or remove sampled and autonomous"
            )
        if not set(self.phases) - UNASKED:
            raise ValueError("phases: begin with shadow or copilot; nothing begins without people")
        if OWNER_ROLE in self.accepted_by:
            raise ValueError(f"accepted_by: {OWNER_ROLE} is whoever asked; name another role")
        return self

    def after(self, phase: Phase) -> Phase | None:
        """The phase to which it can be promoted; None after the last."""
        later = self.phases[self.phases.index(phase) + 1 :]
        return later[0] if later else None

    @property
    def asked(self) -> Phase:
        """Where a rule falls back to by itself: the last phase in which people see every call."""
        return [each for each in self.phases if each not in UNASKED][-1]


def meaning_of(rule: Rule, rule_id: str) -> str:
    """Names what a rule means: it changes with the calls that it is for, with whom it asks, and
    with its phases; not with its words, its deadlines, and what a promotion takes."""
    said = rule.model_dump(mode="json", include=set(_MEANS))
    terms = terms_of(rule, rule_id)
    said["rollout"] = terms.model_dump(mode="json", include={"phases", "one_in", "gates"})
    return sha256_hex(canonical_json({"id": rule_id, **said}))[:MEANING_DIGITS]


def terms_of(rule: Rule, rule_id: str) -> Rollout:
    """Those of a rule that comes by phases. Raises ValueError for one that does not."""
    if rule.rollout is None:
        raise ValueError(f"{rule_id} has no phases")
    return rule.rollout
