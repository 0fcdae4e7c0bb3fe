"""Budgets: where one stands with a call, as people read it and as the request keeps it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from countersign.approvals.models.base import Value


class Limit(StrEnum):
    """Which limit of a budget a call would pass."""

    NONE = ""
    SOFT = "soft"
    """People are asked."""
    HARD = "hard"
    """It stops."""


class Standing(Value):
    """One budget with one call: what would be used of it then. Amounts are exact, as text."""

    budget: str
    period: str
    """`today`, `this week`, `this month` or `in 24 hours`."""
    scope: str = ""
    """Of what it is, where it is divided: `payee ACME`."""
    count: int
    """Calls, this one included."""
    soft_count: int | None = None
    hard_count: int | None = None
    currency: str = ""
    """"" where it limits calls and no value."""
    amount: str = "0"
    """Of this call."""
    value: str = "0"
    """Of all of them, this one included."""
    soft_value: str | None = None
    hard_value: str | None = None
    mixed: str = ""
    """What is used of it in another currency, as `USD 5`: then nobody can say what is left."""
    passes: Limit = Limit.NONE
    frees_at: datetime | None = None
    """When the call would fit, if it is not this one alone that is too much; known where `passes`
    is hard."""
