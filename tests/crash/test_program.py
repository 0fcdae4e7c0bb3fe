"""kill -9 while a program is told by webhooks and decides: nothing is lost, nothing is twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.conftest import Figure
from tests.crash.crowd import Crowd, crowd
from tests.crash.in_program import by_program, check_program, program
from tests.crash.plan import points_of
from tests.crash.stories import STORIES, requests_of
from tests.crash.test_kill import UNREACHED, die_at, plain, summary
from tests.processes import Nursery
from tests.stack import TASK, Database

STORY = "program"
ONLY = ("WebhookChannel.", "Attempts.", "Courier.", "Casting.", "Runs.start")
EXPECTED = {"WebhookChannel.post", "WebhookChannel.update", "Casting.cast"}


@pytest.mark.timeout(900)
def test_kill_while_a_program_is_told_and_decides(
    tmp_path: Path,
    nursery: Nursery,
    database: Database,
    figure: Figure,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def ask(one: Crowd, key: str) -> str:
        asked.append(str(one.patient(lambda: one.one.ask(TASK, key=key), "an answer")))
        return asked[-1]

    with (
        program() as told,
        crowd(tmp_path, nursery, database, adjust=told.adjust) as one,
    ):
        one.told_by_webhook = True
        monkeypatch.setitem(STORIES, STORY, by_program(told, ask))
        todo = [p for p in points_of(plain(one, STORY)) if p.name.startswith(ONLY)]
        firsts = [point for point in todo if point.number == 1]
        outcomes = {(STORY, point): die_at(one, STORY, point) for point in firsts}
        for session in set(asked):
            (request,) = requests_of(one, session)
            check_program(told, one, request)
        assert one.one.ledger_verifies()
    figure(summary(database, (STORY,), outcomes))
    reached = {point.name for (_, point), became in outcomes.items() if became != UNREACHED}

    assert EXPECTED <= reached
    assert {"executed", "in_doubt"} >= set(outcomes.values()) - {UNREACHED}
