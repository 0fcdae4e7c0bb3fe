"""Which points there are: taken from a story without a death, not from a list that grows old."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tests.crash.points import Point

BACKGROUND = ("_write_and_remove", "Leasing.renew", "EmbeddedJobs._take_over")
"""Commits that are no step of any story: the probe of `/readyz`, the renewal of leases, a start."""
OF_THE_SESSION = (
    *("Runs.", "Leasing.", "Submitting.", "Claiming."),
    *("SessionManager.", "_Rest.", "tool"),
)
"""The steps that a session takes wherever its request is decided."""
OF_A_DECISION = ("Approvals.", "Casting.", "Remarks.", "about")
EVERY_TIME = (*OF_THE_SESSION, *OF_A_DECISION)
"""Steps whose every occurrence is a point of its own; of the others, which deliveries take as often
as there are cards and tickets, it is the first."""
ASKED = "Runs.start"
"""Of a session, but for this one: the API is asked again with the same key, Teams sends the message
again."""
BY_CHANCE = ("Leasing.begin", "Remarks.refuse", "about")
"""Not taken every time: who writes the last vote may hand the session over in that commit, and a
ticket may be read while it is written."""


def of_the_session(points: Iterable[Point]) -> list[Point]:
    """Those that another story of the same database need not die at again."""
    return [p for p in points if p.name.startswith(OF_THE_SESSION) and p.name != ASKED]


def points_of(steps: Iterable[tuple[str, str]], *, but: Sequence[Point] = ()) -> list[Point]:
    """Every point of these steps, in their order, without steps of which `but` has one."""
    known = {point.name for point in but}
    counts: Counter[tuple[str, str]] = Counter()
    found = []
    for name, side in steps:
        if name in known or name in BACKGROUND:
            continue
        counts[name, side] += 1
        if counts[name, side] == 1 or name.startswith(EVERY_TIME):
            found.append(Point(name, side, counts[name, side]))
    return found
