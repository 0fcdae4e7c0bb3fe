"""Comparing a field is what comparing the same value by another way is, also where it cannot be."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from countersign.approvals.rules.conditions.values import EvaluationError
from tests.approvals.rules.conditions.asking import UNTYPED, ask

VALUES: list[Any] = [
    9,
    10,
    10.0,
    -0.5,
    2**60,
    "EUR",
    "eur",
    "",
    "10",
    None,
    True,
    False,
    [],
    [10],
    {},
]


def said(text: str, arguments: dict[str, Any]) -> bool | str:
    try:
        return ask(text, arguments, UNTYPED)
    except EvaluationError as exc:
        return exc.says


@pytest.mark.parametrize(
    ("op", "literal"), [*product("< <= > >= == !=".split(), ["10", "-0.5", '"EUR"', '""'])]
)
def test_field_is_compared_as_any_value_is(op: str, literal: str) -> None:
    for value in VALUES:
        arguments = {"x": value}

        assert said(f"[args.x][0] {op} {literal}", arguments) == said(
            f"args.x {op} {literal}", arguments
        ), value
    assert "is missing" == said(f"args.x {op} {literal}", {"y": 10})
    assert "is missing" == said(f"args.x.y {op} {literal}", {"x": {"z": 10}})


def test_field_is_compared_with_what_is_no_literal() -> None:
    arguments = {"x": True, "text": "a"}

    assert ask("args.x == args.text.startsWith('a')", arguments, UNTYPED)
    assert not ask("args.x != args.text.startsWith('a')", arguments, UNTYPED)
    assert ask("args.text == args.text", arguments, UNTYPED)


@pytest.mark.parametrize("op", ["<=", "==", "!="])
@pytest.mark.parametrize("literal", ["10", '"EUR"'])
@pytest.mark.parametrize("element", [3, "EUR", None, {}, {"amount": 10}, {"amount": "EUR"}])
def test_field_of_an_element_is_compared_as_any_value_is(
    op: str, literal: str, element: Any
) -> None:
    arguments = {"lines": [element]}
    one, other = (
        said(f"args.lines.exists(l, {value} {op} {literal})", arguments)
        for value in ("l.amount", "[l][0].amount")
    )

    assert one == other
