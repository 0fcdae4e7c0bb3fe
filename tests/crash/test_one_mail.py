"""kill -9 with two calls in one mail: each is decided and runs once, and one thread says it.

A story without a death says which steps there are that have to do with the mail. Then it is told
again for each of them, and the server that gets there is killed: it is started again on SQLite, and
on PostgreSQL the other one goes on.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.crash.conftest import Figure
from tests.crash.crowd import Crowd, crowd
from tests.crash.one_card import happened
from tests.crash.one_mail import asked_by_mail, check, told
from tests.crash.plan import points_of
from tests.crash.points import Point
from tests.crash.test_kill import TELLINGS, UNREACHED, call_off, somebody_fell
from tests.processes import Nursery
from tests.stack import Database

OF_IT = ("EmailChannel.", "Threads.", "Several.", "Links.url_of", "Attempts.shown", "Courier._take")
"""Steps that have to do with the mail; all others are killed with cards and tickets."""
EXPECTED = {"EmailChannel.post", "EmailChannel.update", "Threads.planned", "Several._tell"}


def plan(one: Crowd) -> list[Point]:
    """Where to die; nobody does while this is found out."""
    one.points.record()
    before = happened(one)
    session = told(one, "plan")

    assert Counter(executed=2) == check(one, session, before)
    return [point for point in points_of(one.points.steps()) if point.name.startswith(OF_IT)]


def die_at(one: Crowd, point: Point) -> str:
    """The story with a death at this point, told again if nobody got there; what became of the
    calls, the most doubtful word of both."""
    for number in range(TELLINGS):
        before, session = happened(one), ""
        one.points.arm(point)
        try:
            session = told(one, f"{point}{number}")
            fell = somebody_fell(one)
            became = check(one, session, before)
            if not fell and one.points.disarm():
                continue
            one.patient(one.fallen, "who got there to be dead")
        except AssertionError as exc:
            if one.lost_a_lease(session):
                call_off(one, session, Counter(n for n in before.elements() if n != "send_email"))
                continue
            exc.add_note(f"killed at {point}")
            raise
        one.revive()
        assert became["in_doubt"] <= 1, "one death, more than one doubt"
        return "in_doubt" if became["in_doubt"] else "executed"
    return UNREACHED


@pytest.mark.timeout(900)
def test_kill_with_two_calls_in_one_mail(
    tmp_path: Path, nursery: Nursery, database: Database, figure: Figure
) -> None:
    with crowd(tmp_path, nursery, database, by_mail=True, adjust=asked_by_mail) as one:
        outcomes = {point: die_at(one, point) for point in plan(one)}
        assert one.one.ledger_verifies()
    became = Counter(outcomes.values())
    met = len(outcomes) - became[UNREACHED]
    figure(
        f"crash {database} two calls in one mail: {met} points, each killed once: "
        f"{became['executed']} as decided, {became['in_doubt']} with one in doubt, 0 lost, 0 run "
        f"twice; {became[UNREACHED]} more were not reached again"
    )
    reached = {point.name for point, what in outcomes.items() if what != UNREACHED}

    assert EXPECTED <= reached
