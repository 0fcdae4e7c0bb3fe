"""kill -9 with two calls on one card: each is decided and runs once, and the card says how it went.

A story without a death says which steps there are from the moment at which both calls wait. Then it
is told again for each of them, and the server that gets there is killed, with every chat of the
session: it is started again on SQLite, and on PostgreSQL the other one goes on.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.crash.conftest import Figure
from tests.crash.crowd import Crowd, crowd
from tests.crash.one_card import ENDS, STORIES, check, happened, the_renewal
from tests.crash.plan import points_of
from tests.crash.points import Point
from tests.crash.test_kill import TELLINGS, UNREACHED, call_off, somebody_fell
from tests.processes import Nursery
from tests.stack import Database

BEGINS = {"all at once": "Courier._take", "one by one": "Casting.cast"}
"""The step at which a story begins to differ from those that were told before."""
NOT_OF_IT = ("Sealing.", "_write", "Conversations.", "Notifier.", "TeamsChannel.say")
"""Steps that have nothing to do with the card."""
EXPECTED = {
    "all at once": {
        "TeamsChannel.post",
        "TeamsChannel.update",
        "Attempts.shown",
        "VotingTogether.vote",
        "Claiming.claim",
        "tool",
        "Runs._store_outcome",
    },
    "one by one": {"Casting.cast", "VotingTogether.vote", "Claiming.claim", "tool"},
}


def plan(one: Crowd, story: str) -> list[Point]:
    """Where to die; nobody does while this is found out."""
    one.points.record()
    before = happened(one)
    session = STORIES[story](one)

    assert Counter(ENDS[story].values()) == check(one, session, story, before)
    found = points_of(one.points.steps())
    begins = next(n for n, point in enumerate(found) if point.name == BEGINS[story])
    return [point for point in found[begins:] if not point.name.startswith(NOT_OF_IT)]


def die_at(one: Crowd, story: str, point: Point) -> str:
    """The story with a death at this point, told again if nobody got there; what became of the
    calls, the most doubtful word of both."""
    for _ in range(TELLINGS):
        before, session = happened(one), ""
        one.points.arm(point)
        try:
            session = STORIES[story](one)
            fell = somebody_fell(one)
            became = check(one, session, story, before)
            if not fell and one.points.disarm():
                continue
            one.patient(one.fallen, "who got there to be dead")
        except AssertionError as exc:
            if one.lost_a_lease(session):
                call_off(one, session, Counter(n for n in before.elements() if n != "send_email"))
                continue
            exc.add_note(f"killed at {point} of the story {story}")
            raise
        one.revive()
        assert became["in_doubt"] <= 1, "one death, more than one doubt"
        return "in_doubt" if became["in_doubt"] else "executed"
    return UNREACHED


@pytest.mark.timeout(900)
@pytest.mark.parametrize("story", STORIES)
def test_kill_with_two_calls_on_one_card(
    tmp_path: Path, nursery: Nursery, database: Database, figure: Figure, story: str
) -> None:
    with crowd(tmp_path, nursery, database, bot_framework=True, adjust=the_renewal) as one:
        outcomes = {point: die_at(one, story, point) for point in plan(one, story)}
        assert one.one.ledger_verifies()
    became = Counter(outcomes.values())
    figure(
        f"crash {database} two calls on one card, {story}: {len(outcomes) - became[UNREACHED]} "
        f"points, each killed once: {became['executed']} as decided, {became['in_doubt']} with one "
        f"in doubt, 0 lost, 0 run twice; {became[UNREACHED]} more were not reached again"
    )
    reached = {point.name for point, what in outcomes.items() if what != UNREACHED}

    assert EXPECTED[story] <= reached
    assert 0 < became["in_doubt"] < became["executed"]
