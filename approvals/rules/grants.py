"""Grants in a rule: whether people may give a standing yes, within which bounds, for which calls.

grants: {max_uses: 20, max_duration: 7d, max_total: 500 EUR, value: amount, currency: currency,
         same: [customer_id]}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.forms.wording import duration_words
from countersign.approvals.models import (
    Grant,
    JsonObject,
    Offer,
    People,
    Request,
    Stage,
    Terms,
    Used,
    Value,
    Verdict,
    Vote,
)
from countersign.approvals.rules.durations import Seconds

_MONEY = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)(?: ([A-Z]{3}))?", re.ASCII)
_FEW, _DAY_S = 5, 86_400.0
"""What a card offers beside the most that the rule permits."""
_DECIMAL = re.compile(r"\d{1,15}(?:\.\d{1,12})?", re.ASCII)


class Money(Value):
    """An amount, and its currency where there is one."""

    amount: Decimal = Field(gt=0)
    currency: str | None = None


class Grants(Value):
    """What a rule permits to be given."""

    max_uses: int | None = Field(default=None, ge=1, le=100_000)
    max_duration: Seconds | None = None
    max_total: Money | None = None
    value: str | None = None
    """The argument whose values add up."""
    currency: str | None = None
    """The argument that names the currency; another one than that of `max_total` is not covered."""
    same: tuple[str, ...] = ()
    """Arguments that have to be equal to those of the call on which it was given."""
    irreversible: bool = False
    """Whether it may be given for a tool that cannot be undone."""

    @field_validator("max_total", mode="before")
    @classmethod
    def _money(cls, value: Any) -> Any:
        found = _MONEY.fullmatch(value) if isinstance(value, str) else None
        if isinstance(value, int) and not isinstance(value, bool):
            return {"amount": value}
        if found is None and not isinstance(value, Mapping | Money | None):
            raise ValueError(f"{value!r} is no amount of money; write for example 500 EUR")
        return value if found is None else {"amount": found[1], "currency": found[2]}

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if (self.max_uses, self.max_duration, self.max_total) == (None, None, None):
            raise ValueError("needs a bound: max_uses, max_duration or max_total")
        if (self.max_total is None) != (self.value is None):
            raise ValueError("max_total and value go together: value names the argument to add up")
        if self.currency is not None and (self.max_total is None or not self.max_total.currency):
            raise ValueError("currency is for a max_total with one: write for example 500 EUR")
        if self.max_total is not None and self.max_total.currency and self.currency is None:
            raise ValueError("currency has to name the argument with the currency of a call")
        return self

    def arguments(self) -> list[str]:
        """The arguments that it speaks of."""
        return list(dict.fromkeys([*self.same, *filter(None, (self.value, self.currency))]))


@dataclass(frozen=True)
class Permitted:
    """What the rule that asks people about a call permits to be given."""

    grants: Grants
    rule_id: str
    stages: tuple[Stage, ...]
    sha256: str
    """Of the rule, as far as a grant depends on it."""


def bounds(permitted: Grants, terms: Terms) -> tuple[int | None, float | None, Decimal | None]:
    """Uses, seconds and total, as wanted or as much as is permitted.

    Raises ValueError for what is beyond that.
    """
    most = None if permitted.max_total is None else permitted.max_total.amount
    if terms.total is not None and most is None:
        raise ValueError("The rule permits no grant by total.")
    return (
        _within("uses", terms.uses, permitted.max_uses),
        _within("seconds", terms.for_s, permitted.max_duration),
        _within("in total", terms.total, most),
    )


def _within(what: str, wanted: Any, most: Any) -> Any:
    if wanted is None:
        return most
    if most is not None and wanted > most:
        raise ValueError(f"The rule permits {most:g} {what} at most, not {wanted:g}.")
    return wanted


def offers(permitted: Grants) -> tuple[Offer, ...]:
    """What a card offers: some uses, some time, all that may be in total, each by itself."""
    found = []
    most_uses, most_s = permitted.max_uses, permitted.max_duration
    for uses in sorted({n for n in (_FEW, most_uses) if n and n <= (most_uses or 0)}):
        title = "The next one, too" if uses == 1 else f"The next {uses}, too"
        found.append(Offer(key=f"uses:{uses}", title=title, terms=Terms(uses=uses)))
    for seconds in sorted({s for s in (_DAY_S, most_s) if s and s <= (most_s or 0)}):
        title = f"All for the next {duration_words(seconds)}"
        found.append(Offer(key=f"for:{seconds:g}", title=title, terms=Terms(for_s=seconds)))
    if permitted.max_total is not None:
        amount = permitted.max_total
        title = f"Up to {amount.amount} {amount.currency or ''}".rstrip() + " in total"
        terms = Terms(total=amount.amount)
        found.append(Offer(key=f"total:{amount.amount}", title=title, terms=terms))
    return tuple(found)


def values_of(permitted: Grants, arguments: JsonObject) -> JsonObject:
    """The arguments that have to be equal, with their values. Raises ValueError if one is not
    there: then nothing is alike to this call."""
    absent = [name for name in permitted.same if name not in arguments]
    if absent:
        raise ValueError(f"This call has no {' and no '.join(absent)}, by which others are alike.")
    return {name: arguments[name] for name in permitted.same}


def value_of(permitted: Grants, arguments: JsonObject) -> Decimal:
    """What a call adds to the total, exactly; 0 where nothing adds up.

    Raises ValueError for what is no amount in the currency of the rule.
    """
    if permitted.value is None or permitted.max_total is None:
        return Decimal(0)
    if permitted.currency is not None:
        found, wanted = arguments.get(permitted.currency), permitted.max_total.currency
        if found != wanted:
            raise ValueError(f"its {permitted.currency} is {found!r}, not {wanted}")
    given = arguments.get(permitted.value)
    # The shortest text of a double is what people were shown and what is signed.
    text = repr(given) if isinstance(given, int | float) and given is not True else given
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise ValueError(f"its {permitted.value} is {given!r}, which is no amount to add up")
    return Decimal(text)


def after_use(grant: Grant, used: Used, value: Decimal) -> Used:
    """How far it is used after one more call. Raises ValueError where that is beyond its bounds."""
    after = Used(uses=used.uses + 1, total=used.total + value)
    if grant.uses is not None and after.uses > grant.uses:
        raise ValueError(f"all {grant.uses} are used")
    if grant.total is not None and after.total > grant.total:
        left = grant.total - used.total
        raise ValueError(
            f"{left} of {grant.total} {grant.currency or ''} is left, and it is {value}"
        )
    return after


def is_used_up(grant: Grant, used: Used) -> bool:
    """Whether nothing more can run by it."""
    return used.uses == grant.uses or (grant.total is not None and used.total == grant.total)


def reason_against_use(grant: Grant, request: Request, people: People, now: datetime) -> str | None:
    """Why a call may not run by it, however far it is used; None if it may. Its rule, who has to
    give it and its conditions are looked at elsewhere."""
    if grant.revoked_at is not None:
        return f"{grant.revoked_by_name} has revoked it"
    if grant.expires_at is not None and grant.expires_at <= now:
        return f"it ended at {grant.expires_at:%Y-%m-%d %H:%M} UTC"
    if any(giver.by == request.requester for giver in grant.givers):
        return "it was given by whoever asks now"
    if grant.tool != request.tool or grant.rule_id != request.rule_id:
        return "it is for other calls"
    for name, value in grant.same.items():
        if name not in request.arguments or not _same(request.arguments[name], value):
            return f"{name} is another one"
    return None


def _same(one: Any, other: Any) -> bool:
    return canonical_json([one]) == canonical_json([other])


def votes_of(grant: Grant, request: Request) -> tuple[Vote, ...]:
    """The givers' yes, as votes on a call that runs by it."""
    return tuple(
        Vote(
            request_id=request.id,
            revision=request.revision,
            principal_id=giver.by,
            name=giver.name,
            stage=giver.stage,
            verdict=Verdict.APPROVE,
            via=giver.via,
            identity=giver.identity,
            at=giver.at,
            also=giver.also,
        )
        for giver in grant.givers
    )


def fingerprint(rule_id: str, stages: Iterable[Stage], when: str | None, permitted: Grants) -> str:
    """Names what a rule is for, whom it asks and what it permits: a grant holds for no other."""
    text = {
        "rule": rule_id,
        "stages": [stage.model_dump(mode="json") for stage in stages],
        "when": when,
        "grants": permitted.model_dump(mode="json"),
    }
    return sha256_hex(canonical_json(text))
