"""What holds of every condition: it raises nothing but our error, and means what CEL means."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import Any

import cel
import celpy
import celpy.adapter
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from countersign.approvals.rules.conditions.checking import Checked
from countersign.approvals.rules.conditions.condition import Condition
from countersign.approvals.rules.conditions.facts import Catalogue, arguments_type
from countersign.approvals.rules.conditions.syntax import ConditionSyntaxError, parse
from countersign.approvals.rules.conditions.values import EvaluationError
from tests.approvals.rules.conditions import expressions
from tests.approvals.rules.conditions.asking import (
    ARGUMENTS,
    CALENDARS,
    SCHEMA,
    TYPED,
    UNTYPED,
    facts,
)

SHARED = Catalogue("t", arguments_type(expressions.SHARED_SCHEMA), CALENDARS)


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(expressions.anything(1), expressions.anything(2), expressions.anything(3)),
    st.one_of(st.just(ARGUMENTS), expressions.arguments_of(sorted(SCHEMA["properties"]))),
    st.sampled_from([TYPED, UNTYPED]),
)
def test_a_checked_condition_raises_nothing_but_our_error(
    text: str, arguments: dict[str, Any], catalogue: Catalogue
) -> None:
    made = Condition.of(parse(text), catalogue)
    if isinstance(made, Checked):
        assert all(isinstance(problem, str) and problem for problem in made.problems)
        return
    holds: bool | None = None
    with suppress(EvaluationError):
        holds = made.holds(facts(arguments))
    if holds is None:
        return
    assert holds in (True, False)
    assert made.why(facts(arguments)) if holds else made.why_not(facts(arguments))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ConditionSyntaxError):
        assert parse(text).text


def shared(text: str) -> Condition:
    """The condition, which is right unless it compares two texts that are both written there."""
    made = Condition.of(parse(text), SHARED)
    if isinstance(made, Checked):
        assert all(" is never " in problem for problem in made.problems)
        assume(False)
    assert isinstance(made, Condition)
    return made


@settings(max_examples=300, deadline=None)
@given(st.one_of(expressions.shared(1), expressions.shared(2)), expressions.ARGUMENTS)
def test_it_means_what_common_expression_language_means(
    text: str, arguments: dict[str, Any]
) -> None:
    made = shared(text)

    assert made.holds(facts(arguments)) is cel.evaluate(text, {"args": arguments})


# cel-python changes the limit of the whole process
@pytest.mark.filterwarnings("ignore:The recursion limit will not be reset")
@settings(max_examples=60, deadline=None)
@given(expressions.shared(1), expressions.ARGUMENTS)
def test_it_means_what_cel_python_means(text: str, arguments: dict[str, Any]) -> None:
    made = shared(text)
    environment = celpy.Environment()
    program = environment.program(environment.compile(text))
    said = program.evaluate({"args": celpy.adapter.json_to_cel(json.loads(json.dumps(arguments)))})

    assert made.holds(facts(arguments)) is bool(said)


def test_conditions_that_are_made_up_are_not_all_wrong() -> None:
    """The property above would hold of a checker that refuses everything."""
    counts: Counter[str] = Counter()

    @settings(max_examples=300, deadline=None, database=None)
    @given(
        st.builds(
            "{} {} {}".format,
            expressions.anything(1),
            st.sampled_from(["==", "!=", "<"]),
            expressions.anything(1),
        )
    )
    def tried(text: str) -> None:
        made = Condition.of(parse(text), UNTYPED)
        if isinstance(made, Condition):
            try:
                made.holds(facts())
                counts["said"] += 1
            except EvaluationError:
                counts["failed"] += 1

    tried()

    assert counts["said"] > 5
    assert counts["failed"] > 5
