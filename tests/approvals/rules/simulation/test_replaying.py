"""What a policy would have said of recorded calls, and what would then have run."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.models import Effect
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.simulation.recorded import Heard
from countersign.approvals.rules.simulation.replaying import Unchanged
from tests.approvals.rules.simulation.calls import ASKS, recorded, replay, side

BUDGET = {"day": {"tool": "pay", "window": "day", "zone": "UTC", "count": {"hard": 1}}}
ALLOW, DENY, ASK = Effect.ALLOW, Effect.DENY, Effect.REQUIRE_APPROVAL


@pytest.mark.parametrize(
    ("rule", "heard", "ran", "runs"),
    [
        ("allow", Heard.REJECTED, False, True),
        (ASKS, Heard.APPROVED, True, True),
        (ASKS, Heard.APPROVED, False, False),  # its session ended before it began
        (ASKS, Heard.REJECTED, False, False),
        (ASKS, Heard.REVOKED, False, False),
        (ASKS, Heard.EXPIRED, False, False),
        (ASKS, Heard.NOBODY, True, True),
        (ASKS, Heard.NOBODY, False, True),  # what they would have said is not known
        (ASKS, Heard.OPEN, False, True),
        ("deny", Heard.APPROVED, True, False),
        ("shadow", Heard.APPROVED, True, False),
    ],
)
def test_a_call_runs_if_it_is_allowed_or_was_not_refused_by_people(
    rule: Any, heard: Heard, ran: bool, runs: bool
) -> None:
    (replayed,) = replay({"tools": {"pay": rule}}, recorded(heard=heard, ran=ran))

    assert replayed.runs is runs


def test_conditions_see_the_call_its_requester_and_its_time() -> None:
    rules = [
        {"id": "small", "tool": "pay", "when": "args.amount <= 10", "effect": "allow"},
        {"id": "boss", "tool": "pay", "when": '"boss" in requester.roles', "effect": "allow"},
        {
            "id": "noon",
            "tool": "pay",
            "when": 'now > timestamp("2026-03-02T12:02:30Z")',
            "effect": "allow",
        },
        {"id": "rest", "tool": "pay", **ASKS},
    ]
    calls = [recorded(1), recorded(2), recorded(3)]
    plain = [each.ruling.rule_id for each in replay({"rules": rules}, *calls)]
    boss = [each.ruling.rule_id for each in replay({"rules": rules}, *calls, roles=("boss",))]

    assert ["small", "rest", "noon"] == plain
    assert ["small", "boss", "boss"] == boss


def test_a_budget_counts_what_would_have_run_and_nothing_else() -> None:
    policy = {"tools": {"pay": ASKS}, "budgets": BUDGET}
    calls = [recorded(1, Heard.REJECTED), recorded(2), recorded(3), recorded(2_000)]
    effects = [each.ruling.effect for each in replay(policy, *calls)]

    assert [ASK, ASK, DENY, ASK] == effects  # the last one is of the next day


def test_what_cannot_be_counted_is_denied() -> None:
    budget = {**BUDGET["day"], "per": ["args.customer"]}
    (found,) = replay({"tools": {"pay": "allow"}, "budgets": {"day": budget}}, recorded())

    assert found.ruling.effect is DENY
    assert "args.customer is missing" in found.ruling.reason


HISTORY = {
    "zone": "UTC",
    "rules": [
        {"id": "first", "tool": "pay", "when": "history.today == 0", "effect": "allow"},
        {"id": "later", "tool": "pay", **ASKS},
    ],
}


def test_history_is_what_was_seen_where_it_was_and_else_what_would_have_run() -> None:
    seen = {"history": {"today": 7}}
    calls = [recorded(1, seen=seen), recorded(2, Heard.NOBODY), recorded(3)]
    rules = [each.ruling.rule_id for each in replay(HISTORY, *calls)]

    assert ["later", "later", "later"] == rules
    assert "first" == replay(HISTORY, recorded(1))[0].ruling.rule_id


def test_calls_that_were_proposed_together_are_one_batch() -> None:
    rules = [
        {"id": "many", "tool": "pay", "when": 'batch.total("amount") > 30.0', **ASKS},
        {"id": "few", "tool": "pay", "effect": "allow"},
    ]
    together = [recorded(n, checkpoint_id="C", at=recorded().at) for n in (1, 3)]
    alone = side({"rules": rules}).replay(together[1:])
    both = side({"rules": rules}).replay(together)

    assert ["few"] == [each.ruling.rule_id for each in alone]
    assert ["many", "many"] == [each.ruling.rule_id for each in both]


SMALL = {"id": "small", "tool": "pay", "when": "args.amount < 5", "effect": "allow"}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"tools": {"pay": ASKS, "ship": "deny"}}, True),
        ({"tools": {"pay": "deny"}}, False),
        ({"rules": [SMALL]}, False),
        ({"reversibility": {"pay": "read_only"}}, False),
        ({"budgets": BUDGET}, False),
        ({"calendars": {"o": {"zone": "UTC", "hours": "09:00-17:00"}}}, False),
        ({"tools": {}, **HISTORY}, False),
    ],
)
def test_a_tool_is_unchanged_where_nothing_that_is_said_of_it_differs(
    change: dict[str, Any], same: bool
) -> None:
    plain = {"tools": {"pay": ASKS}}
    unchanged = Unchanged(Policy.load(plain), Policy.load({**plain, **change}))

    assert unchanged(recorded()) is same
    assert unchanged(recorded()) is same  # as it is remembered


def test_a_tool_with_history_is_never_unchanged_as_each_side_counts_for_itself() -> None:
    assert not Unchanged(Policy.load(HISTORY), Policy.load(HISTORY))(recorded())


def test_a_tool_of_which_one_policy_knows_another_name_is_changed() -> None:
    policy = Policy.load({"rules": [{"id": "pays", "tool": ["pay", "wire"], **ASKS}]})
    both = policy.strictest([frozenset({"pay", "wire"})])

    assert not Unchanged(policy, both)(recorded())
