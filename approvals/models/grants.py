"""Grants: a standing yes to calls that are alike, within bounds, by those who may approve each."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NewType

from pydantic import Field

from countersign.approvals.models.base import JsonObject, PrincipalId, RequestId, SessionId, Value
from countersign.approvals.models.principals import Via

GrantId = NewType("GrantId", str)


class Terms(Value):
    """What somebody says yes to: the next so many, until then, up to so much in total; what is not
    said is as much as the rule permits."""

    uses: int | None = Field(default=None, ge=1)
    for_s: float | None = Field(default=None, gt=0)
    """From now on."""
    total: Decimal | None = Field(default=None, gt=0)
    """In the currency that the rule names."""
    when: str | None = Field(default=None, max_length=2_000)
    """Only calls of which this is true, as in a rule."""


class Offer(Value):
    """Terms that a card offers beside Approve."""

    key: str
    title: str
    terms: Terms


class Giver(Value):
    """One person's yes to a grant."""

    by: PrincipalId
    name: str
    stage: int
    also: tuple[int, ...] = ()
    """Later stages for which it counts as well."""
    via: Via
    identity: str
    at: datetime


class Grant(Value):
    """A standing yes, as it was given; how far it is used is counted beside it."""

    id: GrantId
    request_id: RequestId
    """The request on which it was given: what is alike is alike to this one."""
    workflow: str
    tool: str
    rule_id: str
    rule_sha256: str
    """Of the rule as it was: what it is for, whom it asks, what it permits."""
    same: JsonObject
    """Arguments that have to be equal, with their values."""
    when: tuple[str, ...] = ()
    """Conditions that have to be true."""
    uses: int | None
    total: Decimal | None
    currency: str | None
    expires_at: datetime | None
    givers: tuple[Giver, ...]
    step: int = 0
    """Of the plan that `request_id` is, from 1; 0 for a grant that is part of no plan."""
    session_id: SessionId | None = None
    """The only session in which it holds; None: in all."""
    varying: tuple[str, ...] = ()
    """The arguments that a plan lets vary; all others are as it says."""
    complete: bool
    """Whether every stage of the rule has given it; until then nothing runs by it."""
    created_at: datetime
    revoked_at: datetime | None = None
    revoked_by: PrincipalId | None = None
    revoked_by_name: str | None = None

    @property
    def names(self) -> str:
        """Who gave it."""
        return " and ".join(giver.name for giver in self.givers)

    @property
    def of_plan(self) -> str:
        """`step 2 of the plan R-…`; "" for a grant that is part of none."""
        return f"step {self.step} of the plan {self.request_id}" if self.step else ""

    @property
    def words(self) -> str:
        """What it allows, as a clause: `the next 20, until 2026-12-04 17:00 UTC, up to 500 EUR`."""
        parts = [self.of_plan] if self.step else []
        if self.uses is not None:
            parts.append("the next one" if self.uses == 1 else f"the next {self.uses}")
        if self.expires_at is not None:
            parts.append(f"until {self.expires_at:%Y-%m-%d %H:%M} UTC")
        if self.total is not None:
            parts.append(f"up to {self.total} {self.currency or ''} in total".replace("  ", " "))
        return ", ".join(parts)


class Used(Value):
    """How far a grant is used."""

    uses: int = 0
    total: Decimal = Decimal(0)

    def of(self, grant: Grant) -> str:
        """`7th of 20`, and how much of how much."""
        count = ordinal(self.uses)
        parts = [count if grant.uses is None else f"{count} of {grant.uses}"]
        if grant.total is not None:
            parts.append(f"{self.total} of {grant.total} {grant.currency or ''}".rstrip())
        return ", ".join(parts)


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, `11th`."""
    teen = number % 100 in (11, 12, 13)
    ending = "th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
