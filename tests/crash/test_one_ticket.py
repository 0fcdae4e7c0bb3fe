"""kill -9 with two calls in one ticket: each is decided and runs once, and the ticket says of each
how it went.

A story without a death says which steps there are from the moment at which a ticket is looked for.
Then it is told again for each of them, and the server that gets there is killed: it is started
again on SQLite, and on PostgreSQL the other one goes on.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.crash.conftest import Figure
from tests.crash.crowd import Crowd, crowd
from tests.crash.desks import settings_of
from tests.crash.one_card import happened
from tests.crash.one_ticket import ENDS, SYSTEM, asked_in, check, told
from tests.crash.plan import points_of
from tests.crash.points import Point
from tests.crash.two_calls import Story, deaths, reached, some_are_in_doubt
from tests.processes import Nursery
from tests.stack import Database

CONNECTORS = {"jira": "JiraConnector", "servicenow": "ServiceNowConnector"}
OF_IT = (
    "JiraConnector.",
    "ServiceNowConnector.",
    "Courier.",
    "Attempts.",
    "Remarks.",
    "TicketVotes.",
    "VotingTogether.",
    "Casting.",
    "Claiming.",
    "tool",
)
"""Steps of the ticket, of votes, and of what follows from them at once; a session's own are in the
other stories."""
EXPECTED = {
    "all at once": {
        "JiraConnector.open_ticket",
        "JiraConnector.adopt",
        "Attempts.shown",
        "VotingTogether.vote",
        "Claiming.claim",
        "tool",
        "JiraConnector.close",
    },
    "one by one": {
        "ServiceNowConnector.adopt",
        "Casting.cast",
        "Claiming.claim",
        "tool",
        "ServiceNowConnector.close",
    },
}


def plan(one: Crowd, story: str) -> list[Point]:
    """Where to die; nobody does while this is found out."""
    one.points.record()
    before = happened(one)
    session = told(one, story, "plan")

    assert Counter(ENDS[story].values()) == check(one, session, story, before)
    found = points_of(one.points.steps())
    asks = f"{CONNECTORS[SYSTEM[story]]}.find"
    begins = next(n for n, point in enumerate(found) if point.name == asks)
    return [point for point in found[begins:] if point.name.startswith(OF_IT)]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("story", ENDS)
def test_kill_with_two_calls_in_one_ticket(
    tmp_path: Path, nursery: Nursery, database: Database, figure: Figure, story: str
) -> None:
    system = SYSTEM[story]
    around: dict[str, Any] = {"tickets": settings_of(system), "adjust": asked_in(system)}
    acts = Story(
        story,
        lambda one, key: told(one, story, key),
        lambda one, session, before: check(one, session, story, before),
    )
    with crowd(tmp_path, nursery, database, **around) as one:
        outcomes = deaths(one, acts, plan(one, story))
    what = f"{database} two calls in one ticket of {system}, {story}"

    assert EXPECTED[story] <= reached(outcomes, what, figure)
    assert some_are_in_doubt(outcomes)
