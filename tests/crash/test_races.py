"""A hundred requests, each decided in Teams and in its ticket at the same moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.crash.conftest import Figure
from tests.scenarios.races import check_race, run_races, unpace, wins
from tests.scenarios.ticket_world import ticket_world

RACES = 100


@pytest.mark.timeout(300)
@pytest.mark.parametrize("system", ["jira", "servicenow"])
async def test_a_hundred_races_are_a_hundred_decisions(
    tmp_path: Path, system: str, figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpace(monkeypatch)
    with capture_logs() as logs:
        async with ticket_world(tmp_path, system) as app, app.server():
            raced = await run_races(app, RACES)
            await asyncio.gather(*(check_race(app, request) for request in raced))
            approved = [r for r in raced if r["votes"][0]["verdict"] == "approve"]
            won = wins(raced)

            assert len(approved) == len(app.quotes())
            assert {"teams", system} == set(won)
            figure(f"races Teams against {system}: {RACES}, won by {dict(won)}, 0 double")
    assert [] == [entry for entry in logs if entry["log_level"] in ("error", "critical")]
