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
from tests.crash.two_calls import Story, deaths, reached, some_are_in_doubt
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


@pytest.mark.timeout(900)
@pytest.mark.parametrize("story", STORIES)
def test_kill_with_two_calls_on_one_card(
    tmp_path: Path, nursery: Nursery, database: Database, figure: Figure, story: str
) -> None:
    acts = Story(
        story,
        lambda one, _: STORIES[story](one),
        lambda one, session, before: check(one, session, story, before),
    )
    with crowd(tmp_path, nursery, database, bot_framework=True, adjust=the_renewal) as one:
        outcomes = deaths(one, acts, plan(one, story))

    assert EXPECTED[story] <= reached(
        outcomes, f"{database} two calls on one card, {story}", figure
    )
    assert some_are_in_doubt(outcomes)
