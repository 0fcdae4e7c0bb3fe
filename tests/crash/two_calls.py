"""Stories of two calls that are decided together, told once more for each step at which to die."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tests.crash.conftest import Figure
from tests.crash.crowd import Crowd
from tests.crash.one_card import LETTER, happened
from tests.crash.points import Point
from tests.crash.test_kill import TELLINGS, UNREACHED, call_off, somebody_fell


class Story(NamedTuple):
    """How both are asked and answered, and what has to be so afterwards."""

    name: str
    tell: Callable[[Crowd, str], str]
    """Under a key of its own, to the end of what people do; returns the session."""
    check: Callable[[Crowd, str, Counter[str]], Counter[str]]
    """Of a session, by what had happened before: how many calls have ended how."""


def deaths(one: Crowd, story: Story, points: Iterable[Point]) -> dict[Point, str]:
    """What became of the calls, the most doubtful word of both, for each point to die at."""
    outcomes = {point: _die_at(one, story, point) for point in points}
    assert one.one.ledger_verifies()
    return outcomes


def reached(outcomes: dict[Point, str], what: str, figure: Figure) -> set[str]:
    """The steps at which somebody has died; `what` these deaths are is printed with how many."""
    became = Counter(outcomes.values())
    figure(
        f"crash {what}: {len(outcomes) - became[UNREACHED]} points, each killed once: "
        f"{became['executed']} as decided, {became['in_doubt']} with one in doubt, 0 lost, 0 run "
        f"twice; {became[UNREACHED]} more were not reached again"
    )
    return {point.name for point, ended in outcomes.items() if ended != UNREACHED}


def some_are_in_doubt(outcomes: dict[Point, str]) -> bool:
    """Some, and fewer than have ended as they were decided."""
    became = Counter(outcomes.values())
    return 0 < became["in_doubt"] < became["executed"]


def _die_at(one: Crowd, story: Story, point: Point) -> str:
    """The story with a death at this point, told again if nobody got there."""
    for number in range(TELLINGS):
        before, session = happened(one), ""
        one.points.arm(point)
        try:
            session = story.tell(one, f"{point}{number}")
            fell = somebody_fell(one)
            became = story.check(one, session, before)
            if not fell and one.points.disarm():
                continue
            one.patient(one.fallen, "who got there to be dead")
        except AssertionError as exc:
            if one.lost_a_lease(session):
                call_off(one, session, Counter(n for n in before.elements() if n != LETTER))
                continue
            exc.add_note(f"killed at {point} of the story {story.name}")
            raise
        one.revive()
        assert became["in_doubt"] <= 1, "one death, more than one doubt"
        return "in_doubt" if became["in_doubt"] else "executed"
    return UNREACHED
