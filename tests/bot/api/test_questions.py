"""Questions over the API: asked, shown with the request, and answered by whoever asked for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bot.api_world import World, running

pytestmark = pytest.mark.asyncio
TEXT = {"text": "Why so much?"}


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as started:
        yield started


async def test_question_is_accepted_and_stands_with_the_request(world: World) -> None:
    request = await world.waiting()
    path = f"/api/v1/requests/{request['id']}"
    status, asked = await world.call("POST", f"{path}/questions", json=TEXT)
    _, shown = await world.call("GET", path)

    assert (202, "open", 1) == (status, asked["status"], asked["number"])
    assert [asked] == shown["questions"]
    assert ("Why so much?", "alex") == (asked["text"], asked["by"])
    assert "pending" == shown["status"]
    answer = f"{path}/questions/1/answer"
    assert 403 == (await world.call("POST", answer, json=TEXT))[0]
    assert 409 == (await world.call("POST", answer, person=request["requester"], json=TEXT))[0]
    for missing in ("9", "x"):
        found = await world.call("POST", f"{path}/questions/{missing}/answer", json=TEXT)
        assert 404 == found[0]


async def test_whoever_may_not_decide_may_not_ask(world: World) -> None:
    request = await world.waiting()
    path = f"/api/v1/requests/{request['id']}/questions"
    assert 403 == (await world.call("POST", path, person=request["requester"], json=TEXT))[0]
    assert 422 == (await world.call("POST", path, json={"text": ""}))[0]
    assert 404 == (await world.call("POST", "/api/v1/requests/none/questions", json=TEXT))[0]
