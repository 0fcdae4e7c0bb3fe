"""The key `grants` of a rule: what it permits, and what is refused when it is read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import Reversibility, SessionId, ToolCall
from countersign.approvals.models.grants import Used, ordinal
from countersign.approvals.rules.conditions.facts import NOWHERE
from countersign.approvals.rules.grants import Grants, offers, value_of, values_of
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rulebook import Tools

SCHEMA = {"properties": {"amount": {"type": "number"}, "currency": {"type": "string"}}}
EUROS = Grants.model_validate({"max_total": "500 EUR", "value": "amount", "currency": "currency"})


def load(grants: Any, **rule: Any) -> Policy:
    base = {"effect": "require_approval", "roles": ["manager"], **rule, "grants": grants}
    return Policy.load({"tools": {"quote": base}})


@pytest.mark.parametrize(
    ("grants", "says"),
    [
        ({}, "policy.tools.quote.grants: needs a bound"),
        ({"same": ["customer"]}, "needs a bound"),
        ({"max_uses": 0}, "policy.tools.quote.grants.max_uses: write 1 or more"),
        ({"max_uses": "many"}, "policy.tools.quote.grants.max_uses: write a whole number"),
        ({"max_duration": "7"}, "policy.tools.quote.grants.max_duration: '7' has no unit"),
        ({"max_total": "much", "value": "a"}, "'much' is no amount of money"),
        ({"max_total": True, "value": "a"}, "no amount of money"),
        ({"max_total": 0, "value": "a"}, "write more than 0"),
        ({"max_total": 5}, "max_total and value go together"),
        ({"max_uses": 1, "value": "a"}, "max_total and value go together"),
        ({"max_total": "5 EUR", "value": "a"}, "currency has to name the argument"),
        ({"max_total": 5, "value": "a", "currency": "c"}, "currency is for a max_total with one"),
        ({"max_uses": 1, "colour": "red"}, "policy.tools.quote.grants.colour: unknown key"),
        ("yes", "write a mapping"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(grants: Any, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(grants)

    assert says in str(caught.value)


def test_it_is_for_what_people_approve() -> None:
    with pytest.raises(ConfigurationError, match="grants is for what people approve"):
        Policy.load({"tools": {"quote": {"effect": "allow", "grants": {"max_uses": 1}}}})


def problems(grants: Any, reversibility: Reversibility = Reversibility.REVERSIBLE) -> list[str]:
    tools = Tools({("sales", "quote"): SCHEMA}, {"quote": reversibility})
    return [f"{where}: {says}" for where, says in load(grants).knowing(tools).problems()]


def test_its_arguments_are_those_of_the_tool() -> None:
    wrong = {"max_total": "5 EUR", "value": "amuont", "currency": "currency", "same": ["who"]}

    assert [
        "tools.quote.grants: quote has no argument who; it has amount, currency.",
        "tools.quote.grants: quote has no argument amuont; did you mean amount?",
    ] == problems(wrong)
    assert [] == problems({"max_uses": 2, "same": ["currency"]})


def test_other_tools_need_no_such_arguments() -> None:
    policy = load({"max_uses": 2, "same": ["who"]})
    tools = Tools({("sales", "look"): SCHEMA, ("sales", "quote"): SCHEMA})

    assert ["quote has no argument who; it has amount, currency."] == [
        says for _, says in policy.knowing(tools).problems() if "who" in says
    ]


def test_a_tool_that_cannot_be_undone_needs_it_to_be_said() -> None:
    (says,) = problems({"max_uses": 2}, Reversibility.IRREVERSIBLE)

    assert "quote cannot be undone, so nothing is granted of it; write `irreversible: true`" in says
    assert [] == problems({"max_uses": 2, "irreversible": True}, Reversibility.IRREVERSIBLE)


def test_other_rules_need_no_grants() -> None:
    policy = Policy.load({"tools": {"look": "allow"}})

    assert not policy.permits_any
    assert [] == policy.knowing(Tools({("sales", "look"): SCHEMA})).problems()


def test_nothing_is_given_of_one_function_under_two_names() -> None:
    """Nobody could say what is alike, and either name would have to be counted."""
    rule = {"effect": "require_approval", "roles": ["manager"], "grants": {"max_uses": 2}}
    policy = Policy.load(
        {
            "rules": [{"id": "r", "tool": ["quote", "offer", "pay"], **rule}],
            "reversibility": dict.fromkeys(("quote", "offer", "pay"), "reversible"),
        }
    ).strictest([frozenset({"quote", "offer"})])

    def permits(tool: str) -> bool:
        call = ToolCall(
            session_id=SessionId("S-1"),
            call_id="c",
            tool=tool,
            arguments={},
            agent="seller",
            executor="gate",
        )
        return policy.permits(call, NOWHERE) is not None

    assert [False, False, True] == [permits(tool) for tool in ("quote", "offer", "pay")]


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ({"amount": 5, "currency": "EUR"}, "5"),
        ({"amount": 19.99, "currency": "EUR"}, "19.99"),
        ({"amount": "0.10", "currency": "EUR"}, "0.10"),
    ],
)
def test_values_add_up_exactly(arguments: Any, value: str) -> None:
    assert Decimal(value) == value_of(EUROS, arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"amount": 5, "currency": "USD"},
        {"amount": 5},
        {"amount": -5, "currency": "EUR"},
        {"amount": True, "currency": "EUR"},
        {"amount": "five", "currency": "EUR"},
        {"amount": 1e300, "currency": "EUR"},
        {"currency": "EUR"},
    ],
    ids=str,
)
def test_what_is_no_amount_is_not_covered(arguments: Any) -> None:
    with pytest.raises(ValueError, match=r"its (amount|currency) is"):
        value_of(EUROS, arguments)


def test_what_has_to_be_equal_has_to_be_there() -> None:
    grants = Grants(max_uses=1, same=("customer", "amount"))

    assert {"customer": "x", "amount": 1} == values_of(grants, {"customer": "x", "amount": 1})
    with pytest.raises(ValueError, match="no customer and no amount"):
        values_of(grants, {})
    assert Decimal(0) == value_of(grants, {})


def test_cards_offer_some_and_the_most() -> None:
    all_of_them = Grants.model_validate(
        {"max_uses": 20, "max_duration": "7d", "max_total": 500, "value": "amount"}
    )
    titles = [offer.title for offer in offers(all_of_them)]

    assert [
        "The next 5, too",
        "The next 20, too",
        "All for the next 24 hours",
        "All for the next 7 days",
        "Up to 500 in total",
    ] == titles
    assert ["The next one, too"] == [offer.title for offer in offers(Grants(max_uses=1))]
    assert ["Up to 500 EUR in total"] == [offer.title for offer in offers(EUROS)]


def test_counts_in_words() -> None:
    assert ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"] == [
        ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 112)
    ]
    assert 0 == Used().uses
