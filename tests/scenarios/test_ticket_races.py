"""The same request decided in Teams and in the ticket at once: one decision, shown in both."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.scenarios.races import check_race, run_races, unpace, wins
from tests.scenarios.ticket_world import ticket_world

pytestmark = pytest.mark.usefixtures("both_databases")

RACES = 10


@pytest.mark.parametrize("system", ["jira", "servicenow"])
async def test_one_decision_wherever_it_is_made_first(
    tmp_path: Path, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpace(monkeypatch)
    with capture_logs() as logs:
        async with ticket_world(tmp_path, system) as app, app.server():
            raced = await run_races(app, RACES)
            await asyncio.gather(*(check_race(app, request) for request in raced))
            approved = [r for r in raced if r["votes"][0]["verdict"] == "approve"]

            assert len(approved) == len(app.quotes())
            print(f"{system}: {RACES} races, won by {dict(wins(raced))}")  # noqa: T201
    assert [] == [entry for entry in logs if entry["log_level"] in ("error", "critical")]
