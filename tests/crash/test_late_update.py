"""What a killed server has sent to Teams arrives after what its successor sends: the card is drawn
once more, and shows in the end what is on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from countersign.sandbox.botframework.desk import TeamsDesk
from tests.crash.crowd import SAFE_LEASE_S, crowd
from tests.crash.desks import people_of
from tests.crash.invariants import TITLES, check, effects
from tests.crash.stories import requests_of, told_in_teams
from tests.processes import Nursery
from tests.stack import Database

LATE_S, LOOK_S = 8.0, 12.0
"""How long Teams keeps the update; by then the successor has sent its own. The second look comes
later."""
UPDATES = 3
"""Of the dead server, of the next one, and the second look."""


def test_older_update_of_a_killed_server_does_not_stay(
    tmp_path: Path, nursery: Nursery, database: Database
) -> None:
    around: dict[str, Any] = {"bot_framework": True, "lease_s": SAFE_LEASE_S, "look_s": LOOK_S}
    with crowd(tmp_path, nursery, database, **around) as one:
        stack, before, people = one.one, effects(one), people_of(one.one)
        teams = TeamsDesk(people)
        slow = {"kind": "slow", "delay_s": 30, "method": "POST", "path": "/quotes"}
        stack.http.post(f"{stack.crm['url']}/_sandbox/fault", json=slow).raise_for_status()
        cards: list[str] = []

        def kept(session: str) -> bool:
            """Teams will keep the next update of the card for a while."""
            (request,) = requests_of(one, session)
            cards.extend(card.id for card in teams.cards(request["id"]))
            if cards:
                path = f"/activities/{cards[0]}$"
                people.fail(kind="slow", delay_s=LATE_S, method="PUT", path=path)
            return bool(cards)

        session = told_in_teams(one, kept)
        one.patient(lambda: people.failing() == 0, "the update to be on its way")
        for server in stack.servers:
            server.kill()
        one.mend()

        assert "in_doubt" == check(one, session, before, cards=False)
        (request,) = requests_of(one, session)

        def updates() -> int:
            mine = [r for r in people.requests() if r["path"].endswith(cards[0])]
            return len([r for r in mine if r["method"] == "PUT" and r["status"] == 200])

        one.patient(lambda: updates() >= UPDATES, "the card to be drawn once more")
        (card,) = teams.cards(request["id"])
        assert TITLES["in_doubt"] in card.text
        assert UPDATES == updates()
