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
from tests.crash.two_calls import Story, deaths, reached
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


@pytest.mark.timeout(900)
def test_kill_with_two_calls_in_one_mail(
    tmp_path: Path, nursery: Nursery, database: Database, figure: Figure
) -> None:
    with crowd(tmp_path, nursery, database, by_mail=True, adjust=asked_by_mail) as one:
        outcomes = deaths(one, Story("by mail", told, check), plan(one))

    assert EXPECTED <= reached(outcomes, f"{database} two calls in one mail", figure)
