"""The key of samples: wanted where a rule has one, named with its place, and never kept."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from countersign.approvals.rules.policy import Policy
from countersign.bot.settings.sampling import VARIABLE, sample_key
from tests.approvals.decisions.test_canaries import policy as canary_policy
from tests.doubles.shadow_week import ROLLOUT, RULE, RULES

SAMPLED = Policy.load(RULES)


@pytest.mark.parametrize(("key", "what"), [("", "is not set"), ("short", "has 5 characters")])
def test_a_sample_without_a_key_is_refused_with_what_to_do(key: str, what: str) -> None:
    said = sample_key(SAMPLED, {VARIABLE: key})

    assert isinstance(said, str)
    assert said.startswith("policy.tools.quote.rollout.phases: sampled draws calls with a key, and")
    assert what in said
    assert "openssl rand -hex 32" in said


def test_the_key_is_taken_where_it_is_needed_and_shows_in_no_line() -> None:
    found = sample_key(SAMPLED, {VARIABLE: "k" * 32})
    assert isinstance(found, SecretStr)
    assert "kkk" not in repr(found)
    rule = {**RULE, "rollout": {**ROLLOUT, "phases": ["shadow", "copilot"]}}
    policy = Policy.load({**RULES, "tools": {"quote": rule}})
    assert sample_key(policy, {}) is None
    assert sample_key(Policy.load({"tools": {"quote": "allow"}}), {}) is None


def test_canaries_are_drawn_with_it_too() -> None:
    policy = Policy.load(canary_policy())
    said = sample_key(policy, {})

    assert isinstance(said, str)
    assert said.startswith("policy.tools.quote.canaries: they are drawn with a key, and")
    assert said.endswith("the same on every replica, or remove canaries.")
    assert isinstance(sample_key(policy, {VARIABLE: "k" * 32}), SecretStr)
