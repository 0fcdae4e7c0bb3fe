"""Stages, edits and second thoughts through the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.models import SessionId
from countersign.approvals.rules.policy import Policy
from tests.bot.api_world import World, running

pytestmark = pytest.mark.asyncio
ASKS = {"tool": "send", "effect": "require_approval"}
RULES: list[dict[str, Any]] = [
    {"id": "large", "when": "args.amount > 100", **ASKS, "comment": "required",
     "stages": [{"roles": ["manager"]}, {"people": ["adele"]}]},
    {"id": "small", "roles": ["manager"], **ASKS},
]  # fmt: skip


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as started:
        yield started


async def asked(world: World, amount: int, *rules: dict[str, Any]) -> dict[str, Any]:
    world.policies.replace(Policy.load({"rules": rules or RULES}))
    return await world.waiting({"to": "ceo", "amount": amount})


async def post(world: World, request: Any, what: str, person: str = "alex", **body: Any) -> Any:
    path = f"/api/v1/requests/{request['id']}/{what}"
    return await world.call("POST", path, person=person, json=body or None)


async def test_a_request_says_of_every_step_who_has_voted_and_who_could(world: World) -> None:
    request = await asked(world, 500)
    status, after = await world.vote(request, comment="Fine.")
    first, second = after["steps"]

    assert (200, True) == (status, after["editable"])
    assert {
        "number": 1, "roles": ["manager"], "groups": [], "people": [], "on_call": [], "quorum": 1,
        "parallel": False, "rejects_needed": 1, "is_open": False, "missing": 0, "could": [],
        "could_count": 0,
        "approved_by": [{"id": "alex", "name": "Alex Wilber"}], "rejected_by": [],
        "comment_required": True,
    } == first  # fmt: skip
    assert (True, 1, ["adele"], [{"id": "adele", "name": "Adele Vance"}]) == (
        second["is_open"],
        second["missing"],
        second["people"],
        second["could"],
    )
    assert [{"id": "adele", "name": "Adele Vance"}] == after["eligible"]


async def test_rejections_are_told_apart(world: World) -> None:
    rule = {**RULES[1], "rejects": {"needed": 2}}
    request = await asked(world, 5, rule)
    status, after = await world.vote(request, verdict="reject", comment="No.")

    assert (200, "pending") == (status, after["status"])
    assert ["alex"] == [person["id"] for person in after["steps"][0]["rejected_by"]]
    assert ["megan"] == [person["id"] for person in after["steps"][0]["could"]]


async def test_an_edit_is_foreseen_and_nothing_changes(world: World) -> None:
    request = await asked(world, 50)
    changed: dict[str, Any] = {
        "digest": request["digest"],
        "arguments": {"to": "ceo", "amount": 500},
    }
    status, told = await post(world, request, "edits/preview", **changed)
    _, same = await world.call("GET", f"/api/v1/requests/{request['id']}")

    assert 200 == status
    assert "With amount 500 adele decides as well." == told["others"]
    assert (True, "large", [1, 2]) == (
        told["counts"],
        told["rule"]["id"],
        [step["number"] for step in told["steps"]],
    )
    assert request == same
    for who, code in (("adele", 403), ("megan", 200)):
        assert code == (await post(world, request, "edits/preview", who, **changed))[0]
    changed["digest"] = "0" * 64
    assert 409 == (await post(world, request, "edits/preview", **changed))[0]


async def test_an_approval_without_its_comment_is_invalid(world: World) -> None:
    request = await asked(world, 500)
    status, problem = await world.vote(request)

    assert (422, True) == (status, "Say why you approve this" in problem["detail"])


async def test_a_vote_is_taken_back(world: World) -> None:
    rule = {**ASKS, "id": "two", "stages": [{"roles": ["manager"], "quorum": 2}]}
    request = await asked(world, 5, rule)
    assert 422 == (await post(world, request, "votes/withdraw"))[0]
    await world.vote(request)
    status, left = await post(world, request, "votes/withdraw")

    assert (200, "pending", []) == (status, left["status"], left["votes"])
    await world.vote(request, person="alex")
    await world.vote(request, person="megan")
    assert 409 == (await post(world, request, "votes/withdraw"))[0]


@pytest.mark.parametrize(("ask_again", "becomes"), [(False, "rejected"), (True, "pending")])
async def test_an_approval_is_revoked(world: World, ask_again: bool, becomes: str) -> None:
    request = await world.waiting()
    await world.vote(request)
    body: dict[str, Any] = {"reason": "Wrong one.", "ask_again": ask_again}
    refused, _ = await post(world, request, "revocation", "megan", **body)
    status, left = await post(world, request, "revocation", **body)

    assert (403, 200, becomes) == (refused, status, left["status"])
    assert 422 == (await post(world, request, "revocation", reason=""))[0]


async def test_a_used_approval_stays(world: World) -> None:
    request = await world.waiting()
    await world.vote(request)
    run = await world.chats.runs.begin(SessionId(request["session_id"]))
    assert run is not None
    await world.chats.runs.claim(run, request["id"], request["arguments"])
    status, problem = await post(world, request, "revocation", reason="Wrong one.")

    assert (409, "alex") == (status, problem["decided_by"])
    assert "has begun at 2026-11-22 12:00:00" in problem["detail"]


async def test_what_a_call_has_done_is_undone(world: World) -> None:
    request = await world.done()
    early, _ = await post(world, request, "undo", "adele", reason="Wrong one.")
    unsaid, _ = await post(world, request, "undo", reason="")
    status, body = await post(world, request, "undo", reason="Wrong one.")
    (attempt,) = body["undo"]["attempts"]
    again, problem = await post(world, request, "undo", "megan", reason="Wrong one.")

    assert (403, 422, 202, 409) == (early, unsaid, status, again)
    assert ("look", {"to": "ceo"}, None) == (
        body["undo"]["tool"], body["undo"]["arguments"], body["undoes"]
    )  # fmt: skip
    assert ("under_way", None, "Alex Wilber") == (
        attempt["state"], attempt["request_id"], attempt["by"]
    )  # fmt: skip
    assert "Alex Wilber has it undone already" in problem["detail"]
    assert (await world.waiting())["undo"] is None
