"""Conditions under which people have always approved what was proposed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from countersign.approvals.models import Effect
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rulebook import Tools
from countersign.approvals.rules.simulation import suggesting
from countersign.approvals.rules.simulation.recorded import Heard, Recorded
from countersign.approvals.rules.simulation.suggesting import Answers, Suggestion, lower_bound
from tests.approvals.rules.simulation.calls import ASKS, recorded

REVERSIBLE = {"tools": {"pay": ASKS}, "reversibility": {"pay": "reversible"}}
ASK = Effect.REQUIRE_APPROVAL


def suggestions(
    calls: Iterable[Recorded], policy: Policy | None = None, **options: Any
) -> list[Suggestion]:
    answers = Answers(policy or Policy.load(REVERSIBLE))
    for call in calls:
        answers.add(call, "tools.pay", ASK)
    return answers.suggestions(**{"least": 20, "agreement": 0.8, **options})


def calls(count: int, **arguments: Any) -> list[Recorded]:
    """Approved, with these arguments; a function is called with the number of each."""
    return [
        recorded(n, arguments={k: v(n) if callable(v) else v for k, v in arguments.items()})
        for n in range(1, count + 1)
    ]


def mixed(number: int) -> int:
    """1 to 60, each once, and small and large ones at all times."""
    return 37 * number % 60 + 1


def against(number: int, heard: Heard = Heard.REJECTED, **arguments: Any) -> Recorded:
    return recorded(number, heard, arguments=arguments)


def test_what_people_always_approve_needs_no_condition() -> None:
    (found,) = suggestions(calls(40, amount=lambda n: n))

    assert ("tools.pay", "pay", "", 40, 40, 12) == (
        found.rule, found.tool, found.when, found.asked, found.agreed, found.newer,
    )  # fmt: skip
    assert found.agreement == lower_bound(40, 40)


@pytest.mark.parametrize("heard", [Heard.REJECTED, Heard.CHANGED, Heard.REVOKED])
def test_a_bound_is_below_everything_that_people_were_against(heard: Heard) -> None:
    some = calls(60, amount=lambda n: 20 * mixed(n))
    some.insert(5, against(70, heard, amount=999))
    (found,) = suggestions(some)

    assert "args.amount <= 980" == found.when
    assert (49, 61) == (found.agreed, found.asked)


def test_a_value_of_an_argument_and_a_bound_hold_together() -> None:
    some = [
        each
        for n in range(1, 41)
        for each in (
            recorded(n, arguments={"amount": 10 * (3 * n % 40 + 1), "currency": "EUR"}),
            against(100 + n, amount=n, currency='U"S') if n % 3 == 0 else
            recorded(200 + n, arguments={"amount": n, "currency": 'U"S'}),
        )
    ]  # fmt: skip
    some.insert(20, against(500, amount=395, currency="EUR"))
    (found,) = suggestions(some)

    assert 'args.amount <= 390 && args.currency == "EUR"' == found.when
    assert 39 == found.agreed


def test_what_newer_calls_contradict_is_not_suggested() -> None:
    some = [*calls(60, amount=5), against(61, amount=5)]

    assert [] == suggestions(some)


def test_what_no_newer_call_bears_out_is_not_suggested() -> None:
    some = [*calls(60, kind="old"), *(against(100 + n, kind="new") for n in range(40))]

    assert [] == suggestions(some)


@pytest.mark.parametrize(
    "options", [{"least": 41}, {"agreement": 0.95}], ids=["too few", "too unsure"]
)
def test_what_is_too_little_is_not_suggested(options: dict[str, Any]) -> None:
    assert [] == suggestions(calls(40, amount=5), **options)


def test_a_small_part_of_what_a_rule_asks_about_is_not_worth_a_rule() -> None:
    few = calls(30, kind="a")
    many = [against(100 + n, kind="b") for n in range(600)]
    mixed = [each for n, one in enumerate(few) for each in (one, *many[20 * n : 20 * n + 20])]

    assert [] == suggestions(mixed)


@pytest.mark.parametrize("given", ["irreversible", None])
def test_nothing_is_suggested_for_what_cannot_be_undone(given: str | None) -> None:
    classes = {"reversibility": {"pay": given}} if given else {}
    policy = Policy.load({"tools": {"pay": ASKS}, **classes})

    assert [] == suggestions(calls(60, amount=5), policy)


def test_what_nobody_answered_and_what_no_rule_asks_about_says_nothing() -> None:
    answers = Answers(Policy.load(REVERSIBLE))
    for number in range(60):
        answers.add(recorded(number, Heard.EXPIRED), "tools.pay", ASK)
        answers.add(recorded(number), "tools.pay", Effect.ALLOW)

    assert [] == answers.suggestions(least=10, agreement=0.5)


def test_arguments_that_no_condition_can_name_or_compare_are_passed_over() -> None:
    some = calls(60, **{"x-y": "a", "flag": True, "odd": float("nan"), "off": 0, "amount": -5})
    no: dict[str, Any] = {"x-y": "b", "flag": False, "amount": 3, "off": 0}
    some.insert(3, recorded(99, Heard.REJECTED, arguments=no))

    assert [] == suggestions(some)


def test_a_call_without_the_argument_is_not_under_its_condition() -> None:
    some = [each for n in range(30) for each in (recorded(n, arguments={"kind": "a"}),
            against(100 + n) if n % 2 else recorded(200 + n, arguments={}))]  # fmt: skip
    (found,) = suggestions(some)

    assert ('args.kind == "a"', 30, 60) == (found.when, found.agreed, found.asked)


def test_only_arguments_that_the_tool_takes_are_named() -> None:
    schema = {"type": "object", "properties": {"amount": {"type": "number"}},
              "additionalProperties": False}  # fmt: skip
    policy = Policy.load(REVERSIBLE).knowing(Tools(schemas={("sales", "pay"): schema}))
    some = calls(60, old="a", amount=lambda n: mixed(n) / 100)
    some.insert(3, against(99, old="b", amount=0.579))
    (found,) = suggestions(some, policy)

    assert "args.amount <= 0.57" == found.when


def test_a_rule_that_is_asked_about_often_is_judged_by_its_newest_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(suggesting, "NEWEST", 40)
    (found,) = suggestions([against(1, amount=1), *calls(40, amount=1)])

    assert 40 == found.asked


@pytest.mark.parametrize(
    ("agreed", "asked", "bound"),
    [(0, 0, 0.0), (0, 10, 0.0), (10, 10, 0.722), (30, 30, 0.886), (90, 100, 0.826)],
)
def test_the_lower_bound_is_wilsons(agreed: int, asked: int, bound: float) -> None:
    """Wilson 1927, (p + z²/2n - z √(p(1-p)/n + z²/4n²)) / (1 + z²/n) with z = 1.96."""
    assert bound == pytest.approx(lower_bound(agreed, asked), abs=0.001)
