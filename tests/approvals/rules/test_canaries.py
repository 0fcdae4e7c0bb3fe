"""Canaries: what a rule may say of them, and how they are drawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.forms.canaries import canary_words
from countersign.approvals.models import Answer, Canary, CanaryEnd
from countersign.approvals.rules.canaries import SLOT_S, drawn, is_right
from countersign.approvals.rules.policy import Policy
from tests.approvals.decisions.test_canaries import EXAMPLE, policy
from tests.approvals.decisions.test_rollouts import KEY

AT = datetime(2026, 3, 2, tzinfo=UTC)


def loaded(rule: dict[str, Any]) -> Policy:
    return Policy.load({"tools": {"quote": {**policy()["tools"]["quote"], **rule}}}, proofs=True)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"deadline": None}, "canaries needs a deadline, at which an unanswered one ends"),
        ({"at_deadline": "approve"}, "canaries asks whether people look, and at_deadline"),
        ({"effect": "deny"}, "canaries is for what people approve"),
        ({"canaries": {"every": "10m", "examples": [EXAMPLE]}}, "every: is too often; write 1h"),
        ({"canaries": {"every": "1d", "examples": []}}, "examples"),
        ({"canaries": {"every": "1d", "examples": [EXAMPLE] * 2}}, "two examples have the name"),
        (
            {"canaries": {"every": "1d", "examples": [{**EXAMPLE, "tool": "pay"}]}},
            "canaries.examples.0.tool: this rule is not for pay; name a tool of it",
        ),
        (
            {"canaries": {"every": "1d", "examples": [{**EXAMPLE, "expect": "nothing"}]}},
            "write 'approve', 'reject' or 'modify'",
        ),
    ],
)
def test_what_cannot_be_is_said_at_load(rule: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(rule)
    assert says in str(caught.value)
    assert "quote" in str(caught.value)


def test_the_text_of_a_policy_says_nothing_of_them() -> None:
    rule = {key: value for key, value in policy()["tools"]["quote"].items() if key != "canaries"}
    without = Policy.load({"tools": {"quote": rule}})
    found = loaded({})

    assert without.version == found.version
    assert "twice" not in str(found.document.text())
    assert "twice" not in repr(found.document)


def test_draws_are_as_rare_as_the_rule_says_and_cannot_be_foreseen() -> None:
    terms = loaded({"canaries": {"every": "1d", "examples": [EXAMPLE]}}).tools["quote"].canaries
    assert terms is not None
    ends = [AT + timedelta(seconds=SLOT_S * (n + 1) - 1) for n in range(144 * 200)]
    mine = {n for n, at in enumerate(ends) if drawn(KEY, "tools.quote", terms, at)}
    others = {n for n, at in enumerate(ends) if drawn(b"x" * 32, "tools.quote", terms, at)}
    rules = {n for n, at in enumerate(ends) if drawn(KEY, "another", terms, at)}

    assert 160 <= len(mine) <= 240  # in 200 days
    assert len(mine & others) < 20 > len(mine & rules)


def test_a_draw_is_the_same_for_everybody_and_comes_at_a_moment_of_its_own() -> None:
    more = [{**EXAMPLE, "name": f"number {n}"} for n in range(5)]
    terms = loaded({"canaries": {"every": "1h", "examples": more}}).tools["quote"].canaries
    assert terms is not None
    moments, names = [], set()
    for n in range(600):
        begin = AT + timedelta(seconds=SLOT_S * n)
        seconds = (s for s in range(0, SLOT_S, 20))
        at = ((s, drawn(KEY, "r", terms, begin + timedelta(seconds=s))) for s in seconds)
        first = next(((s, draw) for s, draw in at if draw), None)
        if first is not None:
            moments.append(first[0])
            names.add(first[1].example.name)
            last = drawn(KEY, "r", terms, begin + timedelta(seconds=SLOT_S - 1))
            assert first[1] == last

    assert 60 <= len(moments) <= 145
    assert len(set(moments)) > 15
    assert max(moments) < SLOT_S - 40
    assert 5 == len(names)


def canary(**more: Any) -> Canary:
    told = {"example": "twice", "because": "Because.", "slot": 1, "draw": "ab", "could": ("ben",)}
    return Canary.model_validate({**told, "expect": ("reject", "modify"), **more})


def test_any_of_several_answers_may_be_right() -> None:
    assert [CanaryEnd.MISSED, CanaryEnd.CAUGHT, CanaryEnd.CAUGHT] == [
        is_right(canary(), answer) for answer in Answer
    ]


def test_the_words_say_what_it_was_and_what_would_have_been_right() -> None:
    caught = canary(end="caught", by_name="Ben", given="reject")
    missed = canary(end="missed", by_name="Ben", given="approve")
    late = canary(end="unanswered")

    assert canary_words(caught).endswith("Ben rejected it, and that was right. Because.")
    assert canary_words(missed).endswith(
        "Ben approved it. Right would have been to reject it or to change it before approving. "
        "Because."
    )
    assert "Nobody answered it in time." in canary_words(late)
