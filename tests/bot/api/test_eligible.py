"""Ten thousand may decide: an answer names the first hundred, and pages name them all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from countersign.bot.settings.sections import PersonSettings
from tests.bot import api_world
from tests.bot.api_world import PEOPLE, running

CROWD = 10_000
MANAGERS = [
    PersonSettings(id=f"m{n:05}", name=f"Manager {n}", roles=frozenset({"manager"}))
    for n in range(CROWD)
]


async def test_what_ten_thousand_may_decide_is_a_short_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_world, "PEOPLE", [*PEOPLE, *MANAGERS])
    async with running(tmp_path) as world:
        request = await world.waiting()
        _, page = await world.call("GET", "/api/v1/requests")
        path = f"/api/v1/requests/{request['id']}/eligible"
        found: list[str] = []
        after: str | None = ""
        pages = 0
        while after is not None:
            status, answer = await world.call("GET", f"{path}?limit=1000&after={after}")
            assert (200, CROWD + 2) == (status, answer["count"])
            found += [person["id"] for person in answer["items"]]
            after, pages = answer["next"], pages + 1
        unknown, _ = await world.call("GET", "/api/v1/requests/R-NO/eligible")
        await world.vote(request)
        _, none = await world.call("GET", path)

    # Alex and Megan may, Sam asked for it.
    assert ["alex", *(each.id for each in MANAGERS), "megan"] == found
    assert 11 == pages
    assert (100, CROWD + 2) == (len(request["eligible"]), request["eligible_count"])
    (step,) = request["steps"]
    assert (found[:100], CROWD + 2) == ([p["id"] for p in step["could"]], step["could_count"])
    assert all(len(json.dumps(each)) < 30_000 for each in page["items"])
    assert 404 == unknown
    assert {"items": [], "count": 0, "next": None} == none
