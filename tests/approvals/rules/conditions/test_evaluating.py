"""What conditions say of a call: exactly, whatever the order, and never a guess."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from countersign.approvals.rules.conditions.checking import check
from countersign.approvals.rules.conditions.evaluating import MOST_STEPS
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.conditions.syntax import parse
from countersign.approvals.rules.conditions.values import EvaluationError
from tests.approvals.rules.conditions.asking import (
    ARGUMENTS,
    NOON,
    SITUATION,
    TYPED,
    UNTYPED,
    ask,
    condition,
    facts,
)

TRUE = [
    # numbers are what is written
    "args.amount + 0.2 == 0.3",
    "args.amount * 3 == 0.3",
    "args.amount - 0.1 == 0",
    "args.amount / 3 * 3 == args.amount",
    "args.amount / 3 + args.amount / 3 - args.amount / 3 == args.amount / 3",
    "1.0 / 3 < 0.34 && 0.33 < 1.0 / 3",
    "9007199254740993 == 9007199254740992 + 1",
    "100000000000000000000000000000000001 > 1e35",
    "args.count / 2 == 3",
    "-args.count / 2 == -3",
    "args.count % 4 == 3",
    "-args.count % 4 == -3",
    "args.count / 2.0 == 3.5",
    "args.count > 6.9",
    "args.count != 7.5",
    "-args.amount < 0",
    "0xff == 255",
    "double(args.total) == 12.5",
    'int("12.9") == 12',
    "int(args.amount) == 0",
    # truth
    "args.urgent",
    "!(args.count < 7)",
    "args.urgent && args.count >= 7 && args.count <= 7",
    "args.count < 7 || args.urgent",
    "args.urgent ? args.count == 7 : args.count == 8",
    "args.urgent == true",
    # what one side settles holds, also if the other one fails
    "args.count == 7 || args.count / 0 == 1",
    "args.count / 0 == 1 || args.count == 7",
    "!(args.count / 0 == 1 && args.count == 8)",
    'args.lines.exists(l, l.sku == "b" || l.amount / 0.0 > 1)',
    "args.anything.deep.exists(x, x > 0)",
    "!args.anything.deep.all(x, x < 1)",
    # texts
    'args.name == "Rosé GmbH"',
    "args.name.size() == 9 && size(args.name) == 9",
    'args.name.startsWith("Ros") && args.name.endsWith("GmbH") && args.name.contains("é")',
    'args.name.lowerAscii() == "rosé gmbh" && args.name.upperAscii() == "ROSé GMBH"',
    '(" " + args.name).trim() == args.name',
    'args.name < "S"',
    r'"a\tb\"A\x41\U0001f600" == "a' + "\t" + 'b\\"AA😀"',
    # null and absent
    "args.note == null",
    "args.limit != null && args.limit > 4",
    "args.note == null || args.note.size() > 3",
    '!(args.note != null && args.note.startsWith("x"))',
    "args.note == null ? true : args.note.size() > 3",
    "args.note != null && args.limit != null ? args.limit > 9 : args.count == 7",
    'args.total == "12.50"',
    "has(args.note)",
    "!has(args.gone) || args.gone > 5",
    "has(args.price.amount)",
    "!(null == args.limit)",
    "[null, 1][0] == null",
    # lists and objects
    'args.currency in ["EUR", "USD"]',
    'args.name in ["x", "Rosé GmbH"]',
    '"vip" in args.tags',
    '!("old" in args.tags)',
    '"team" in args.labels',
    'args.labels["team"] == "north"',
    'args.labels.team == "north"',
    "args.numbers[1] == 2.5",
    "args.numbers[int(1.2)] == 2.5",
    "args.numbers == [1.0, 2.5, 3.0]",
    "args.numbers != [1.0, 2.5]",
    "args.tags.size() == 2 && size(args.labels) == 1",
    "args.lines.map(l, l.amount).sum() == 0.3",
    "args.numbers.sum() == 6.5 && args.numbers.min() == 1 && args.numbers.max() == 3",
    "args.numbers.filter(n, n > 2).size() == 2",
    "args.numbers.exists_one(n, n == 2.5)",
    "args.numbers.filter(n, n > 99).sum() == 0",
    "args.lines.all(l, l.amount < 1)",
    "args.price == args.price",
    'args.anything.deep[1] == "two"',
    "args.anything.deep[2] == null",
    "args.anything == args.anything",
    "args.anything != args.name",
    "args.anything.deep != args.anything",
    # money
    'money(args.amount, args.currency) <= money(50, "EUR")',
    'money(args.euros) + money(10, "EUR") == money(50.00, "EUR")',
    'money(args.euros) - money(60, "EUR") < money(0, "EUR")',
    'money(args.euros) * 2 == money(80, "EUR") && 2 * money(args.euros) == money(80, "EUR")',
    'money(args.euros) / 3 * 3 == money(40, "EUR")',
    '-money(args.euros) == money(-40, "EUR")',
    'money(args.total, "EUR") == money("12.5", "EUR")',
    'args.lines.map(l, money(l.amount, "EUR")).sum() == money(0.3, "EUR")',
    'args.lines.map(l, money(l.amount, "EUR")).max() == money(0.2, "EUR")',
    'money(args.price) != money(6, "USD")',
    # time
    'now.getHours("Europe/Berlin") == 12 && now.getMinutes("UTC") == 0',
    'now.getDayOfWeek("UTC") == 2 && now.getDate("UTC") == 1',
    'now.getMonth("UTC") == 11 && now.getFullYear("UTC") == 2026',
    "timestamp(args.due) > now",
    'timestamp(args.due) - now > duration("20d")',
    'now + duration("1h") > now && duration("1h") + now > now',
    'now - duration("1h") < now && duration("1h") - duration("30m") == duration("30m")',
    '-duration("1h") < duration("1h") && duration("1h") + duration("1h") == duration("2h")',
    'business_time("office")',
    '!business_time("night")',
    # what is around the call
    'tool.name == "pay" && tool.reversibility == "irreversible"',
    'agent == "seller" && workflow == "refunds"',
    'requester.id == "sam" && "lead" in requester.roles',
]


@pytest.mark.parametrize("text", TRUE)
def test_it_holds(text: str) -> None:
    assert ask(text)


@pytest.mark.parametrize("text", [text for text in TRUE if "gone" not in text])
def test_it_says_the_same_of_a_tool_whose_arguments_nobody_knows(text: str) -> None:
    """Where types are needed to divide, it is refused."""
    checked = check(parse(text), UNTYPED)
    if checked.problems:
        assert any("divided otherwise" in problem for problem in checked.problems)
    else:
        assert ask(text, catalogue=UNTYPED)


FAILS = [
    ("args.amount > 1", {}, "args.amount is missing"),
    ("args.amount > 1", {"amount": None}, "args.amount is null"),
    ("1 < args.amount", {"amount": None}, "args.amount is null"),
    ("args.amount > args.count", {"amount": 1, "count": None}, "args.count is null"),
    (
        "args.amount > 1",
        {"amount": "12"},
        "args.amount is a text, which cannot be compared with a number",
    ),
    (
        "args.amount > 1",
        {"amount": True},
        "args.amount is a truth value, which cannot be compared with a number",
    ),
    ("args.amount > 1", {"amount": float("nan")}, "args.amount is nan, which is no number"),
    ("args.amount > 1", {"amount": {1}}, "args.amount is a set, which is not JSON"),
    ("args.count / 0 == 1", None, "args.count / 0 divides by zero"),
    ("args.count % 0 == 1", None, "args.count % 0 divides by zero"),
    ("args.amount / 0 == 1", None, "args.amount / 0 divides by zero"),
    ("args.count % 2 == 1", {"count": 2.5}, "args.count % 2 needs whole numbers"),
    ("args.amount + 1e-300 > 0", {"amount": int("7" * 1999)}, "has more digits than can be exact"),
    ("args.urgent", {"urgent": "yes"}, "args.urgent is a text, neither true nor false"),
    ("!args.urgent", {"urgent": 1}, "args.urgent is a number, neither true nor false"),
    ("args.urgent && args.count == 7", {"urgent": 1, "count": 7}, "neither true nor false"),
    ("args.urgent ? true : false", {"urgent": None}, "args.urgent is a null"),
    ("args.price.amount > 1", {"price": 5}, "args.price is a number, so it has no amount"),
    ("has(args.price.amount)", {"price": 5}, "args.price is a number, so it has no amount"),
    ("args.numbers[3] == 1", None, "args.numbers[3] is missing: there are 3"),
    ("args.numbers[-1] == 1", None, "args.numbers[-1] is missing: there are 3"),
    ('args.labels["x"] == "y"', None, 'args.labels["x"] is missing'),
    ("args.numbers[0] == 1", {"numbers": "1"}, "args.numbers is a text, which has no element 0"),
    ('"a" in args.tags', {"tags": "abc"}, "args.tags is a text, not a list"),
    ("args.tags.all(t, t.size() > 1)", {"tags": 5}, "args.tags is a number, not a list"),
    ("args.tags.size() == 1", {"tags": 5}, "args.tags is a number, which size() does not take"),
    ("args.numbers.all(n, n > 1)", {"numbers": [2, "x"]}, "n is a text, which cannot be compared"),
    ("args.numbers.filter(n, n > 1).size() == 1", {"numbers": ["x"]}, "n is a text"),
    ("args.numbers.sum() > 1", {"numbers": [1, "x"]}, "args.numbers.sum() has a text in it"),
    ("args.numbers.max() > 1", {"numbers": []}, "args.numbers.max() is of an empty list"),
    ("-args.amount < 1", {"amount": "x"}, "args.amount is a text, of which there is no negative"),
    (
        "args.amount + args.count > 1",
        {"amount": "x", "count": 1},
        "args.amount + args.count has a text and a number, which cannot be added to",
    ),
    ("args.amount * args.count > 1", {"amount": "x", "count": 1}, "cannot be reckoned with"),
    ("double(args.total) > 1", {"total": "1,5"}, 'double(args.total) is "1,5", which is no number'),
    ("double(args.total) > 1", {"total": "\u0661"}, "which is no number"),
    (
        'money(args.price) <= money(50, "EUR")',
        None,
        "mixes USD 5 and EUR 50: they are of different currencies",
    ),
    ('money(args.price) == money(5, "EUR")', None, "mixes USD 5 and EUR 5"),
    ('money(args.price) + money(5, "EUR") == money(5, "EUR")', None, "mixes USD 5 and EUR 5"),
    ('[money(1, "EUR"), money(args.price)].sum() == money(5, "EUR")', None, "mixes EUR 1 and"),
    (
        "money(args.amount, args.name) == money(args.amount, args.name)",
        None,
        'has "Rosé GmbH" as its currency; a code has three capital letters',
    ),
    (
        'money(args.amount, "EUR") > money(1, "EUR")',
        {"amount": True},
        "args.amount is a truth value, which money() does not take",
    ),
    (
        "money(args.price) == money(args.price)",
        {"price": {"amount": True, "currency": "EUR"}},
        "has a truth value as its amount",
    ),
    (
        "money(args.price) == money(args.price)",
        {"price": {"amount": 1}},
        "is of an object without currency",
    ),
    (
        "money(args.price) == money(args.price)",
        {"price": 5},
        "needs an amount and a currency",
    ),
    (
        'money(args.amount, "EUR") == money(1, "EUR")',
        {"amount": {"amount": 1}},
        "needs an amount and a currency",
    ),
    ("timestamp(args.due) > now", {"due": "soon"}, 'has "soon", which is no time'),
    ("timestamp(args.due) > now", {"due": "2026-12-24T08:00:00"}, "which has no offset"),
    (
        'timestamp(args.due) + duration("365d") > now',
        {"due": "9999-12-31T23:00:00Z"},
        "is beyond all calendars",
    ),
    (
        'timestamp(args.due).getHours("Asia/Tokyo") > 1',
        {"due": "9999-12-31T23:00:00Z"},
        "cannot be told",
    ),
    ("now.getHours(args.name) == 1", None, "'Rosé GmbH' is no time zone"),
    ("duration(args.name) == duration(args.name)", None, "is not a duration"),
]


@pytest.mark.parametrize(("text", "arguments", "why"), FAILS)
def test_what_it_cannot_tell_names_the_field(
    text: str, arguments: dict[str, Any] | None, why: str
) -> None:
    with pytest.raises(EvaluationError) as caught:
        ask(text, arguments)

    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("text", "arguments", "why"),
    [
        ("args.a + args.b > 1", {"a": [1], "b": [2]}, "a list and a list, which cannot be added"),
        ("args.a - args.b > 1", {"a": "x", "b": "y"}, "which cannot be taken from"),
        ("args.a.b == 1", {"a": [1]}, "args.a is a list, so it has no b"),
        ("args.a.b.c == 1", {"a": {"b": 5}}, "args.a.b is a number, so it has no c"),
        ("args.a.b.c == 1", {"a": {"b": {}}}, "args.a.b.c is missing"),
        ("args.a < args.b", {"a": None, "b": None}, "args.b is null"),
        ("args.a < args.b", {"a": True, "b": False}, "args.a is a truth value"),
        ("[args.a, args.b].sum() > 1", {"a": {}, "b": 1}, "has a object in it"),
        ('[args.a, money(1, "EUR")].sum() == 5', {"a": 1}, "mixes money and numbers"),
        ("args.a.all(x, x)", {"a": [1]}, "x is a number, neither true nor false"),
    ],
)
def test_what_is_of_unknown_type_fails_when_it_turns_out_wrong(
    text: str, arguments: dict[str, Any], why: str
) -> None:
    with pytest.raises(EvaluationError) as caught:
        ask(text, arguments, UNTYPED)

    assert why in str(caught.value)


@pytest.mark.parametrize("text", ['workflow == "w"', 'requester.id == "x"', "now > now"])
def test_what_nobody_knows_here_is_no_answer(text: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        condition(text).holds(facts(situation=Situation()))

    assert "null" in str(caught.value) or "is not known here" in str(caught.value)


def test_arguments_that_nobody_can_nest_are_no_answer() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]

    with pytest.raises(EvaluationError, match="nested too deep"):
        ask("args.amount > 1", {"amount": 1, "anything": deep})


def test_a_long_list_is_not_looked_at_for_ever() -> None:
    """The agent writes the lists, and one within the other multiplies."""
    numbers = list(range(200))
    nested = "args.numbers.all(a, args.numbers.all(b, a + b >= 0))"

    with pytest.raises(EvaluationError, match=f"makes more than {MOST_STEPS} elements"):
        ask(nested, {"numbers": numbers})

    assert ask("args.numbers.all(a, a >= 0)", {"numbers": numbers})


@pytest.mark.parametrize(
    ("hours_later", "is_open"), [(-3.1, False), (-3, True), (4.9, True), (5, False), (48, True)]
)
def test_business_time_is_that_of_the_zone(hours_later: float, is_open: bool) -> None:
    at = NOON + timedelta(hours=hours_later)
    moved = SITUATION.model_copy(update={"at": at})

    assert is_open == condition('business_time("office")').holds(facts(situation=moved))


def test_a_fact_is_made_once() -> None:
    made = facts()

    assert made["args"] is made["args"]
    assert ARGUMENTS.keys() == made["args"].keys()
    assert TYPED.names.keys() >= {"args", "tool", "agent", "workflow", "requester", "now"}
