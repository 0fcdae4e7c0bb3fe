"""Nothing lies between two whole numbers: proofs know of which values that holds."""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.approvals.rules.conditions.checking import Checked, check, integers_in
from countersign.approvals.rules.conditions.condition import Condition
from countersign.approvals.rules.conditions.facts import Catalogue, arguments_type
from countersign.approvals.rules.conditions.satisfiability import Proofs, contradiction
from countersign.approvals.rules.conditions.syntax import Node, parse
from countersign.approvals.rules.conditions.values import EvaluationError
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rulebook import Tools
from tests.approvals.rules.conditions.asking import CALENDARS, facts
from tests.approvals.rules.conditions.test_satisfiability import joined

SCHEMA = {
    "type": "object",
    "properties": {
        "x": {"type": "integer"},
        "y": {"type": "number"},
        "l": {"type": "array", "items": {"type": "integer"}},
        "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    },
}
TYPED = Catalogue("t", arguments_type(SCHEMA), CALENDARS)
WHOLE, ANY = (
    range(-2, 5),
    [-2, -1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 3],
)
LITERALS = ["0", "1", "2", "0.5", "1.5", "2.0", "-1", "-0.5"]


def integers(text: str) -> frozenset[Node]:
    return integers_in([check(parse(text), TYPED)])


def compared() -> st.SearchStrategy[str]:
    name, op = st.sampled_from(["args.x", "args.y"]), st.sampled_from("< <= > >= == !=".split())
    plain = st.builds("{} {} {}".format, name, op, st.sampled_from(LITERALS))
    listed = st.lists(st.sampled_from(LITERALS), min_size=1, max_size=3).map(", ".join)
    return st.one_of(plain, st.builds("{} in [{}]".format, name, listed))


def holds(text: str, x: Any, y: Any) -> bool:
    made = Condition.of(parse(text), TYPED)
    assert isinstance(made, Condition), made
    with suppress(EvaluationError):
        return made.holds(facts({"x": x, "y": y, "l": [], "maybe": None}))
    return False


@settings(max_examples=300, deadline=None)
@given(st.recursive(compared(), joined, max_leaves=6))
def test_it_is_said_to_be_impossible_exactly_if_no_value_makes_it_true(text: str) -> None:
    possible = any(holds(text, x, y) for x, y in product(WHOLE, ANY))
    whole = integers(text)

    assert possible is not Proofs().excluded([parse(text)], (), whole)
    assert possible is (contradiction(parse(text), whole) is None)


def test_values_that_are_excluded_elsewhere_leave_what_lies_between() -> None:
    text = "args.x >= 1 && args.x <= 2 && args.x != 1 && args.x != 5 && args.x != 7"

    assert contradiction(parse(text), integers(text)) is None
    assert contradiction(parse(f"{text} && args.x != 2"), integers(text)) is not None


@pytest.mark.parametrize(
    "text",
    [
        "args.x > 1 && args.x < 2",
        "args.x >= 1.5 && args.x < 2",
        "args.x == 1.5",
        "args.x > 0 && args.x < 3 && args.x != 1 && args.x != 2",
        "args.l.size() > 1 && size(args.l) > 1 && args.l.size() < 2",
        "args.l[0] > 1 && args.l[0] < 2",
        "args.x + 1 > 1 && args.x + 1 < 2",
        "args.maybe != null && args.maybe > 1 && args.maybe < 2",
    ],
)
def test_what_no_whole_number_can_be_is_impossible(text: str) -> None:
    assert contradiction(parse(text), integers(text)) is not None
    assert contradiction(parse(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "args.y > 1 && args.y < 2",
        "args.x > 1 && args.x < 3",
        "args.x >= 1.5 && args.x <= 2",
        "args.x > 0 && args.x < 3 && args.x != 1",
        "args.x > 1 && args.x < 1000000000000 && args.x != 5",
        'args.x != 1 && money(args.x, "EUR") > money(1, "EUR") && money(args.x, "EUR") < '
        'money(2, "EUR")',
    ],
)
def test_what_some_number_can_be_is_not(text: str) -> None:
    assert contradiction(parse(text), integers(text)) is None


def test_it_is_known_of_what_is_whole_for_every_tool() -> None:
    other = Catalogue(
        "u", arguments_type({"type": "object", "properties": {"x": {"type": "number"}}}), CALENDARS
    )
    node = parse("args.x > 1")
    both: list[Checked] = [check(node, TYPED), check(node, other)]

    assert frozenset() == integers_in(both)
    assert frozenset() == integers_in([])
    assert {node.parts[0]} == integers_in(both[:1])


def found(*rules: dict[str, Any], **tools: str) -> list[tuple[str, str]]:
    """What is wrong with rules on tools that take `x`, of this JSON type."""
    policy = Policy.load({"rules": [{"effect": "allow", **rule} for rule in rules]})
    schemas = {
        ("w", tool): {"type": "object", "properties": {"x": {"type": kind}}}
        for tool, kind in tools.items()
    }
    return policy.knowing(Tools(schemas)).problems()


def test_a_rule_between_two_whole_numbers_is_named_only_where_there_are_no_others() -> None:
    odd = {"id": "odd", "tool": "count*", "when": "args.x > 1 && args.x < 2"}
    says = (
        "is never true: args.x > 1 and args.x < 2 exclude each other; write || between them, or "
        "remove the rule"
    )

    assert [("rules.odd.when", says)] == found(odd, count="integer", counted="integer")
    assert [] == found(odd, count="integer", counted="number")


def test_a_rule_that_others_leave_no_whole_number_to_is_never_reached() -> None:
    rules: list[dict[str, Any]] = [
        {"id": "low", "tool": "count", "when": "args.x <= 1"},
        {"id": "high", "tool": "count", "when": "args.x >= 2"},
        {"id": "left", "tool": "count", "when": "args.x != 7"},
    ]

    assert ["rules.left"] == [where for where, _ in found(*rules, count="integer")]
    assert [] == found(*rules, count="number")


def test_an_edit_whose_limit_no_whole_number_is_is_an_error() -> None:
    edits = {"second_person_above": "args.x > 1 && args.x < 2"}
    rule = {
        "id": "pay", "tool": "count", "effect": "require_approval", "roles": ["manager"],
        "deadline": "1h", "edits": edits,
    }  # fmt: skip

    assert ["rules.pay.edits.second_person_above"] == [w for w, _ in found(rule, count="integer")]
    assert [] == found(rule, count="number")
