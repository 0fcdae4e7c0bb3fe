"""Budgets as they are read, what calls draw on them, and what people read of them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import Effect, SessionId, Standing, ToolCall
from countersign.approvals.rules.budgets.charges import Charge, UncountableError, Used
from countersign.approvals.rules.budgets.judging import judged, standing
from countersign.approvals.rules.budgets.words import (
    in_line,
    limits_in_words,
    lines,
    ordinal,
    without_others,
)
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.examples import ExampleCall
from countersign.approvals.rules.explaining import explain
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rulebook import Tools

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HERE = Situation(workflow="sales", requester="tom", roles=frozenset(), at=NOW)
DAY = {"tool": "pay", "window": "day", "zone": "Europe/Berlin"}
EUR = {"amount": "args.amount", "currency": "EUR"}
SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "number"},
        "price": {
            "type": "object",
            "properties": {"amount": {"type": "number"}, "currency": {"const": "USD"}},
            "additionalProperties": False,
        },
        "payee": {"type": "string"},
        "lines": {"type": "array", "items": {"type": "number"}},
    },
}


def policy(**budgets: Any) -> Policy:
    rules = [{"id": "few", "tool": "pay", "when": "args.amount <= 9", "effect": "allow"}]
    asked = {"pay": {"effect": "require_approval", "roles": ["manager"]}}
    return Policy.load({"rules": rules, "tools": asked, "budgets": budgets})


def problems(**budgets: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        policy(**budgets)
    return list(caught.value.problems)


def call(**arguments: Any) -> ToolCall:
    return ToolCall(
        session_id=SessionId("s"),
        call_id="1",
        tool="pay",
        arguments=arguments,
        agent="clerk",
        executor="gate",
    )


def charge(budget: Any, **arguments: Any) -> Charge:
    (found,) = policy(b=budget).charges(call(**arguments), HERE)
    return found


@pytest.mark.parametrize(
    ("budget", "says"),
    [
        ({"tool": "pay", "window": "day", "count": {"hard": 1}}, "a day begins somewhere"),
        ({**DAY, "window": "24h", "count": {"hard": 1}}, "a duration rolls on and has no zone"),
        ({**DAY, "window": "2 days", "count": {"hard": 1}}, "a window is day, week or month"),
        ({**DAY, "window": 7, "count": {"hard": 1}}, "a window is day, week or month"),
        ({**DAY, "window": "ever", "count": {"hard": 1}}, "a window is day, week or month"),
        ({**DAY, "zone": "Berlin", "count": {"hard": 1}}, "is no time zone"),
        (DAY, "limits nothing: write count, or value, or both"),
        ({**DAY, "count": {}}, "names no limit"),
        ({**DAY, "count": {"soft": 2, "hard": 2}}, "soft is 2 and hard 2"),
        ({**DAY, "count": {"hard": -1}}, "write 0 or more"),
        ({**DAY, "count": {"hard": 1.5}}, "write a whole number"),
        ({**DAY, "value": {**EUR, "hard": True}}, "is no amount; write a number"),
        ({**DAY, "value": {**EUR, "hard": "1e3"}}, "1e3 is no amount"),
        ({**DAY, "value": {**EUR, "hard": -1}}, "-1 is no amount"),
        ({**DAY, "value": {**EUR, "currency": "€", "hard": 1}}, "'€' is no currency"),
        ({**DAY, "value": {**EUR, "amount": "args.a +", "hard": 1}}, "ends too early"),
        ({**DAY, "value": {**EUR, "amount": "agent", "hard": 1}}, "agent is a text; an amount"),
        ({**DAY, "value": {**EUR, "amount": 'money(1, "USD")', "hard": 1}}, "the budget is in EUR"),
        ({**DAY, "value": {**EUR, "hrad": 1}}, "unknown key; did you mean hard?"),
        ({**DAY, "count": {"haard": 1}}, "unknown key; did you mean hard?"),
        ({**DAY, "counts": {"hard": 1}}, "unknown key; did you mean count?"),
        ({**DAY, "count": {"hard": 1}, "per": "payee"}, "'payee' divides nothing"),
        (
            {**DAY, "tool": ["a b", "a"], "count": {"hard": 1}},
            "is no name of a tool and no pattern",
        ),
        ({**DAY, "count": {"hard": 1}, "roles": ["x"]}, "asks nobody, as it has no soft limit"),
        ({**DAY, "count": {"soft": 1}, "roles": ["owner"]}, "name another role"),
        ({**DAY, "count": {"soft": 1}}, "a rule lets pay run without people: write the roles"),
        ({**DAY, "tool": "p*", "count": {"soft": 1}, "stages": []}, ""),
        ("no mapping", "write a mapping"),
    ],
)
def test_what_is_no_budget_is_refused_with_its_place(budget: Any, says: str) -> None:
    if not says:  # nobody knows yet which tools there are
        assert policy(b=budget).document.budgets
        return
    (found,) = problems(b=budget)

    assert found.startswith("policy.budgets.b")
    assert says in found


def test_a_budget_has_a_name() -> None:
    (found,) = problems(**{"a b": {**DAY, "count": {"hard": 1}}})

    assert "'a b' is no name of a budget" in found
    with pytest.raises(ConfigurationError, match="mapping"):
        Policy.load({"budgets": [1]})


@pytest.mark.parametrize(
    ("budget", "where", "says"),
    [
        ({"value": {**EUR, "amount": "args.amuont", "hard": 1}}, "value.amount", "did you mean"),
        ({"value": {**EUR, "amount": "args.payee", "hard": 1}}, "value.amount", "is a text"),
        ({"value": {**EUR, "amount": "money(args.price)", "hard": 1}}, "value.amount", "in USD"),
        ({"count": {"hard": 1}, "per": ["args.payer"]}, "per", "pay has no argument payer"),
        ({"count": {"hard": 1}, "per": ["args.lines"]}, "per", "divided by simple values"),
        ({"count": {"soft": 1}, "tool": "p?y"}, "", "lets pay run without people"),
        ({"count": {"soft": 1}, "tool": "q*"}, None, ""),
        ({"count": {"hard": 1}, "per": ["args.payee", "agent"]}, None, ""),
    ],
)
def test_budgets_are_compared_with_what_tools_take(budget: Any, where: Any, says: str) -> None:
    tools = Tools({("sales", "pay"): SCHEMA, ("other", "pay"): SCHEMA})
    known = policy(b={**DAY, "tool": "p*", **budget}).knowing(tools)
    found = known.problems()
    if where is None:
        assert [] == found
        return
    ((place, said),) = found

    assert f"budgets.b.{where}".rstrip(".") == place
    assert says in said


def test_a_policy_without_budgets_has_the_version_that_it_had() -> None:
    plain = Policy.load({"tools": {"pay": "allow"}})

    assert "budgets" not in plain.document.text()
    assert plain.version != policy(b={**DAY, "count": {"hard": 1}}).version
    one, two = ({**DAY, "value": {**EUR, "hard": hard}} for hard in (1, 2))
    assert policy(b=one).version != policy(b=two).version
    assert {"policy.rules.few", "policy.tools.pay", "policy.budgets.b"} == set(
        policy(b={**DAY, "count": {"soft": 1}, "roles": ["cfo"]}).entries
    )


@pytest.mark.parametrize(
    ("budget", "arguments", "scope", "words", "amount"),
    [
        ({"count": {"hard": 1}}, {}, "{}", "", "0"),
        ({"value": {**EUR, "hard": 1}}, {"amount": 0.1}, "{}", "", "0.1"),
        ({"value": {**EUR, "hard": 1}}, {"amount": 100.0}, "{}", "", "100"),
        (
            {"value": {**EUR, "amount": "args.amount * 0.125", "hard": 1}},
            {"amount": 1},
            "{}",
            "",
            "0.125",
        ),
        (
            {"count": {"hard": 1}, "per": ["args.payee", "requester", "agent", "workflow"]},
            {"payee": "A\u202eB\nC"},
            '{"agent":"clerk","args.payee":"A\u202eB\\nC","requester":"tom","workflow":"sales"}',
            "payee A\\u202eB C, requester tom, agent clerk, workflow sales",
            "0",
        ),
        ({"count": {"hard": 1}, "per": "args.n"}, {"n": 1.5}, '{"args.n":"1.5"}', "n 1.5", "0"),
        ({"count": {"hard": 1}, "per": "args.n"}, {"n": None}, '{"args.n":null}', "n None", "0"),
    ],
)
def test_what_a_call_draws(
    budget: Any, arguments: Any, scope: str, words: str, amount: str
) -> None:
    found = charge({**DAY, **budget}, **arguments)

    assert (scope, words, Decimal(amount)) == (found.account.scope, found.scope, found.amount)


def test_long_scopes_are_hashed() -> None:
    found = charge({**DAY, "count": {"hard": 1}, "per": "args.payee"}, payee="x" * 500)

    assert found.account.scope.startswith("sha256:")
    assert len(found.scope) < 100


@pytest.mark.parametrize(
    ("budget", "arguments", "says"),
    [
        ({"value": {**EUR, "hard": 1}}, {}, "args.amount is missing"),
        ({"value": {**EUR, "hard": 1}}, {"amount": "5"}, "is a text, not an amount"),
        ({"value": {**EUR, "hard": 1}}, {"amount": -0.01}, "is -0.01, which is less than nothing"),
        ({"value": {**EUR, "hard": 1}}, {"amount": 10**24}, "more digits than an amount has"),
        ({"value": {**EUR, "hard": 1}}, {"amount": 1e-13}, "more digits than an amount has"),
        (
            {"value": {**EUR, "amount": "args.amount * 0.0000000000001", "hard": 1}},
            {"amount": 1},
            "more digits",
        ),
        (
            {"value": {**EUR, "amount": "money(args.amount, args.c)", "hard": 1}},
            {"amount": 1, "c": "USD"},
            "is USD 1, and the budget is in EUR",
        ),
        ({"count": {"hard": 1}, "per": "args.payee"}, {}, "args.payee is missing"),
        ({"count": {"hard": 1}, "per": "args.payee"}, {"payee": [1]}, "is a list; a budget is"),
        ({"count": {"hard": 1}, "per": "args.payee"}, {"payee": 2**60}, "cannot be counted"),
    ],
)
def test_what_cannot_be_counted(budget: Any, arguments: Any, says: str) -> None:
    known = policy(b={**DAY, **budget})
    with pytest.raises(UncountableError, match="budget b cannot be counted") as caught:
        known.charges(call(**arguments), HERE)

    assert says in str(caught.value)
    assert Effect.DENY is explain(
        known, call(**{"amount": 1, **arguments}), HERE
    ).ruling.effect or ("amount" in says or "digits" in says)


def test_who_asks_has_to_be_known_where_it_counts() -> None:
    known = policy(b={**DAY, "count": {"hard": 1}, "per": "requester"})
    with pytest.raises(UncountableError, match=r"requester\.id is not known here"):
        known.charges(call(), HERE.model_copy(update={"requester": None}))


def test_a_wrong_amount_denies_at_run_time() -> None:
    known = policy(b={**DAY, "value": {**EUR, "amount": "args.amount", "hard": 9}})
    known = known.knowing(Tools({("sales", "pay"): {"type": "object", "properties": {}}}))
    with pytest.raises(UncountableError, match="is wrong: pay has no argument amount"):
        known.charges(call(amount=1), HERE)


def test_deep_arguments_do_not_break_it() -> None:
    deep: Any = 1
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(UncountableError, match="nested too deep"):
        charge({**DAY, "value": {**EUR, "hard": 1}}, amount=deep)


BOTH = {**DAY, "count": {"soft": 2, "hard": 5}, "value": {**EUR, "hard": 20_000}}


@pytest.mark.parametrize(
    ("budget", "used", "said"),
    [
        (BOTH, Used(1, Decimal("12387.5")), "b: 2nd of 5 today, EUR 12,400 of 20,000"),
        (BOTH, Used(2), "b: 3rd of 5 today, EUR 12.50 of 20,000; past its soft limit of 2 calls"),
        (
            BOTH,
            Used(5, Decimal(20_000)),
            "b: 6th of 5 today, EUR 20,012.50 of 20,000; past its hard limit of 5 calls and EUR "
            "20,000",
        ),
        ({**DAY, "count": {"soft": 2}}, Used(0), "b: 1st of 2 today"),
        (
            {"tool": "pay", "window": "7d", "value": {**EUR, "soft": 9}, "per": "args.payee"},
            Used(0),
            "b: EUR 12.50 of 9 in 7 days (payee ACME); past its soft limit of EUR 9",
        ),
        (
            {**DAY, "value": {**EUR, "hard": 1}},
            Used(1, Decimal(1), "USD 1"),
            "b: EUR 13.50 of 1 today; USD 1 is used of it, which does not add up",
        ),
    ],
)
def test_where_it_stands_in_words(budget: Any, used: Used, said: str) -> None:
    budget = {"roles": ["cfo"], **budget} if "'soft'" in str(budget) else budget
    found = charge(budget, amount=12.5, payee="ACME")

    assert said == in_line(standing(found, used, NOW))


def test_what_passes_a_limit_is_named_first() -> None:
    soft = charge({**DAY, "count": {"soft": 0}, "roles": ["cfo"]})
    hard = charge({**DAY, "count": {"hard": 0}})
    fine = charge({**DAY, "count": {"hard": 9}})
    found = lines([standing(each, Used(), NOW) for each in (fine, soft, hard)])

    assert ["hard", "soft", "of 9"] == [
        "hard" if "hard limit" in each else "soft" if "soft limit" in each else "of 9"
        for each in found
    ]


def test_numbers_in_words() -> None:
    assert ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th", "1,003rd"] == [
        ordinal(each) for each in (1, 2, 3, 4, 11, 12, 13, 21, 112, 1003)
    ]
    budget = policy(b={**BOTH, "roles": ["cfo"], "per": ["args.payee", "agent"]}).document.budgets[
        "b"
    ]
    assert (
        "today in Europe/Berlin, for each args.payee and agent: soft 2 calls, hard 5 calls, hard "
        "EUR 20,000"
    ) == limits_in_words(budget)
    rolling = policy(b={"tool": "pay", "window": "24h", "value": {**EUR, "hard": 9.5}})
    assert "in 24 hours: hard EUR 9.50" == limits_in_words(rolling.document.budgets["b"])
    counted = policy(b={**DAY, "count": {"hard": 5}})
    assert "today in Europe/Berlin: hard 5 calls" == limits_in_words(counted.document.budgets["b"])


def test_agents_are_told_limits_and_not_what_is_used() -> None:
    def said(used: Used, amount: float = 1, **more: Any) -> str:
        budget = {**DAY, "value": {**EUR, "hard": 10}, "count": {"hard": 3}, **more}
        return without_others(standing(charge(budget, amount=amount), used, NOW))

    assert "b: hard 3 calls, hard EUR 10 today; it fits" == said(Used(1, Decimal(7)))
    assert said(Used(1, Decimal("9.5"))).endswith("it does not fit before 2026-03-03 00:00 CET")
    assert said(Used(), 11).endswith("it alone is too much")
    assert said(Used(3), window="1h", zone=None).endswith("in 1 hour; it does not fit")


def test_a_ruling_that_denies_anyhow_is_left_alone() -> None:
    ruling = policy().rule(call())

    assert judged(ruling, (), {}) is ruling
    stands = [Standing(budget="b", period="today", count=1)]
    denied = ruling.model_copy(update={"effect": Effect.DENY})
    assert judged(denied, stands, {}) is denied


def test_a_soft_limit_of_which_nobody_can_be_asked_denies() -> None:
    """Refused when the policy is read, unless nobody knew the tool then."""
    loose = Policy.load(
        {
            "tools": {"pay": "allow"},
            "budgets": {"b": {**DAY, "tool": "p*", "count": {"soft": 0}}},
        }
    )
    ruling = explain(loose, call(), HERE).ruling

    assert Effect.DENY is ruling.effect
    assert ruling.reason.endswith("Nobody is named who could be asked.")


def test_explaining_takes_what_is_used_from_the_file() -> None:
    known = policy(b={**BOTH, "roles": ["cfo"]})
    asked = ExampleCall.model_validate(
        {"tool": "pay", "arguments": {"amount": 5}, "used": {"b": {"count": 2, "value": "1.50"}}}
    )
    used = {name: Used(each.count, each.value) for name, each in asked.used.items()}
    ruling = explain(known, asked.call, HERE, used).ruling

    assert (Effect.REQUIRE_APPROVAL, "few") == (ruling.effect, ruling.rule_id)
    assert ("6.5", 3) == (ruling.budgets[0].value, ruling.budgets[0].count)
    assert Effect.ALLOW is explain(known, asked.call, HERE).ruling.effect
    other = asked.call.model_copy(update={"tool": "dance"})
    assert () == explain(known, other, HERE.model_copy(update={"at": None})).ruling.budgets
