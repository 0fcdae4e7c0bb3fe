"""What is said to be impossible never happens; what is impossible of comparisons is found."""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from countersign.approvals.rules.conditions.checking import Checked
from countersign.approvals.rules.conditions.condition import Condition
from countersign.approvals.rules.conditions.satisfiability import Proofs, contradiction
from countersign.approvals.rules.conditions.syntax import parse
from countersign.approvals.rules.conditions.values import EvaluationError
from tests.approvals.rules.conditions import expressions
from tests.approvals.rules.conditions.asking import (
    ARGUMENTS,
    SCHEMA,
    UNTYPED,
    facts,
)

VALUES: list[Any] = [-1, 0, 1, 2, 2.5, "a", True, None]
NUMBERS = [0, 1, 2, 3, 0.5, 1.5, 2.5, -1]


def compared() -> st.SearchStrategy[str]:
    name, op = st.sampled_from(["args.x", "args.y"]), st.sampled_from("< <= > >= == !=".split())
    number = st.builds("{} {} {}".format, name, op, st.integers(0, 2))
    turned = st.builds("{2} {1} {0}".format, name, op, st.integers(0, 2))
    listed = st.builds("{} in {}".format, name, st.lists(st.integers(0, 2), max_size=3))
    other = st.builds(
        "{} {} {}".format,
        name,
        st.sampled_from(["==", "!="]),
        st.sampled_from(['"a"', "true", "null", '"b"', "-1"]),
    )
    return st.one_of(number, turned, listed, other, st.sampled_from(["true", "false"]))


def joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.builds("({}) {} ({})".format, inner, st.sampled_from(["&&", "||"]), inner)
    three = st.builds("({}) ? ({}) : ({})".format, inner, inner, inner)
    return st.one_of(two, three, st.builds("!({})".format, inner))


CONDITIONS = st.recursive(compared(), joined, max_leaves=6)


def value(text: str, arguments: dict[str, Any]) -> bool | None:
    """What a condition is of some arguments; None if it fails."""
    made = Condition.of(parse(text), UNTYPED)
    if isinstance(made, Checked):  # nothing to be asked of: `args.x < 1 && "a" < 2`
        return None
    with suppress(EvaluationError):
        return made.holds(facts(arguments))
    return None


@settings(max_examples=150, deadline=None)
@given(st.lists(CONDITIONS, max_size=2), st.lists(CONDITIONS, max_size=2))
@example(["args.x == 1"], ["args.x < 5 || args.y == 2"])
def test_what_is_excluded_never_happens(true: list[str], false: list[str]) -> None:
    """Also of texts, truth values and null, where comparisons fail."""
    if not Proofs().excluded([parse(text) for text in true], [parse(text) for text in false]):
        return
    for x, y in product(VALUES, VALUES):
        found = [value(text, {"x": x, "y": y}) for text in (*true, *false)]
        assert found != [True] * len(true) + [False] * len(false), (x, y)


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(expressions.anything(1), expressions.anything(2)),
    st.one_of(expressions.anything(1), expressions.anything(2)),
    st.one_of(st.just(ARGUMENTS), expressions.arguments_of(sorted(SCHEMA["properties"]))),
)
def test_nor_of_all_that_can_be_written(one: str, other: str, arguments: dict[str, Any]) -> None:
    found = (value(one, arguments), value(other, arguments))
    for wanted in product((True, False), (True, False)):
        true = [parse(text) for text, holds in zip((one, other), wanted, strict=True) if holds]
        false = [parse(text) for text, holds in zip((one, other), wanted, strict=True) if not holds]

        assert found != wanted or not Proofs().excluded(true, false)


def of_numbers() -> st.SearchStrategy[str]:
    name, op = st.sampled_from(["args.x", "args.y"]), st.sampled_from("< <= > >= == !=".split())
    return st.builds("{} {} {}".format, name, op, st.integers(0, 2))


@settings(max_examples=200, deadline=None)
@given(st.recursive(of_numbers(), joined, max_leaves=6))
def test_of_comparisons_with_numbers_all_that_is_impossible_is_found(text: str) -> None:
    possible = any(value(text, {"x": x, "y": y}) for x, y in product(NUMBERS, NUMBERS))

    assert possible is not Proofs().excluded([parse(text)])
    assert possible is (contradiction(parse(text)) is None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("args.x > 10 && args.x < 5", "args.x > 10 and args.x < 5 exclude each other"),
        ("args.y && args.x > 10 && !args.y", "args.y and !args.y exclude each other"),
        ('args.x == "a" && args.x in ["b", "c"]', 'args.x == "a" and args.x in ["b", "c"] exclude'),
        ("(args.x < 1 || args.x > 2) && args.x > 1 && args.x < 2", "the parts of (args.x < 1 ||"),
        ("args.x >= 5 && args.x <= 5 && args.x != 5", "the parts of args.x >= 5 && args.x <= 5"),
        ("!(args.y || !args.y)", "the parts of !(args.y || !args.y) exclude each other"),
        ("args.x < 1 && args.x in []", "args.x < 1 and args.x in [] exclude each other"),
    ],
)
def test_a_contradiction_is_named_by_its_parts(text: str, said: str) -> None:
    found = contradiction(parse(text))

    assert found is not None
    assert found.startswith(said)


@pytest.mark.parametrize(
    "text", ["args.x > 10 || args.x < 5", "args.x >= 5 && args.x <= 5", "true"]
)
def test_what_may_be_true_is_no_contradiction(text: str) -> None:
    assert contradiction(parse(text)) is None


def test_what_takes_too_long_is_left_open() -> None:
    """Each of ten pigeons in one of nine holes, and no two in the same."""
    each = " && ".join(
        "(" + " || ".join(f"args.p{pigeon}h{hole}" for hole in range(9)) + ")"
        for pigeon in range(10)
    )
    apart = " && ".join(
        f"(!args.p{one}h{hole} || !args.p{other}h{hole})"
        for hole in range(9)
        for one in range(10)
        for other in range(one)
    )

    assert contradiction(parse("args.a && !args.a")) is not None
    proofs = Proofs()
    assert not proofs.excluded([*map(parse, each.split(" && ")), *map(parse, apart.split(" && "))])
