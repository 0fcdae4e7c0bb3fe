"""kill -9 at the steps that Slack and Asana add: nothing is lost, and nothing happens twice.

What a session does is the same as in Teams (`test_kill`); here servers die at what is theirs. One
stack tells all of it: so few points are not worth more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.crash.conftest import Figure
from tests.crash.crowd import crowd
from tests.crash.desks import settings_of
from tests.crash.plan import points_of
from tests.crash.test_kill import UNREACHED, die_at, plain, summary
from tests.processes import Nursery
from tests.stack import Database

PLANS: dict[str, tuple[dict[str, Any], tuple[str, ...], set[str]]] = {
    "slack": (
        {"by_slack": True},
        ("SlackChannel.", "Runs.start", "Casting."),
        {"SlackChannel.post", "SlackChannel.update", "SlackChannel.say", "Runs.start"},
    ),
    "slack form": (
        {"by_slack": True},
        ("SlackChannel.reply", "Runs.start", "Conversations.save"),
        {"SlackChannel.reply", "Runs.start", "Conversations.save"},
    ),
    "asana": (
        {"tickets": settings_of("asana")},
        ("AsanaConnector.",),
        {"AsanaConnector.find", "AsanaConnector.open_ticket", "AsanaConnector.close"},
    ),
}
"""What is around the servers, the steps at which they die, and some that have to be among these."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("story", PLANS)
def test_kill_at_every_step_of_a_system(
    tmp_path: Path, nursery: Nursery, database: Database, figure: Figure, story: str
) -> None:
    around, only, expected = PLANS[story]
    with crowd(tmp_path, nursery, database, **around) as one:
        todo = [p for p in points_of(plain(one, story)) if p.name.startswith(only)]
        firsts = [point for point in todo if point.number == 1]
        outcomes = {(story, point): die_at(one, story, point) for point in firsts}
        assert one.one.ledger_verifies()
    figure(summary(database, (story,), outcomes))
    reached = {point.name for (_, point), became in outcomes.items() if became != UNREACHED}

    assert expected <= reached
    assert {"executed", "in_doubt"} >= set(outcomes.values()) - {UNREACHED}
