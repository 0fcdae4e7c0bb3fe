"""Why a condition holds or does not, with the values that decide."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from countersign.approvals.rules.conditions.checking import Checked
from countersign.approvals.rules.conditions.condition import Condition
from countersign.approvals.rules.conditions.syntax import parse
from countersign.approvals.rules.conditions.values import Money, kind_of, shown
from tests.approvals.rules.conditions.asking import NOON, TYPED, condition, facts


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("args.count < 7", "args.count < 7 is false: args.count is 7"),
        (
            'args.urgent && args.amount > 50 && args.name == "x"',
            "args.amount > 50 is false: args.amount is 0.1",
        ),
        ("args.count / 0 == 1 && args.count == 8", "args.count == 8 is false: args.count is 7"),
        (
            "args.count == 8 || args.amount > 1",
            "args.count == 8 || args.amount > 1 is false: args.count is 7, args.amount is 0.1",
        ),
        ("args.lines.size() > 3", "args.lines.size() > 3 is false: args.lines.size() is 2"),
        (
            "args.tags.all(t, t.size() > 3)",
            'args.tags.all(t, t.size() > 3) is false: args.tags is ["new", "vip"]',
        ),
        (
            'now.getHours("UTC") > 12',
            'now.getHours("UTC") > 12 is false: now.getHours("UTC") is 11',
        ),
        (
            'business_time("night")',
            'business_time("night") is false: Tue 1 Dec 2026, 06:00 in America/New_York is no '
            "working day",
        ),
        ("has(args.other) && args.other > 1", "has(args.other) is false"),
        ("false", "false is false"),
        (
            "args.numbers[0] > 1 || args.numbers[9] > 1 && false",
            "args.numbers[0] > 1 || args.numbers[9] > 1 && false is false: args.numbers[0] is 1, "
            "args.numbers[9] is missing: there are 3",
        ),
        (
            "args.numbers[args.count] > 1 && false",
            "false is false",
        ),
        (
            "args.numbers[int(args.amount)] > 1",
            "args.numbers[int(args.amount)] > 1 is false: args.numbers is [1, 2.5, 3], "
            "args.amount is 0.1",
        ),
    ],
)
def test_why_not_names_the_part_that_says_no(text: str, why: str) -> None:
    assert why == condition(text).why_not(facts())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("args.count == 7", "args.count == 7 (args.count is 7)"),
        (
            "args.count == 7 && args.count > 1",
            "args.count == 7 && args.count > 1 (args.count is 7)",
        ),
        ("true", "true"),
        (
            "args.lines.map(l, l.amount).sum() < 1",
            "args.lines.map(l, l.amount).sum() < 1 (args.lines.map(l, l.amount).sum() is 0.3)",
        ),
    ],
)
def test_why_says_the_values_by_which_it_holds(text: str, why: str) -> None:
    assert why == condition(text).why(facts())


def test_a_wrong_one_is_no_condition() -> None:
    wrong = Condition.of(parse("args.xyz > 1"), TYPED)

    assert isinstance(wrong, Checked)
    assert wrong.problems


@pytest.mark.parametrize(
    ("value", "said", "kind"),
    [
        (True, "true", "truth value"),
        (False, "false", "truth value"),
        (None, "null", "null"),
        (Fraction(1, 3), "1/3", "number"),
        ('a"b\\\n', '"a\\"b\\\\\\n"', "text"),
        ([1] * 12, "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, …]", "list"),
        ({"a": [None]}, "{a: [null]}", "object"),
        (NOON, "2026-12-01T11:00:00+00:00", "time"),
        (timedelta(hours=1), "1:00:00", "duration"),
        (Money(Fraction(1, 3), "EUR"), "EUR 1/3", "sum of money"),
        ("x" * 100, '"' + "x" * 79 + "…", "text"),
        ({1}, "{1}", "value of another kind"),
    ],
)
def test_values_are_shown_as_they_are_written(value: Any, said: str, kind: str) -> None:
    assert (said, kind) == (shown(value), kind_of(value))
