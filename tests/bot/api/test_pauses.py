"""Pauses over the API: who may, what is refused, and what requests say meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.bot.api_world import World, running

pytestmark = pytest.mark.asyncio
PATH = "/api/v1/pauses"
WRONG = {"tool": "send", "reason": "The address book is wrong."}


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as started:
        yield started


async def pause(world: World, person: str = "megan", **body: Any) -> tuple[int, Any]:
    return await world.call("POST", PATH, person=person, json=body or WRONG)


async def test_an_admin_pauses_and_resumes(world: World) -> None:
    request = await world.waiting()
    status, begun = await pause(world)
    _, listed = await world.call("GET", PATH)
    _, shown = await world.call("GET", f"/api/v1/requests/{request['id']}")
    ended_status, ended = await world.call("DELETE", f"{PATH}/{begun['id']}", person="megan")
    _, after = await world.call("GET", PATH)
    _, all_of_them = await world.call("GET", f"{PATH}?ended=true")
    _, free = await world.call("GET", f"/api/v1/requests/{request['id']}")

    assert (201, 200) == (status, ended_status)
    assert ({"kind": "tool", "name": "send"}, "megan", "api") == (
        begun["scope"], begun["by"], begun["via"],
    )  # fmt: skip
    assert [begun] == listed["items"]
    words = "paused by Megan Bowen since 2026-11-22 12:00 UTC: The address book is wrong."
    assert (None, words, None) == (request["paused"], shown["paused"], free["paused"])
    assert ("megan", begun["id"]) == (ended["ended_by"], ended["id"])
    assert ([], [ended]) == (after["items"], all_of_them["items"])


async def test_what_is_approved_waits_and_its_session_says_why(world: World) -> None:
    request = await world.waiting()
    await pause(world)
    await world.vote(request)
    run = await world.chats.runs.begin(request["session_id"])
    assert run is not None
    await world.chats.runs.claim(run, request["id"], request["arguments"])
    _, session = await world.call("GET", f"/api/v1/sessions/{request['session_id']}")
    _, shown = await world.call("GET", f"/api/v1/requests/{request['id']}")

    assert ("running", shown["paused"]) == (session["status"], session["error"])
    assert "approved" == shown["status"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"tool": "send", "workflow": "echo", "reason": "x"}, "name exactly one of tool"),
        ({"reason": "x"}, "name exactly one of tool, workflow, agent"),
        ({"tool": "send"}, "reason"),
        ({"tool": "send", "reason": " "}, "Say why"),
        ({"tool": "sned", "reason": "x"}, "There is no tool 'sned' here; did you mean send?"),
        ({"workflow": "quotes", "reason": "x"}, "did you mean quote?"),
        ({"agent": "x", "reason": "x"}, "There is no agent 'x' here; there are worker."),
        ({"all": False, "reason": "x"}, "all"),
        ({"colour": "red", "reason": "x"}, "colour: unknown field"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    world: World, body: dict[str, Any], says: str
) -> None:
    status, answer = await pause(world, **body)

    assert 422 == status
    assert says in answer["detail"]


async def test_nobody_else_may(world: World) -> None:
    begun = (await pause(world, all=True, reason="Incident."))[1]
    refused = await pause(world, person="alex")
    kept = await world.call("DELETE", f"{PATH}/{begun['id']}", person="adele")

    assert (403, 403) == (refused[0], kept[0])
    assert "This needs the role boss." == refused[1]["detail"]


async def test_twice_is_a_conflict(world: World) -> None:
    begun = (await pause(world))[1]
    again = await pause(world)
    await world.call("DELETE", f"{PATH}/{begun['id']}", person="megan")
    late = await world.call("DELETE", f"{PATH}/{begun['id']}", person="megan")
    unknown = await world.call("DELETE", f"{PATH}/P-1", person="megan")

    assert (409, 409, 404) == (again[0], late[0], unknown[0])
    assert "is already paused by Megan Bowen" in again[1]["detail"]
