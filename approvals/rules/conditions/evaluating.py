"""Evaluating: a checked condition as functions of the facts. Every failure is an EvaluationError.

As in CEL the order of `&&`, `||`, `all` and `exists` decides nothing: what one side settles holds,
also if the other one fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from countersign.approvals.rules.conditions.checking import Checked
from countersign.approvals.rules.conditions.facts import Facts
from countersign.approvals.rules.conditions.functions import (
    BUSINESS_TIME,
    FUNCTIONS,
    HAS,
    SAME,
    TOTAL,
    accepts,
)
from countersign.approvals.rules.conditions.operating import Run, operator
from countersign.approvals.rules.conditions.syntax import Node
from countersign.approvals.rules.conditions.values import (
    NUMBERS,
    EvaluationError,
    Money,
    decimal_of,
    kind_of,
)

MOST_STEPS = 20_000
"""Elements of lists that one ruling looks at: the agent wrote them."""


def compiled(node: Node, checked: Checked) -> Run:
    """A step of a checked condition as a function that gives its value, or raises
    EvaluationError."""
    if id(node) in checked.dead:  # and so not checked: what stands before it has decided
        return lambda facts: None  # neither true nor false
    inner = [compiled(part, checked) for part in node.parts]
    if node.op in _MAKERS:
        return _MAKERS[node.op](node, inner, checked)
    return operator(node, *inner, whole=id(node) in checked.whole)


def truth(value: Any, where: str) -> bool:
    """A truth value. Raises EvaluationError."""
    if value is True or value is False:
        return bool(value)
    raise EvaluationError(where, f"is a {kind_of(value)}, neither true nor false")


def _literal(node: Node, inner: Sequence[Run], checked: Checked) -> Run:
    value = node.value
    return lambda facts: value


def _name(node: Node, inner: Sequence[Run], checked: Checked) -> Run:
    name = node.name
    return lambda facts: facts[name]


def _select(node: Node, inner: Sequence[Run], checked: Checked) -> Run:
    if node.parts[0].op == "name":
        return _field(node)
    (target,), name, text, of = inner, node.name, node.text, node.parts[0].text

    def run(facts: Facts) -> Any:
        value = target(facts)
        if type(value) is not dict:
            raise EvaluationError(of, f"is a {kind_of(value)}, so it has no {name}")
        if name not in value:
            raise EvaluationError(text, "is missing")
        return value[name]

    return run


def _field(node: Node) -> Run:
    """A field of a fact, without a step for the fact: most conditions are about those."""
    fact, name, text = node.parts[0].name, node.name, node.text

    def run(facts: Facts) -> Any:
        value = facts[fact]
        if type(value) is not dict:
            raise EvaluationError(fact, f"is a {kind_of(value)}, so it has no {name}")
        if name not in value:
            raise EvaluationError(text, "is missing")
        return value[name]

    return run


def _index(node: Node, inner: Sequence[Run], checked: Checked) -> Run:
    target, key = inner

    def run(facts: Facts) -> Any:
        value, at = target(facts), key(facts)
        if type(value) is dict and type(at) is str:
            if at not in value:
                raise EvaluationError(node.text, "is missing")
            return value[at]
        if type(value) is not list or type(at) not in NUMBERS or at != int(at):
            what = f"is a {kind_of(value)}, which has no element {node.parts[1].text}"
            raise EvaluationError(node.parts[0].text, what)
        if not 0 <= at < len(value):
            raise EvaluationError(node.text, f"is missing: there are {len(value)}")
        return value[int(at)]

    return run


def _list(node: Node, inner: Sequence[Run], checked: Checked) -> Run:
    return lambda facts: [run(facts) for run in inner]


def _call(node: Node, inner: Sequence[Run], checked: Checked) -> Run:
    if node.name == HAS:
        return _has(node, checked)
    if node.name == BUSINESS_TIME:
        name = node.parts[0].value
        return lambda facts: facts.calendars[name].is_open(facts["now"])
    if node.name in (SAME, TOTAL):
        return _of_argument(node)
    function, text = FUNCTIONS[node.name], node.text
    takes, call = function.takes, function.run

    def run(facts: Facts) -> Any:
        values = [each(facts) for each in inner]
        for value, kinds, part in zip(values, takes, node.parts, strict=False):
            if not accepts(kinds, value):
                said = f"is a {kind_of(value)}, which {node.name}() does not take"
                raise EvaluationError(part.text, said)
        return call(text, *values)

    return run


def _of_argument(node: Node) -> Run:
    """What was seen of one argument when the call was proposed."""
    fact, kind, name, text = node.parts[0].name, node.name, node.parts[1].value, node.text

    def run(facts: Facts) -> Any:
        known = facts[fact].get(kind, {})
        if name not in known:
            raise EvaluationError(text, "is not known here")
        value = known[name]
        if kind == SAME:
            return value
        if type(value) is not str:
            raise EvaluationError(text, "is not known here")
        return decimal_of(value, text)

    return run


def _has(node: Node, checked: Checked) -> Run:
    (asked,) = node.parts
    (target,), name = asked.parts, asked.name
    of = compiled(target, checked)

    def run(facts: Facts) -> bool:
        value = of(facts)
        if type(value) is not dict:
            raise EvaluationError(target.text, f"is a {kind_of(value)}, so it has no {name}")
        return name in value

    return run


def _junction(node: Node, inner: Sequence[Run], checked: Checked) -> Run:
    decides: bool = node.op == "or"
    other = not decides
    parts = list(zip(inner, (part.text for part in node.parts), strict=True))

    def run(facts: Facts) -> bool:
        failed: EvaluationError | None = None
        for each, text in parts:
            try:
                said = each(facts)
                if said is not other and truth(said, text) is decides:
                    return decides
            except EvaluationError as exc:
                failed = failed or exc
        if failed is not None:
            raise failed
        return not decides

    return run


def _not(node: Node, inner: Sequence[Run], checked: Checked) -> Run:
    (of,), text = inner, node.parts[0].text
    return lambda facts: not truth(of(facts), text)


def _neg(node: Node, inner: Sequence[Run], checked: Checked) -> Run:
    (of,), text = inner, node.parts[0].text

    def run(facts: Facts) -> Any:
        value = of(facts)
        if type(value) is Money:
            return Money(-value.amount, value.currency)
        if type(value) in NUMBERS or type(value) is timedelta:
            return -value
        raise EvaluationError(text, f"is a {kind_of(value)}, of which there is no negative")

    return run


def _ternary(node: Node, inner: Sequence[Run], checked: Checked) -> Run:
    condition, yes, no = inner
    text = node.parts[0].text
    return lambda facts: (yes if truth(condition(facts), text) else no)(facts)


def _macro(node: Node, inner: Sequence[Run], checked: Checked) -> Run:
    (target, body), name, of, text = inner, node.name, node.parts[0].text, node.parts[1].text
    kind = node.value

    def elements(facts: Facts) -> list[Any]:
        values = target(facts)
        if type(values) is not list:
            raise EvaluationError(of, f"is a {kind_of(values)}, not a list")
        facts.steps[0] += len(values)
        if facts.steps[0] > MOST_STEPS:
            raise EvaluationError(of, f"makes more than {MOST_STEPS} elements to look at")
        return values

    def each(facts: Facts, value: Any) -> Any:
        return body(facts.having(name, value))

    def decided(facts: Facts) -> bool:
        decides, failed = kind == "exists", None
        for value in elements(facts):
            try:
                if truth(each(facts, value), text) is decides:
                    return decides
            except EvaluationError as exc:
                failed = failed or exc
        if failed is not None:
            raise failed
        return not decides

    def chosen(facts: Facts) -> list[Any]:
        return [value for value in elements(facts) if truth(each(facts, value), text)]

    if kind in ("all", "exists"):
        return decided
    if kind == "map":
        return lambda facts: [each(facts, value) for value in elements(facts)]
    return chosen if kind == "filter" else lambda facts: len(chosen(facts)) == 1


_MAKERS: dict[str, Callable[[Node, Sequence[Run], Checked], Run]] = {
    "literal": _literal,
    "name": _name,
    "select": _select,
    "index": _index,
    "list": _list,
    "call": _call,
    "macro": _macro,
    "and": _junction,
    "or": _junction,
    "not": _not,
    "neg": _neg,
    "ternary": _ternary,
}
