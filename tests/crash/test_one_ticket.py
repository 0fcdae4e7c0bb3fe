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
from tests.crash.test_kill import TELLINGS, UNREACHED, call_off, somebody_fell
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


def die_at(one: Crowd, story: str, point: Point) -> str:
    """The story with a death at this point, told again if nobody got there; what became of the
    calls, the most doubtful word of both."""
    for number in range(TELLINGS):
        before, session = happened(one), ""
        one.points.arm(point)
        try:
            session = told(one, story, f"{point}{number}")
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
@pytest.mark.parametrize("story", ENDS)
def test_kill_with_two_calls_in_one_ticket(
    tmp_path: Path, nursery: Nursery, database: Database, figure: Figure, story: str
) -> None:
    system = SYSTEM[story]
    around: dict[str, Any] = {"tickets": settings_of(system), "adjust": asked_in(system)}
    with crowd(tmp_path, nursery, database, **around) as one:
        outcomes = {point: die_at(one, story, point) for point in plan(one, story)}
        assert one.one.ledger_verifies()
    became = Counter(outcomes.values())
    met = len(outcomes) - became[UNREACHED]
    figure(
        f"crash {database} two calls in one ticket of {system}, {story}: {met} "
        f"points, each killed once: {became['executed']} as decided, {became['in_doubt']} with one "
        f"in doubt, 0 lost, 0 run twice; {became[UNREACHED]} more were not reached again"
    )
    reached = {point.name for point, what in outcomes.items() if what != UNREACHED}

    assert EXPECTED[story] <= reached
    assert 0 < became["in_doubt"] < became["executed"]
