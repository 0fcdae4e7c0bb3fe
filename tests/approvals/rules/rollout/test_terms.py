"""What a policy may say of rollout, and what is refused with its place and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import Effect, Reversibility, SessionId, ToolCall
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rollout.terms import meaning_of, terms_of
from countersign.approvals.rules.rulebook import Tools
from tests.doubles.shadow_week import ROLLOUT, RULE, RULES

CALL = ToolCall(
    session_id=SessionId("S-1"), call_id="c", tool="quote",
    arguments={"customer": "C", "amount": 5}, agent="a", executor="g",
)  # fmt: skip


def load(rule: dict[str, Any], **policy: Any) -> Policy:
    return Policy.load({**RULES, "tools": {"quote": rule}, **policy})


@pytest.mark.parametrize(
    ("rollout", "rule", "says"),
    [
        ({"phases": ["copilot", "shadow"]}, {}, "each once, in this order: shadow, copilot"),
        ({"phases": ["shadow", "shadow"]}, {}, "each once, in this order"),
        ({"phases": []}, {}, "phases"),
        ({"phases": ["autonomous"]}, {}, "nothing begins without people"),
        ({"gates": []}, {}, "gates: say what every call meets of which nobody is asked"),
        ({"gates": ["args.amount <="]}, {}, "gates"),
        ({"accepted_by": []}, {}, "accepted_by"),
        ({"accepted_by": ["owner"]}, {}, "owner is whoever asked; name another role"),
        ({"agreement": 1}, {}, "agreement"),
        ({"one_in": 1}, {}, "one_in"),
        ({}, {"effect": "allow", "roles": []}, "rollout is for what people approve in the end"),
        ({}, {"grants": {"max_uses": 3, "same": ["customer"]}}, "rollout and grants both say"),
        ({}, {"at_deadline": "approve", "deadline": "1h"}, "remove at_deadline: approve"),
        ({}, {"step_up": "5m"}, "step_up asks at each call; remove it, or sampled"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(rollout: Any, rule: Any, says: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load({**RULE, **rule, "rollout": {**ROLLOUT, **rollout}})

    problems = "\n".join(refused.value.problems)
    assert "policy.tools.quote" in problems
    assert says in problems


def test_what_cannot_be_undone_is_never_autonomous() -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(RULE, reversibility={"quote": "irreversible"})
    (problem,) = refused.value.problems
    assert problem == (
        "policy.tools.quote.rollout.phases: quote cannot be undone, so people are always asked of "
        "it; remove sampled and autonomous, or name its class under policy.reversibility"
    )
    asks = {**ROLLOUT, "phases": ["shadow", "copilot"]}
    load({**RULE, "rollout": asks}, reversibility={"quote": "irreversible"})


def test_a_tool_of_which_nobody_says_it_is_no_exception() -> None:
    """Not known yet, it may be read with its policy; once it is, it is refused, and even before
    people are asked of each call."""
    policy = load(RULE, reversibility={})
    seen = {"rules": {"tools.quote": {
        "meaning": meaning_of(policy.tools["quote"], "tools.quote"), "phase": "autonomous",
    }}}  # fmt: skip
    assert policy.rule(CALL, Situation(rollout=seen)).effect is Effect.REQUIRE_APPROVAL

    schema = {"type": "object", "properties": {"amount": {"type": "number"}}}
    known = policy.knowing(Tools({("sales", "quote"): schema}, {}))
    assert [("tools.quote.rollout.phases")] == [where for where, _ in known.problems()]


def test_a_gate_that_no_call_can_meet_is_found_with_the_tools() -> None:
    schema = {"type": "object", "properties": {"sum": {"type": "number"}}}
    classes = {"quote": Reversibility.REVERSIBLE}
    known = load(RULE).knowing(Tools({("sales", "quote"): schema}, classes))
    ((where, says),) = known.problems()

    assert where == "tools.quote.rollout.gates"
    assert "amount" in says


def test_with_step_up_people_are_asked_in_every_phase() -> None:
    asks = {**ROLLOUT, "phases": ["shadow", "copilot"]}
    policy = Policy.load(
        {"tools": {"quote": {**RULE, "step_up": "5m", "rollout": asks}}}, proofs=True
    )
    assert policy.by_phases


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"reason": "Because."}, True),
        ({"deadline": "2h"}, True),
        ({"rollout": {**ROLLOUT, "needed": 5}}, True),
        ({"roles": ["controller"]}, False),
        ({"tolerances": {"amount": 6}}, False),
        ({"rollout": {**ROLLOUT, "gates": ["args.amount < 5"]}}, False),
        ({"rollout": {**ROLLOUT, "one_in": 5}}, False),
    ],
)
def test_the_meaning_is_whom_it_asks_of_what_and_its_phases(change: Any, same: bool) -> None:
    before, after = (load(r).tools["quote"] for r in (RULE, {**RULE, **change}))
    alike = meaning_of(before, "tools.quote") == meaning_of(after, "tools.quote")
    assert alike is same


ASKS = {"effect": "require_approval", "roles": ["manager"]}
BOTH = {"id": "both", "tool": ["quote", "tender"], **RULE}


@pytest.mark.parametrize(
    ("rules", "rule_id", "effects"),
    [
        ({"tools": {"quote": RULE, "tender": ASKS}}, "tools.quote", ["require_approval"] * 2),
        ({"rules": [BOTH], "tools": {}}, "both", ["require_approval", "shadow"]),
    ],
)
def test_of_one_function_under_two_names_none_runs_unasked(
    rules: Any, rule_id: str, effects: list[str]
) -> None:
    plain = Policy.load({**RULES, **rules})
    rule = plain.book.named(rule_id)
    assert rule is not None
    stands = {"meaning": meaning_of(rule, rule_id), "phase": "autonomous"}
    seen = ({"rules": {rule_id: stands}}, None)
    assert plain.rule(CALL, Situation(rollout=seen[0])).effect is Effect.ALLOW

    merged = plain.strictest([frozenset({"quote", "tender"})])
    assert effects == [merged.rule(CALL, Situation(rollout=s)).effect for s in seen]


def test_where_nothing_is_known_a_rule_stands_at_its_first_phase() -> None:
    policy = load(RULE)
    rule = policy.tools["quote"]
    other = {"rules": {"tools.quote": {"meaning": "another", "phase": "autonomous"}}}
    seen: tuple[Any, ...] = (None, {"rules": {}}, other)

    assert [Effect.SHADOW] * 3 == [policy.rule(CALL, Situation(rollout=s)).effect for s in seen]
    assert terms_of(rule, "tools.quote") == rule.rollout
    with pytest.raises(ValueError, match=r"tools\.quote has no phases"):
        terms_of(rule.model_copy(update={"rollout": None}), "tools.quote")
