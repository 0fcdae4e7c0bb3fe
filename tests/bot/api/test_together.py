"""Calls that were proposed together, decided by one act through the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.rules.policy import Policy
from tests.bot.api_world import World, running
from tests.bot.inbox.test_bundles import together

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as started:
        yield started


async def decide(world: World, of: str, **body: Any) -> tuple[int, Any]:
    person = body.pop("person", "alex")
    path = f"/api/v1/requests/{of}/together"
    if "digests" not in body:
        body["digests"] = (await world.call("GET", path))[1]["digests"]
    return await world.call("POST", f"{path}/votes", person=person, json=body)


async def test_all_are_decided_at_once_and_the_session_goes_on(world: World) -> None:
    requests = await together(world, 1, 2, 3)
    _, found = await world.call("GET", f"/api/v1/requests/{requests[1].id}/together")
    status, after = await decide(world, requests[1].id, verdict="approve")
    _, session = await world.call("GET", f"/api/v1/sessions/{requests[0].session_id}")

    assert ("reversible", {}) == (found["reversibility"], found["totals"])
    assert {each.id: each.digest for each in requests} == found["digests"]
    assert (200, ["approved"] * 3) == (status, [call["status"] for call in after["calls"]])
    assert ({}, None, "running") == (after["digests"], after["reversibility"], session["status"])
    _, ledger = await world.call("GET", f"/api/v1/ledger?session={requests[0].session_id}")
    assert ledger["verified"]
    assert 3 == [entry["kind"] for entry in ledger["items"]].count("voted")


async def test_some_are_rejected_and_the_rest_waits_on(world: World) -> None:
    one, two, three = await together(world, 1, 2, 3)
    digests = {one.id: one.digest, three.id: three.digest}
    unsaid, _ = await decide(world, one.id, verdict="reject", digests=digests)
    status, after = await decide(world, one.id, verdict="reject", digests=digests, comment="No.")

    assert (422, 200) == (unsaid, status)
    assert ["rejected", "pending", "rejected"] == [call["status"] for call in after["calls"]]
    assert [two.id] == list(after["digests"])


@pytest.mark.parametrize(
    ("person", "change", "status"),
    [
        ("adele", {}, 403),  # who may not
        ("alex", {"R-NONE": "0" * 64}, 422),  # not of these
        ("alex", {"comment": "only the first one, please"}, 422),  # a condition
    ],
)
async def test_one_that_does_not_count_means_that_none_does(
    person: str, change: dict[str, str], status: int, world: World
) -> None:
    requests = await together(world, 1, 2)
    digests: dict[str, str] = {each.id: each.digest for each in requests}
    comment = change.get("comment", "")
    if not comment:
        digests |= change
    said, _ = await decide(
        world, requests[0].id, verdict="approve", digests=digests, comment=comment, person=person
    )
    _, found = await world.call("GET", f"/api/v1/requests/{requests[0].id}/together")

    assert status == said
    assert ["pending", "pending"] == [call["status"] for call in found["calls"]]
    assert [[], []] == [call["votes"] for call in found["calls"]]


async def test_a_rule_that_asks_others_today_counts_none_and_asks_again(world: World) -> None:
    requests = await together(world, 1, 2)
    digests = {each.id: each.digest for each in requests}
    stale, _ = await decide(
        world, requests[0].id, verdict="approve", digests={**digests, requests[1].id: "0" * 64}
    )
    ask = {"effect": "require_approval", "roles": ["boss"]}
    world.policies.replace(Policy.load({"tools": {"send": ask}}))
    asked_again, problem = await decide(world, requests[0].id, verdict="approve", digests=digests)
    _, found = await world.call("GET", f"/api/v1/requests/{requests[0].id}/together")

    assert (409, 409) == (stale, asked_again)
    assert "Nothing was counted." in problem["detail"]
    assert [[], []] == [call["votes"] for call in found["calls"]]
