"""Grants over the API: given with a vote or by themselves, listed, revoked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.bot.api_world import World, running

pytestmark = pytest.mark.asyncio
PATH = "/api/v1/grants"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as started:
        yield started


async def test_a_vote_gives_one_and_later_calls_run_by_it(world: World) -> None:
    request = await world.waiting()
    status, _ = await world.vote(request, grant={"uses": 2})
    later = await world.waiting()
    (body,) = (await world.call("GET", PATH))[1]["items"]
    revoked, ended = await world.call("DELETE", f"{PATH}/{body['grant']['id']}")
    asked = await world.waiting()

    assert 200 == status
    assert ("approved", [], []) == (later["status"], later["votes"], later["eligible"])
    assert ("the next 2, up to 500 in total", 0) == (body["allows"], body["used"]["uses"])
    assert (request["id"], {"to": "ceo"}) == (body["grant"]["request_id"], body["grant"]["same"])
    assert (200, "alex") == (revoked, ended["revoked_by"])
    assert "pending" == asked["status"]


async def test_one_is_given_on_what_is_decided_already(world: World) -> None:
    request = await world.waiting()
    await world.vote(request)
    status, body = await world.call(
        "POST", PATH, json={"request": request["id"], "total": "20.50", "for_s": 3600}
    )

    assert (201, "20.50", True) == (status, body["grant"]["total"], body["grant"]["complete"])


@pytest.mark.parametrize(
    ("person", "body", "status", "says"),
    [
        ("alex", {"uses": 21}, 422, "permits 20 uses at most"),
        ("alex", {"uses": 0}, 422, "uses"),
        ("alex", {"colour": "red"}, 422, "colour: unknown field"),
        ("alex", {"when": "args.amount <"}, 422, "when: "),
        ("sam", {}, 403, "You asked for this yourself"),
        ("adele", {}, 403, "This needs the role manager"),
        ("alex", {"request": "R-1"}, 404, "R-1"),
    ],
)
async def test_what_cannot_be_given_is_refused(
    world: World, person: str, body: dict[str, Any], status: int, says: str
) -> None:
    request = await world.waiting()
    sent = {"request": request["id"], **body}
    found, answer = await world.call("POST", PATH, person=person, json=sent)

    assert status == found
    assert says in answer["detail"]
    assert [] == (await world.call("GET", PATH))[1]["items"]


async def test_a_vote_whose_grant_is_too_wide_decides_nothing(world: World) -> None:
    request = await world.waiting()
    status, _ = await world.vote(request, grant={"uses": 500})
    _, now = await world.call("GET", f"/api/v1/requests/{request['id']}")

    assert (422, "pending") == (status, now["status"])


async def test_others_may_not_revoke(world: World) -> None:
    request = await world.waiting()
    await world.vote(request, grant={})
    (body,) = (await world.call("GET", PATH))[1]["items"]
    status, answer = await world.call("DELETE", f"{PATH}/{body['grant']['id']}", person="adele")
    unknown, _ = await world.call("DELETE", f"{PATH}/G-1")
    again, _ = await world.call("POST", PATH, json={"request": request["id"]})

    assert (403, 404, 409) == (status, unknown, again)
    assert "Only Alex Wilber or an administrator may." in answer["detail"]
