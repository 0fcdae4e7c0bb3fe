"""Reach: whether those who may decide are known where they are asked. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.systems import identity_kind, system_words
from countersign.approvals.forms.wording import people_in_words
from countersign.approvals.models import Principal


def strangers(
    channels: Sequence[str], people: Sequence[Principal], needed: int
) -> tuple[Principal, ...]:
    """Those of `people` whom none of the channels knows, if it knows fewer than are needed."""
    kinds = [identity_kind(channel) for channel in channels]
    if not all(kinds):  # one of them knows everybody
        return ()
    out = tuple(p for p in people if not any(p.identities.get(kind) for kind in kinds))
    return out if len(people) - len(out) < needed else ()


def not_asked(people: Sequence[Principal], channels: Sequence[str]) -> str:
    """What is told of `strangers`."""
    who = people_in_words(people, conjunction="and")
    where = " or ".join(system_words(channel) for channel in channels)
    kinds = " or ".join(f"`{identity_kind(channel)}`" for channel in channels)
    return (
        f"{who} may decide it and cannot be asked in {where}: an administrator adds an identity "
        f"({kinds}) in `people`. Until then they can decide it through the API."
    )
