"""Where budgets stand now, for people who look at all of them and not at one call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from countersign.approvals.models import Value
from countersign.approvals.rules.budgets.budget import Budget
from countersign.approvals.rules.budgets.charges import (
    NOTHING,
    Account,
    Charge,
    Used,
    scope_in_words,
)
from countersign.approvals.rules.budgets.windows import period
from countersign.approvals.store.budgets import used
from countersign.approvals.store.schema import budget_counters


class BudgetUse(Value):
    """What is used of one budget within its window, or of one part where it is divided."""

    budget: str
    period: str
    """`today`, `this week`, `this month` or `in 24 hours`."""
    scope: str
    """Of what it is, where it is divided: `payee ACME`."""
    count: int
    count_limit: int | None
    """The hard one, or the soft one where there is no other."""
    value: Decimal
    value_limit: Decimal | None
    currency: str
    mixed: str
    """A use in another currency: then nobody can say how much it is."""
    free_at: datetime | None
    """When all of it is free again; None where it frees up bit by bit."""

    @property
    def share(self) -> float:
        """How much of the limit that is nearest is used: 1 is all of it."""
        shares = [0.0]
        if self.count_limit is not None:
            shares.append(self.count / self.count_limit if self.count_limit else 1.0)
        if self.value_limit is not None:
            shares.append(float(self.value / self.value_limit) if self.value_limit else 1.0)
        return max(shares)


def standings(
    connection: Connection, budgets: Mapping[str, Budget], now: datetime, *, limit: int
) -> list[BudgetUse]:
    """Of each budget the `limit` parts of which most was used when they were counted last, those
    first of which most is used now."""
    found: list[BudgetUse] = []
    column = budget_counters.c
    for name, budget in budgets.items():
        query = select(column.scope).where(column.budget == name)
        most = query.order_by(column["count"].desc(), column.scope).limit(limit)
        scopes = connection.execute(most).scalars().all()
        if not scopes and not budget.per:
            found.append(_use(_charge(name, budget, "{}"), Used(), now))
        for scope in scopes:
            charge = _charge(name, budget, scope)
            found.append(_use(charge, used(connection, charge, now), now))
    return sorted(found, key=lambda use: (-use.share, use.budget, use.scope))


def _charge(name: str, budget: Budget, scope: str) -> Charge:
    return Charge(Account(name, scope), budget, scope_in_words(scope), NOTHING)


def _use(charge: Charge, counted: Used, now: datetime) -> BudgetUse:
    budget = charge.budget
    count, value = budget.count, budget.value
    return BudgetUse(
        budget=charge.account.budget,
        period=period(budget.window),
        scope=charge.scope,
        count=counted.count,
        count_limit=None if count is None else count.soft if count.hard is None else count.hard,
        value=counted.amount,
        value_limit=None if value is None else value.soft if value.hard is None else value.hard,
        currency=budget.currency,
        mixed=counted.mixed,
        free_at=charge.until(now),
    )
