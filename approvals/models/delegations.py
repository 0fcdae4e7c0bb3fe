"""Delegations: that somebody decides for somebody else, from a time on, until a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from countersign.approvals.models.base import PrincipalId, Value

LINKS = 2
"""Who stands in for somebody may stand in for whom that one stands in for, and no further."""

FILE = "people"
"""The source of those that stand in the file."""


class Delegation(Value):
    """`delegate` decides for `giver`, who can still do so as well."""

    giver: PrincipalId
    delegate: PrincipalId
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    roles: frozenset[str] | None = Field(default=None, min_length=1)
    """Those of the giver's that it is about; None: all."""
    source: str = FILE
    """Where it was given: in the file, or in the directory of this name."""

    def holds_at(self, now: datetime) -> bool:
        """Whether `now` is within its time; the end does not belong to it."""
        return (self.starts_at is None or self.starts_at <= now) and (
            self.ends_at is None or now < self.ends_at
        )


def cycle(delegations: list[Delegation]) -> list[PrincipalId]:
    """People who stand in for one another in a circle at some time; empty if nobody does."""
    for first in delegations:
        path = _back_to(first.giver, [first], delegations)
        if path:
            return [first.giver, *(each.delegate for each in path)]
    return []


def closes(one: Delegation, others: Iterable[Delegation]) -> list[PrincipalId]:
    """People who would stand in for one another within the time of this one, if there were it, too;
    empty if nobody would."""
    return _circle(one, _by_giver(others))


def without_circles(
    certain: Iterable[Delegation], others: Iterable[Delegation]
) -> tuple[list[Delegation], list[tuple[Delegation, list[PrincipalId]]]]:
    """Of these others, those that close no circle with the certain ones and those before them; and
    those that do, each with the circle."""
    known, kept, out = _by_giver(certain), [], []
    for each in others:
        if circle := _circle(each, known):
            out.append((each, circle))
        else:
            known.setdefault(each.giver, []).append(each)
            kept.append(each)
    return kept, out


_ByGiver = dict[PrincipalId, list[Delegation]]


def _by_giver(given: Iterable[Delegation]) -> _ByGiver:
    found: _ByGiver = {}
    for each in given:
        found.setdefault(each.giver, []).append(each)
    return found


def _circle(one: Delegation, known: _ByGiver) -> list[PrincipalId]:
    came_by, left = {one.delegate: one.giver}, [one.delegate]
    while left:
        last = left.pop()
        if last == one.giver:
            circle = [last]
            while len(circle) == 1 or circle[-1] != one.giver:
                circle.append(came_by[circle[-1]])
            return circle[::-1]
        for each in known.get(last, ()):
            if each.delegate not in came_by and _overlap(one, each):
                came_by[each.delegate] = last
                left.append(each.delegate)
    return []


def _back_to(
    start: PrincipalId, path: list[Delegation], delegations: list[Delegation]
) -> list[Delegation]:
    last = path[-1]
    if last.delegate == start:
        return path
    for following in delegations:
        if following.giver != last.delegate or following in path:
            continue
        if all(_overlap(following, each) for each in path):
            found = _back_to(start, [*path, following], delegations)
            if found:
                return found
    return []


def _overlap(one: Delegation, other: Delegation) -> bool:
    """Whether there is a time within both."""
    begins = [at for at in (one.starts_at, other.starts_at) if at is not None]
    ends = [at for at in (one.ends_at, other.ends_at) if at is not None]
    return not begins or not ends or max(begins) < min(ends)
