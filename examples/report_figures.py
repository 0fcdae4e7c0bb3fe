"""The figures of a month: what each account came to, and how far that is from its budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NOTABLE_PERCENT, NOTABLE_CENTS = 10.0, 500_000
"""A difference from the budget has to be explained above both."""


@dataclass(frozen=True)
class Variance:
    """One account. Amounts are in cents; income is negative."""

    account: str
    name: str
    actual_cents: int
    budget_cents: int
    previous_cents: int

    @property
    def difference_cents(self) -> int:
        """Above the budget, or below it if negative."""
        return self.actual_cents - self.budget_cents

    @property
    def percent(self) -> float:
        """Of the budget."""
        return 100 * self.difference_cents / abs(self.budget_cents) if self.budget_cents else 0.0

    @property
    def notable(self) -> bool:
        """Whether it has to be explained. Without a budget, every larger amount has to be."""
        large = abs(self.difference_cents) > NOTABLE_CENTS
        return large and (not self.budget_cents or abs(self.percent) > NOTABLE_PERCENT)


@dataclass(frozen=True)
class Line:
    """One journal line."""

    entry: int
    account: str
    amount_cents: int
    text: str
    posted_by: str


@dataclass(frozen=True)
class Figures:
    """A month as the books have it at one entry."""

    period: str
    ledger_version: int
    currency: str
    variances: tuple[Variance, ...]

    @classmethod
    def of(cls, balances: dict[str, Any]) -> Figures:
        """From what the ERP answers."""
        accounts = tuple(Variance(**each) for each in balances["accounts"])
        version, currency = int(balances["ledger_version"]), str(balances["currency"])
        return cls(str(balances["period"]), version, currency, accounts)

    @property
    def result_cents(self) -> int:
        """Profit, or loss if negative."""
        return -sum(each.actual_cents for each in self.variances)

    def table(self) -> list[dict[str, str]]:
        """The variances for people to read, the notable ones first."""
        ordered = sorted(self.variances, key=lambda each: not each.notable)
        return [
            {
                "Account": f"{each.account} {each.name}",
                f"Actual {self.currency}": _plain(each.actual_cents),
                f"Budget {self.currency}": _plain(each.budget_cents),
                "Difference": _plain(each.difference_cents),
                "%": f"{each.percent:+.1f}",
            }
            for each in ordered
        ]


def money(cents: int, currency: str) -> str:
    """As a person writes it: EUR -1,234.50."""
    return f"{currency} {_plain(cents)}"


def _plain(cents: int) -> str:
    return f"{cents / 100:,.2f}"
