"""Delegations over the API: given by oneself, listed, revoked, and decided by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.bot.api_world import World, running

pytestmark = pytest.mark.asyncio
PATH = "/api/v1/delegations"
UNTIL = {"ends_at": "2026-12-24T12:00:00+01:00"}


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as started:
        yield started


async def test_a_delegate_is_eligible_and_decides_under_both_names(world: World) -> None:
    status, body = await world.call(
        "POST", PATH, json={"delegate": "adele", "reason": "leave", **UNTIL}
    )
    request = await world.waiting()
    voted, decided = await world.vote(request, person="adele")
    (listed,) = (await world.call("GET", PATH))[1]["items"]
    revoked, ended = await world.call("DELETE", f"{PATH}/{body['delegation']['id']}")
    later = await world.waiting()

    assert 201 == status
    assert (
        "Adele Vance decides for Alex Wilber from 2026-11-22 12:00 to 2026-12-24 11:00 UTC (leave)"
        == body["says"]
        == listed["says"]
    )
    assert "adele" in [each["id"] for each in request["eligible"]]
    assert (200, "Adele Vance for Alex Wilber") == (voted, decided["votes"][0]["name"])
    assert (200, "alex") == (revoked, ended["revoked_by"])
    assert "adele" not in [each["id"] for each in later["eligible"]]
    assert [] == (await world.call("GET", PATH))[1]["items"]
    assert 1 == len((await world.call("GET", f"{PATH}?ended=true"))[1]["items"])


@pytest.mark.parametrize(
    ("person", "body", "status", "says"),
    [
        ("alex", {"delegate": "adel"}, 422, "did you mean adele?"),
        ("alex", {"delegate": "adele", "ends_at": "2026-12-24T12:00:00"}, 422, "ends_at"),
        ("alex", {"delegate": "adele", "colour": "red"}, 422, "colour: unknown field"),
        ("alex", {"delegate": "adele", "roles": ["boss"]}, 422, "does not hold the role boss"),
        ("adele", {"delegate": "alex"}, 422, "Adele Vance holds no role"),
        ("megan", {"delegate": "alex"}, 409, "megan → alex → megan would stand in"),
    ],
)
async def test_what_cannot_be_given_is_refused(
    world: World, person: str, body: dict[str, Any], status: int, says: str
) -> None:
    await world.call("POST", PATH, json={"delegate": "megan", **UNTIL})
    found, answer = await world.call("POST", PATH, person=person, json={**UNTIL, **body})

    assert (status, True) == (found, says in str(answer)), answer


async def test_others_do_not_revoke_it(world: World) -> None:
    _, body = await world.call("POST", PATH, json={"delegate": "adele", **UNTIL})
    path = f"{PATH}/{body['delegation']['id']}"

    assert 403 == (await world.call("DELETE", path, person="sam"))[0]
    assert 404 == (await world.call("DELETE", f"{PATH}/D-0"))[0]
    assert 200 == (await world.call("DELETE", path, person="megan"))[0]  # an administrator
    assert 409 == (await world.call("DELETE", path))[0]
