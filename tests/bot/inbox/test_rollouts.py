"""The rollout page: the ladder, what speaks for the next phase, a promotion, one click."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from countersign.approvals.rules.policy import Policy
from tests.bot.inbox_world import inbox

PATH = "/inbox/rules/rollout"
ROLLOUT = {
    "phases": ["shadow", "copilot"],
    "accepted_by": ["boss"],
    "needed": 2,
    "agreement": 0.2,
}
SEND = {"effect": "require_approval", "roles": ["manager"], "risk": "low", "rollout": ROLLOUT}
POLICY = {"administrators": {"roles": ["boss"]}, "tools": {"send": SEND}}
RULE = {"rule": "tools.send", "tool": "send"}


async def shadowed(world: Any, times: int = 2) -> list[dict[str, Any]]:
    world.api.policies.replace(Policy.load(POLICY))
    found = []
    for number in range(times):
        request = await world.api.waiting({"to": "ceo", "amount": number})
        path = f"/api/v1/requests/{request['id']}/by-hand"
        same = {"arguments": request["arguments"]}
        status, _ = await world.api.call("POST", path, person="alex", json=same)
        assert status == 200
        found.append(request)
    return found


async def test_what_is_to_be_done_by_hand_is_listed(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        alex = await world.signed_in("alex")
        assert "No rule comes by phases." in await alex.open(PATH)
        world.api.policies.replace(Policy.load(POLICY))
        request = await world.api.waiting({"to": "ceo", "amount": 1})
        text = await alex.open(PATH)
        assert "To be done by hand" in text
        assert f"/inbox/requests/{request['id']}" in text
        assert "In shadow: 0 of 2 towards co-pilot." in await alex.open(
            f"/inbox/requests/{request['id']}"
        )
        assert "Where the rules stand" in await alex.open("/inbox/rules")


async def test_a_promotion_is_proposed_and_accepted_by_whom_the_rule_names(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        await shadowed(world, 1)
        megan, alex = await world.signed_in("megan"), await world.signed_in("alex")
        text = await megan.open(PATH)
        assert "1 of 2 towards co-pilot" in text
        assert "Still to be compared: 1." in text
        assert "Promote to" not in text
        _, found = await world.api.call("GET", "/api/v1/rollouts", person="megan")
        early = found["items"][0]["digest"]
        await shadowed(world, 1)
        text = await megan.open(PATH)
        for shown in ("A promotion to co-pilot is proposed.", "2 of 2 agree", "Alex Wilber 2"):
            assert shown in text, shown
        assert "Promote to" not in await alex.open(PATH)  # who accepts it is named by the rule

        move = {**RULE, "phase": "copilot", "reason": "Two of two."}
        await megan.send(f"{PATH}/moves", **move, evidence=early)
        assert (megan.status, "look again" in megan.text) == (409, True)
        assert 'value="Two of two."' in megan.text
        seen = megan.hidden("evidence")
        await megan.send(f"{PATH}/moves", **{**move, "phase": "all"}, evidence=seen)
        assert (megan.status, "Choose the phase." in megan.text) == (422, True)
        await alex.open(PATH)
        await alex.send(f"{PATH}/moves", **move, evidence=seen)
        assert (alex.status, "needs the role boss" in alex.text) == (403, True)
        await megan.send(f"{PATH}/moves", **move, evidence=seen, again="1")
        assert "signed in again" in megan.text
        await megan.send(f"{PATH}/moves", **move, evidence=seen)
        assert "It stands at another phase now." in megan.text
        assert re.search(r'class="here"[^>]*>co-pilot', megan.text)
        assert "Back to shadow" in megan.text


async def test_at_co_pilot_one_click_is_enough_and_shows_all_there_is(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        await shadowed(world)
        _, found = await world.api.call("GET", "/api/v1/rollouts", person="megan")
        (item,) = found["items"]
        assert (item["missing"], item["speaks_against"], item["accepted_by"]) == (
            [],
            False,
            ["boss"],
        )
        assert item["progress"] == "2 of 2 towards co-pilot"
        move = {**RULE, "phase": "copilot", "evidence": item["digest"], "reason": "Fine."}
        status, said = await world.api.call(
            "POST", "/api/v1/rollouts/moves", person="alex", json=move
        )
        assert (status, "needs the role boss" in said["detail"]) == (403, True)
        status, after = await world.api.call(
            "POST", "/api/v1/rollouts/moves", person="megan", json=move
        )
        assert (200, "copilot") == (status, after["evidence"]["phase"])
        request = await world.api.waiting({"to": "ceo@example.com", "amount": 7})
        assert request["rollout"] == "Co-pilot: the last phase of its rule."
        alex = await world.signed_in("alex")
        text = await alex.open("/inbox")
        quick = text.partition('class="quick"')[2].partition("</form>")[0]
        assert "ceo@example.com" in quick
        assert "<dd>7" in quick
        (pick,) = re.findall(r'name="([^"]*R-[^"]*)" value="([0-9a-f]{64})"', quick)
        await alex.send("/inbox/bundle", **{pick[0]: pick[1], "verdict": "approve"})
        _, body = await world.api.call("GET", f"/api/v1/requests/{request['id']}")
        assert body["status"] in ("approved", "executing", "executed")

        for more in ({"to": "x" * 100}, {"to": "a", "amount": 1}):
            risk = "low" if len(more) == 1 else "medium"
            world.api.policies.replace(
                Policy.load(
                    {**POLICY, "tools": {"send": {**SEND, "reason": "More.", "risk": risk}}}
                )
            )
            await world.api.waiting(more)
        assert 'class="quick"' not in await alex.open("/inbox")
