"""kill -9 at every step of a reminder and of an escalation: none is lost, none comes twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.crash.conftest import Figure
from tests.crash.crowd import crowd
from tests.crash.plan import points_of
from tests.crash.stories import TOOL
from tests.crash.test_kill import UNREACHED, die_at, plain
from tests.processes import Nursery
from tests.stack import Database

OF_TIME = ("about", "Reminding.", "TeamsChannel.remind")
"""The transaction of a step, and how its message is taken, said and dropped."""


def soon(settings: dict[str, Any]) -> None:
    """Remind after a second, and ask others after two."""
    rule = settings["policy"]["tools"][TOOL]
    rule |= {"deadline": "1h", "remind": ["1s"]}
    rule["escalate"] = [{"after": "2s", "roles": ["sales_manager", "admin"]}]


@pytest.mark.timeout(900)
def test_kill_at_every_step_of_time(
    tmp_path: Path, nursery: Nursery, database: Database, figure: Figure
) -> None:
    with crowd(tmp_path, nursery, database, bot_framework=True, adjust=soon) as one:
        steps = plain(one, "time")
        points = [point for point in points_of(steps) if point.name.startswith(OF_TIME)]
        outcomes = {point: die_at(one, "time", point) for point in points}
        one.mend()
        ledgers = [
            one.get(f"/ledger?session={session['id']}")["items"]
            for session in one.get("/sessions")["items"]
            if session["id"] not in one.called_off
        ]
        verifies = one.one.ledger_verifies()

    kinds = [Counter(entry["kind"] for entry in entries) for entries in ledgers]
    assert {"about", "Reminding._take", "TeamsChannel.remind"} <= {p.name for p in points}
    assert [] == [point for point, became in outcomes.items() if became == UNREACHED]
    # Who comes back so late that others are asked already reminds nobody beside that.
    assert {1} == {each["escalated"] for each in kinds}
    assert {0, 1} >= {each["reminded"] for each in kinds}
    assert any(each["reminded"] for each in kinds)
    assert verifies
    figure(
        f"crash {database} time: {len(points)} points, each killed once: "
        f"{len(kinds)} sessions reminded at most once and escalated once"
    )
