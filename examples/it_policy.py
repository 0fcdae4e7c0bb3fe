"""Whether a change may be proposed at all, and the nearest one that may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from countersign.examples.back_office import BackOfficeError, Provisioning
from countersign.examples.it_changes import (
    Change,
    NewResource,
    Offer,
    OpenPort,
    Resource,
)
from countersign.examples.it_rules import Finding, findings, of_cost

CHANGES: Mapping[str, type[NewResource] | type[OpenPort]] = {
    "provision": NewResource,
    "change_firewall": OpenPort,
}
"""The change that each guarded tool makes."""
FIXES_MAX = 5
"""One fix may lead to the next finding (a smaller size costs less); a few rounds settle it."""

Judge = Callable[[Change], list[Finding]]


async def check(
    system: Provisioning, tool: str, arguments: Mapping[str, Any]
) -> tuple[list[str], dict[str, Any] | None]:
    """Why a call with these arguments may not be proposed (nothing if it may), and the arguments
    of the nearest one that may; None if there is none."""
    model = CHANGES.get(tool)
    if model is None:
        return [f"There is no tool {tool}, only {' and '.join(CHANGES)}."], None
    try:
        change = model.model_validate(arguments)
    except ValidationError as error:
        return [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()], None
    judge = await _judge(system, exact_cost=True)
    found = judge(change)
    nearest = _nearest(change, judge) if found else None
    return [one.reason for one in found], nearest.model_dump() if nearest else None


async def require(system: Provisioning, change: Change) -> None:
    """Look once more before a change is made: a person may have edited it.

    The price may be below the approved one; the system refuses one above it. Raises
    BackOfficeError with the reasons.
    """
    judge = await _judge(system, exact_cost=False)
    reasons = [one.reason for one in judge(change)]
    if reasons:
        raise BackOfficeError(f"Against the IT policy: {' '.join(reasons)} Nothing was changed.")


async def _judge(system: Provisioning, *, exact_cost: bool) -> Judge:
    offers = [Offer.model_validate(one) for one in await system.offers()]
    resources = [Resource.model_validate(one) for one in await system.resources()]

    def judge(change: Change) -> list[Finding]:
        found = findings(change, offers, resources)
        if exact_cost and isinstance(change, NewResource):
            found += of_cost(change, offers)
        return found

    return judge


def _nearest(change: Change, judge: Judge) -> Change | None:
    """The change with every finding put right; None while any is left that nothing puts right."""
    for _ in range(FIXES_MAX):
        found = judge(change)
        if not found:
            return change
        fixes = {key: value for one in found for key, value in one.instead.items()}
        change = change.model_copy(update=fixes)
    return None
