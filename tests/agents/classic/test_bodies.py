"""One function under two names goes by the stricter rule of the two."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from countersign import ApprovalProxy
from countersign.agents.classic.bodies import same_bodies
from countersign.approvals.models import Effect, SessionId, ToolCall
from countersign.approvals.rules.policy import Policy


def pay(amount: int) -> str:
    """Pay."""
    return str(amount)


def refund(amount: int) -> str:
    """Pay back."""
    return str(amount)


class Desk:
    def pay(self, amount: int) -> str:
        """Pay."""
        return str(amount)


DESK, OTHER = Desk(), Desk()
SAME: list[tuple[str, Callable[..., Any], Callable[..., Any]]] = [
    ("itself", pay, pay),
    ("a partial", pay, partial(pay, amount=1)),
    ("a method", DESK.pay, DESK.pay),
]


@pytest.mark.parametrize(("_", "one", "two"), SAME, ids=[name for name, *_ in SAME])
def test_one_function_is_known_however_it_is_wrapped(
    _: str, one: Callable[..., Any], two: Callable[..., Any]
) -> None:
    first, second = ApprovalProxy("first"), ApprovalProxy("second")
    first.register_function({"pay": one, "refund": refund})
    second.register_function({"pay_quickly": two})

    assert [frozenset({"pay", "pay_quickly"})] == same_bodies([first, second])


def test_the_same_method_of_two_objects_is_two_functions() -> None:
    proxy = ApprovalProxy("gate")
    proxy.register_function({"pay": DESK.pay, "other": OTHER.pay})

    assert [] == same_bodies([proxy])


def effect(policy: Policy, tool: str) -> Effect:
    """What the policy says of a call of the tool."""
    call = ToolCall(
        session_id=SessionId("S-1"),
        call_id="1",
        tool=tool,
        arguments={},
        agent="worker",
        executor="gate",
    )
    return policy.rule(call).effect


ASK = {"effect": "require_approval", "roles": ["manager"]}


@pytest.mark.parametrize(
    ("one", "two", "both"),
    [
        ("allow", ASK, Effect.REQUIRE_APPROVAL),
        (ASK, "deny", Effect.DENY),
        ("allow", "shadow", Effect.SHADOW),
    ],
)
def test_both_names_take_the_stricter_rule(one: Any, two: Any, both: Effect) -> None:
    """And the policy has another version: what was approved under the laxer one is asked again."""
    written = Policy.load({"tools": {"pay": one, "pay_quickly": two, "refund": "allow"}})
    policy = written.strictest([frozenset({"pay", "pay_quickly"})])

    assert [both, both, Effect.ALLOW] == [
        effect(policy, tool) for tool in ("pay", "pay_quickly", "refund")
    ]
    assert policy.version != written.version


def test_two_quorums_take_the_larger() -> None:
    two = {"effect": "require_approval", "stages": [{"roles": ["manager"], "quorum": 2}]}
    written = Policy.load({"tools": {"pay": ASK, "pay_quickly": two}})
    policy = written.strictest([frozenset({"pay", "pay_quickly"})])

    assert policy.tools["pay"] == policy.tools["pay_quickly"] == written.tools["pay_quickly"]


def test_a_name_without_a_rule_is_denied_and_changes_nothing() -> None:
    written = Policy.load({"tools": {"pay": "allow"}})
    policy = written.strictest([frozenset({"pay", "pay_quickly"})])

    assert policy is written
    assert written.strictest([frozenset({"refund", "refund_all"})]) is written
    assert [Effect.ALLOW, Effect.DENY] == [effect(policy, t) for t in ("pay", "pay_quickly")]


CFO, INTERN = {**ASK, "roles": ["cfo"]}, {**ASK, "roles": ["intern"]}
INTERNS = {"effect": "require_approval", "stages": [{"roles": ["intern"], "quorum": 2}]}


@pytest.mark.parametrize(("one", "two"), [(INTERN, CFO), (CFO, INTERN), (CFO, INTERNS)])
def test_names_whose_rules_ask_different_people_ask_all_of_them(one: Any, two: Any) -> None:
    """Whatever they are called: nobody can say which of them is the stricter."""
    written = Policy.load({"tools": {"a_pay": one, "pay": two}})
    rule = written.strictest([frozenset({"a_pay", "pay"})]).tools["a_pay"]

    assert {("cfo",), ("intern",)} == {stage.roles for stage in rule.tiers()}
    assert not any(stage.same_person for stage in rule.tiers())
