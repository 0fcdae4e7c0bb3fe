"""Charges: what a call would draw on each budget that is for it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.wording import cut_visibly, in_words, visible
from countersign.approvals.rules.budgets.budget import Budget
from countersign.approvals.rules.budgets.windows import begins_at, ends_at
from countersign.approvals.rules.conditions.amount import Amount
from countersign.approvals.rules.conditions.facts import Facts
from countersign.approvals.rules.conditions.functions import zone
from countersign.approvals.rules.conditions.values import EvaluationError, kind_of

LONGEST_SCOPE = 200
"""Characters of a scope; a longer one is its SHA-256."""
LONGEST_VALUE = 60
"""Characters of an argument that people read as what a budget is divided by."""
NOTHING = Decimal(0)


class Account(NamedTuple):
    """One budget, or one part of it where it is divided: what is used is counted for each."""

    budget: str
    scope: str
    """The values that it is divided by, as canonical JSON."""


@dataclass(frozen=True, slots=True)
class Used:
    """What is used of an account within its window."""

    count: int = 0
    amount: Decimal = NOTHING
    mixed: str = ""
    """A use in another currency, as `USD 5`: then nobody can say how much it is."""
    fits_at: datetime | None = None
    """When so much of it will have passed that the call fits, where it rolls on."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What one call draws on one account."""

    account: Account
    budget: Budget
    scope: str
    """In the words of people."""
    amount: Decimal

    def since(self, now: datetime) -> datetime:
        """From when on what was used counts."""
        return begins_at(self.budget.window, self.budget.zone or "", now)

    def until(self, now: datetime) -> datetime | None:
        """When all of it is free again; None where it frees up bit by bit."""
        window = self.budget.window
        if isinstance(window, float):
            return None
        name = self.budget.zone or "UTC"
        return ends_at(window, name, now).astimezone(zone(name))


class UncountableError(Exception):
    """A call of which nobody can say what it draws on a budget; the text says why."""


def charge(name: str, budget: Budget, amount: Amount | None, facts: Facts) -> Charge:
    """What the call of these facts draws on a budget. Raises UncountableError."""
    try:
        parts = {by: _part(by, facts) for by in budget.per}
        worth = NOTHING if amount is None else amount.value(facts)
        key = canonical_json(parts).decode()
    except (EvaluationError, InvalidError) as exc:
        raise UncountableError(
            f"What this draws on the budget {name} cannot be counted: {exc}. What cannot be "
            "counted is denied."
        ) from exc
    if len(key) > LONGEST_SCOPE:
        key = f"sha256:{sha256_hex(key.encode())}"
    return Charge(Account(name, key), budget, ", ".join(_in_words(parts)), worth)


def scope_in_words(scope: str) -> str:
    """What people read of a stored scope: `payee ACME`; nothing of one that was too long."""
    return "" if scope.startswith("sha256:") else ", ".join(_in_words(json.loads(scope)))


def _part(by: str, facts: Facts) -> Any:
    """The value that a call has where a budget is divided. Raises EvaluationError."""
    if by == "requester":
        requester = facts["requester"]
        if "id" not in requester:
            raise EvaluationError("requester.id", "is not known here")
        return requester["id"]
    if not by.startswith("args."):
        return facts[by]
    name = by.removeprefix("args.")
    if name not in facts["args"]:
        raise EvaluationError(by, "is missing")
    value = facts["args"][name]
    if isinstance(value, list | dict):
        raise EvaluationError(by, f"is a {kind_of(value)}; a budget is divided by simple values")
    return str(value) if isinstance(value, Decimal) else value


def _in_words(parts: Mapping[str, Any]) -> Iterator[str]:
    for by, value in parts.items():
        label = in_words(by.removeprefix("args.")).lower()
        yield f"{label} {cut_visibly(visible(str(value)).replace(chr(10), ' '), LONGEST_VALUE)}"
