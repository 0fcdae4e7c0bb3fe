"""Rules that no call reaches are found where that can be proved, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.rules.policy import Policy


def rule(number: int, when: str | None, tool: Any = "pay") -> dict[str, Any]:
    more = {} if when is None else {"when": when}
    return {"id": f"r{number}", "tool": tool, "effect": "allow", **more}


def found(*rules: dict[str, Any], tools: dict[str, Any] | None = None) -> list[str]:
    try:
        Policy.load({"rules": list(rules), "tools": tools or {}})
    except ConfigurationError as exc:
        return list(exc.problems)
    return []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (None, "args.x > 1"),
        (None, None),
        ("true", "args.x > 1"),
        ("args.x > 1", "args.x > 1"),
        ("args.x > 1", "args.y == 2 && args.x > 1"),
        ("args.x > 1 && args.y == 2", "args.y == 2 && args.x > 1 && args.z"),
        ("args.x <= 50", "args.x <= 20"),
        ("args.x <= 50", "args.x < 50"),
        ("args.x < 50", "args.x < 50.0"),
        ("args.x < 50", "args.x <= 49"),
        ("args.x <= 50", "20 >= args.x"),
        ("50 > args.x", "args.x < 20"),
        ("args.x >= 5", "args.x > 5"),
        ("args.x > 5", "args.x >= 6"),
        ("args.x >= 5", "args.x == 5"),
        ("args.x > 5", "args.x in [6, 7]"),
        ("args.x != 5", "args.x == 6"),
        ("args.x != 5", "args.x < 5"),
        ("args.x != 5", "args.x > 5"),
        ('args.c in ["EUR", "USD"]', 'args.c == "EUR"'),
        ('args.c in ["EUR", "USD"]', 'args.c in ["USD"]'),
        ('args.c != "EUR"', 'args.c == "USD"'),
        ("args.x || args.y", "args.x"),
        ("args.x < 5 || args.y", "args.x < 3"),
        ("args.x < 5 || args.x > 9", "args.x in [1, 2, 10]"),
        ("!(args.x >= 5 && args.y)", "args.x < 5"),
        ("args.x > 5 ? args.y : args.z", "args.x > 6 && args.y"),
        ("args.x < args.y", "args.y > args.x && args.z"),
        ('money(args.x, "EUR") < money(50, "EUR")', 'money(args.x, "EUR") <= money(20, "EUR")'),
        ("args.x >= -5", "args.x > -5"),
    ],
)
def test_what_comes_too_late_is_found(first: str | None, second: str | None) -> None:
    (said,) = found(rule(1, first), rule(2, second))

    assert said.startswith("policy.rules.r2: is never reached: r1 comes first and already rules")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("args.x > 1", None),
        ("args.x > 1", "args.y > 1"),
        ("args.x > 1 && args.y == 2", "args.x > 1"),
        ("args.x <= 20", "args.x <= 50"),
        ("args.x < 50", "args.x <= 50"),
        ("args.x > 5", "args.x >= 5"),
        ("args.x > 5", "args.x == 5"),
        ("args.x > 5", "args.x in [5, 7]"),
        ("args.x != 5", "args.x <= 5"),
        ("args.x != 5", "args.x >= 5"),
        ("args.x == 5", "args.x > 4"),
        ("args.x > 5", "args.x < 7"),
        ("args.x < 5", "args.x > 7"),
        ("args.x > 5", 'args.x > "5"'),
        ("args.x == args.y", "args.x == 5"),
        ("args.x == null", "args.x == 5"),
        ("args.x == true", "args.x == 1"),
        ('args.c in ["EUR"]', 'args.c in ["EUR", "USD"]'),
        ("args.x || args.y", "args.z"),
        ("args.x < 5 || args.y", "args.x < 6"),
        ("args.x > 5 ? args.y : args.z", "args.x > 5 && args.z"),
    ],
)
def test_what_may_be_reached_is_left_alone(first: str, second: str | None) -> None:
    assert [] == found(rule(1, first), rule(2, second))


@pytest.mark.parametrize(
    ("first", "second", "is_late"),
    [
        ("*", "pay", True),
        ("pay*", "pay", True),
        ("pay_*", "pay_re*", True),
        (["pay", "look"], "look", True),
        ("pay", "*", False),
        ("pay", ["pay", "look"], False),
        ("pay?", "pay*", False),
        ("*_pay", "a_*", False),
        ("p?y", "p?y", True),
        ("p*y", "p*y", True),
        ("p*y*", "p*y_*", False),
    ],
)
def test_tools_and_patterns_cover_each_other(first: Any, second: Any, is_late: bool) -> None:
    assert is_late is bool(found(rule(1, None, first), rule(2, None, second)))


def test_two_rules_together_may_come_first() -> None:
    (said,) = found(rule(1, None, "a"), rule(2, None, "b"), rule(3, "args.x > 1", ["a", "b"]))

    assert "policy.rules.r3: is never reached: r1 and r2 come first" in said


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        (["args.x < 5", "args.x >= 5", "args.x > 2"], "r1 and r2"),
        (["args.x < 5", "args.y > 1", "args.x >= 5", "args.x != 7"], "r1 and r3"),
        (["args.x < 5", "args.x >= 5 && args.y == 1", "args.y == 1"], "r1 and r2"),
        (["args.x <= 5", "args.x in [6, 7]", "args.x > 7", "args.x in [1, 6]"], "r1 and r2"),
        (['args.c == "EUR"', 'args.c == "USD"', 'args.c in ["EUR", "USD"]'], "r1 and r2"),
        (
            ["args.a && args.b", "args.a && !args.b", "!args.a", "args.c || args.a"],
            "r1 and r2 and r3",
        ),
    ],
)
def test_conditions_that_leave_nothing_together(conditions: list[str], names: str) -> None:
    (said,) = found(*(rule(number, when) for number, when in enumerate(conditions, 1)))

    assert (
        f"policy.rules.r{len(conditions)}: is never reached: {names} come first and already rule"
        in said
    )


@pytest.mark.parametrize(
    "conditions",
    [
        ["args.x < 5", "args.x > 5", "args.x > 2"],
        ["args.x < 5", "args.x >= 5 && args.y == 1", "args.y > 0"],
        # What remains when one of the others is changed is no mistake.
        ["args.x < 5", "args.x >= 5", None],
        # A text is neither less nor more than a number: it denies, and is not reached either.
        ["args.x < 5", 'args.x >= "5"', "args.x != 5"],
    ],
)
def test_conditions_that_leave_something(conditions: list[str | None]) -> None:
    assert [] == found(*(rule(number, when) for number, when in enumerate(conditions, 1)))


def test_very_many_rules_are_not_looked_at_together() -> None:
    some = [rule(number, f"args.x == {number}") for number in range(1, 200)]

    assert [] == found(*some, rule(200, "args.x in [1, 500]"))


def test_the_short_form_comes_last() -> None:
    (said,) = found(rule(1, None), tools={"pay": "deny", "look": "allow"})

    assert said.startswith("policy.tools.pay: is never reached: r1 comes first")
    assert [] == found(rule(1, "args.x > 1"), tools={"pay": "deny"})
