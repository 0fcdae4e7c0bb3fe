"""Who has changed what an agent proposed, where others approved it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.wording import visible
from countersign.approvals.models import JsonObject, Request, Vote


def changers(request: Request) -> str:
    """`Megan Bowen, Alex Wilber`, in any language; "" if nobody has changed it, or nobody knows
    who."""
    return ", ".join(visible(each.by_name) for each in request.changed_by)


def other_changers(request: Request) -> str:
    """`changers` of a decided request; "" where whoever decided it is the only one."""
    decision = request.decision
    own = decision is not None and all(each.by == decision.by for each in request.changed_by)
    return "" if own else changers(request)


def has_changed(vote: Vote, request: Request) -> bool:
    """Whether this vote came with the changes that are asked about now."""
    newest = request.changed_by[-1:]
    return any((each.by, each.at) == (vote.principal_id, vote.at) for each in newest)


def changes_in(history: Sequence[JsonObject]) -> list[JsonObject]:
    """The entries of a receipt's `history` that tell of a change which the call still has: what an
    agent proposes anew nobody has changed yet."""
    found: list[JsonObject] = []
    for each in history:
        if each["entry"] == "asked_again" and each.get("by"):
            found = []
        elif each["entry"] == "revised" and each.get("by"):
            found.append(each)
    return found
