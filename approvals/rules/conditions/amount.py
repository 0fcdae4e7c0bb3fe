"""Amounts: expressions that give a number or a sum of money, in the language of conditions."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact
from fractions import Fraction

from countersign.approvals.rules.conditions.checking import Checked, check_value
from countersign.approvals.rules.conditions.evaluating import compiled
from countersign.approvals.rules.conditions.facts import Catalogue, Facts
from countersign.approvals.rules.conditions.syntax import Node
from countersign.approvals.rules.conditions.types import Type
from countersign.approvals.rules.conditions.values import (
    NUMBERS,
    EvaluationError,
    Money,
    kind_of,
    shown,
)

WHOLE_DIGITS, DECIMALS = 24, 12
"""An amount with more of them is no amount."""
_EXACT = Context(prec=100, traps=[Inexact])


class Amount:
    """An expression that is worth so much of one currency. Make it by `of`."""

    def __init__(self, checked: Checked, currency: str):
        self.checked, self._currency = checked, currency
        self._run = None if checked.problems else compiled(checked.node, checked)

    @classmethod
    def of(cls, node: Node, currency: str, catalogue: Catalogue) -> Amount:
        """The expression on one tool; its `checked.problems` say what is wrong with it."""

        def wrong(found: Type) -> str | None:
            if found.nullable or not (found.is_number or found.kind in ("money", "dyn")):
                return f"{node.text} is a {found}; an amount is a number or a sum of money"
            if found.kind == "money" and found.values and found.values[0] != currency:
                return f"{node.text} is in {found.values[0]}, and the budget is in {currency}"
            return None

        return cls(check_value(node, catalogue, wrong), currency)

    def value(self, facts: Facts) -> Decimal:
        """How much it is, exactly, and not below nothing. Raises EvaluationError."""
        text = self.checked.node.text
        if self._run is None:
            raise EvaluationError(text, f"is wrong: {self.checked.problems[0]}")
        try:
            found = self._run(facts)
        except RecursionError as exc:
            raise EvaluationError(text, "is of arguments that are nested too deep") from exc
        if type(found) is Money:
            if found.currency != self._currency:
                said = f"is {found}, and the budget is in {self._currency}"
                raise EvaluationError(text, said)
            found = found.amount
        if type(found) not in NUMBERS:
            raise EvaluationError(text, f"is a {kind_of(found)}, not an amount")
        return _exact(found, text)


def exact_decimal(amount: Decimal) -> Decimal:
    """The same amount without zeros at its end."""
    return _EXACT.normalize(amount)


def plus(one: Decimal, other: Decimal) -> Decimal:
    """The sum of two amounts."""
    return exact_decimal(_EXACT.add(one, other))


def minus(one: Decimal, other: Decimal) -> Decimal:
    """The difference of two amounts."""
    return exact_decimal(_EXACT.subtract(one, other))


def amount_text(amount: Decimal) -> str:
    """As it is stored: digits, and a point where one is needed."""
    return f"{amount:f}"


def _exact(number: int | Decimal | Fraction, text: str) -> Decimal:
    exact = Fraction(number)
    scaled = exact * 10**DECIMALS
    if scaled.denominator != 1 or abs(exact) >= 10**WHOLE_DIGITS:
        raise EvaluationError(text, f"is {shown(number)}, which has more digits than an amount has")
    if exact < 0:
        raise EvaluationError(text, f"is {shown(number)}, which is less than nothing")
    return exact_decimal(Decimal(f"{scaled.numerator}e-{DECIMALS}"))
