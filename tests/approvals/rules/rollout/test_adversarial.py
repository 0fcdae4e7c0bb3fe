"""Adversarial examples: what must never run unasked keeps a rule from where it would."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rollout.adversarial import Adversarial, tried
from countersign.approvals.rules.rollout.phases import rollouts
from countersign.approvals.rules.rulebook import Tools
from tests.doubles.shadow_week import ROLLOUT, RULE, RULES

SMALL = {"name": "small ones", "tool": "quote", "arguments": {"customer": "C", "amount": 149}}


def found(*examples: dict[str, Any], rollout: dict[str, Any] = ROLLOUT, **more: Any) -> Adversarial:
    """Those of a rule that comes by phases, whose last one is autonomous."""
    known = [{"expect": "require_approval", "adversarial": True, **each} for each in examples]
    section = {**RULES, "tools": {"quote": {**RULE, "rollout": rollout}}, "examples": known, **more}
    policy = Policy.load(section)
    ((_, tool, entry),) = list(rollouts(policy.book))
    return tried(policy, entry, tool, policy.document.examples)


def test_what_meets_all_gates_would_run() -> None:
    large = {**SMALL, "name": "large", "arguments": {"amount": 151}}

    assert (("small ones", "large"), ("small ones",)) == found(SMALL, large)


def test_of_another_tool_or_of_another_kind_none_is_tried() -> None:
    assert ((), ()) == found({**SMALL, "tool": "other"}, {**SMALL, "adversarial": False})


def test_whoever_has_no_name_is_called_by_its_place() -> None:
    nameless = {"tool": "quote", "arguments": {"amount": 1}}

    assert ("examples.1",) == found({**nameless, "tool": "x"}, nameless).run


def test_what_was_counted_before_is_a_gate_as_any_other() -> None:
    gates = {**ROLLOUT, "gates": ["args.amount <= 150"]}
    rule = {
        "id": "often", "tool": "quote", "when": "history.today > 10",
        "effect": "require_approval", "roles": ["manager"],
    }  # fmt: skip
    often = {**SMALL, "name": "often", "history": {"today": 40}}

    assert ("small ones",) == found(SMALL, often, rollout=gates, rules=[rule], zone="UTC").run


def test_a_rule_that_always_asks_stops_all() -> None:
    assert () == found(SMALL, rollout={**ROLLOUT, "phases": ["shadow", "copilot"]}).run


def test_each_workflow_that_has_the_tool_is_tried_with_its_defaults() -> None:
    schema = {"properties": {"amount": {"type": "number", "default": 1}, "n": {"type": "number"}}}
    bare = {"name": "bare", "tool": "quote", "arguments": {}}
    section = {**RULES, "examples": [{**bare, "expect": "deny", "adversarial": True}]}
    policy = Policy.load(section).knowing(Tools({("sales", "quote"): schema}, {}))
    ((_, tool, entry),) = list(rollouts(policy.book))

    assert ("bare",) == tried(policy, entry, tool, policy.document.examples).run
    assert () == found(bare).run  # without the default nobody can say that it meets the gate


def test_an_example_that_may_run_is_none() -> None:
    with pytest.raises(ConfigurationError, match="an adversarial example is one that must not run"):
        found({**SMALL, "expect": "allow"})
