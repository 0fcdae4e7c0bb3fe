"""Canaries, over the API and on the page: known by nothing, run by nothing, always disclosed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.rules.canaries import drawn
from countersign.approvals.rules.policy import Policy
from tests.bot.api_world import POLICY, SAMPLE_KEY, World, running
from tests.bot.inbox_world import inbox

pytestmark = pytest.mark.asyncio
EXAMPLE = {
    "name": "too-much",
    "workflow": "echo",
    "tool": "send",
    "arguments": {"to": "ceo", "amount": 999},
    "requester": "sam",
    "rationale": "They asked for it.",
    "expect": "reject",
    "because": "Nobody sends 999.",
}
CANARIES = {"every": "1h", "per_person": "1s", "examples": [EXAMPLE]}


async def canary(world: World) -> dict[str, Any]:
    """One that waits, as the API shows it to who may decide it."""
    tools = {**POLICY["tools"], "send": {**POLICY["tools"]["send"], "canaries": CANARIES}}
    world.policies.replace(Policy.load({**POLICY, "tools": tools}))
    await world.vote(await world.waiting())
    terms = world.policies.current.tools["send"].canaries
    assert terms is not None
    while drawn(SAMPLE_KEY, "tools.send", terms, world.clock.now()) is None:
        world.clock.advance(20)
    await world.canaries.send()
    _, found = await world.call("GET", "/api/v1/requests?status=pending&mine=true")
    (request,) = found["items"]
    answer: dict[str, Any] = request
    return answer


def keys(value: Any) -> Any:
    """All names in an answer, at their places."""
    return {name: keys(each) for name, each in value.items()} if isinstance(value, dict) else None


async def test_nothing_that_its_people_read_tells_it_from_a_real_one(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        request = await canary(world)
        real = await world.waiting({"to": "ceo", "amount": 999})
        path = f"/api/v1/requests/{request['id']}"
        _, whole = await world.call("GET", path)
        _, ledger = await world.call("GET", f"/api/v1/ledger?session={request['session_id']}")
        _, others = await world.call("GET", f"/api/v1/ledger?session={real['session_id']}")
        _, session = await world.call("GET", f"/api/v1/sessions/{request['session_id']}")
        _, sessions = await world.call("GET", "/api/v1/sessions", person="sam")

    assert keys(real) == keys(whole)
    assert (real["rule"], real["requester"], real["agent"]) == (
        whole["rule"], whole["requester"], whole["agent"],
    )  # fmt: skip
    assert ledger["verified"]
    assert "waiting" == session["status"]
    kinds = [entry["kind"] for entry in others["items"]]
    assert kinds == [entry["kind"] for entry in ledger["items"]]
    ours, theirs = ({e["kind"]: keys(e["body"]) for e in of["items"]} for of in (ledger, others))
    assert ours == theirs
    for answer in (whole, ledger, session):
        assert "canar" not in str(answer).lower()
        assert "too-much" not in str(answer)
        assert "Nobody sends" not in str(answer)
    assert request["session_id"] not in {each["id"] for each in sessions["items"]}


async def test_a_program_that_approves_everything_is_told_too(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        request = await canary(world)
        status, after = await world.vote(request)
        late, why = await world.vote(request, person="megan")
        world.clock.advance(1)
        _, figures = await world.call("GET", "/api/v1/oversight", person="megan")
        run = await world.chats.runs.begin(request["session_id"])
        export = await world.call("GET", f"/api/v1/ledger?session={request['session_id']}")

    assert (200, "cancelled", "canary") == (status, after["status"], after["result"]["cause"])
    assert after["result"]["message"].endswith(
        "Alex Wilber approved it. Right would have been to reject it. Nobody sends 999."
    )
    assert 409 == late
    assert "cancelled" in str(why)
    assert run is None
    alex = next(each for each in figures["people"] if each["id"] == "alex")
    assert {
        "caught": 0, "missed": 1, "asked": 0, "unanswered": 0, "low": 0.0, "high": 0.7935,
    } == alex["canaries"]  # fmt: skip
    assert 1 == alex["votes"]
    assert "too-much" == export[1]["items"][-1]["body"]["canary"]["example"]


async def test_the_page_says_what_it_was_once_it_is_answered(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await canary(world.api)
        path = f"/inbox/requests/{request['id']}"
        alex = await world.signed_in("alex")
        before = await alex.open(path)
        await alex.send(f"{path}/votes", verdict="reject", digest=request["digest"], comment="No.")

        assert "test" not in before.lower().replace("latest", "")
        assert alex.path == f"{path}?said=canary"
        assert "This was a test. Read below what would have been right." in alex.text
        assert "Alex Wilber rejected it, and that was right. Nobody sends 999." in alex.text
        world.api.clock.advance(1)
        megan = await world.signed_in("megan")
        shown = await megan.open("/inbox/insights")
        assert "Tests (canaries) caught" in shown
        assert "1 of 1 (" in shown
