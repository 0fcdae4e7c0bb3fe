"""Calls that were proposed together are decided together, each for itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from countersign.approvals.models import Proposal, Request, SessionId, ToolCall
from tests.bot.api_world import World
from tests.bot.inbox_world import inbox
from tests.doubles.chats import chat_of


async def together(api: World, *amounts: int) -> tuple[Request, ...]:
    """Calls of one checkpoint of Sam's."""
    asked: dict[str, Any] = {"workflow": "echo", "task": "send them"}
    _, session = await api.call("POST", "/api/v1/sessions", person="sam", json=asked)
    run = await api.chats.runs.begin(SessionId(session["id"]))
    assert run is not None
    proposals = [
        Proposal(
            call=ToolCall(
                session_id=SessionId(session["id"]),
                call_id=f"call-{amount}",
                tool="send",
                arguments={"to": "ceo", "amount": amount},
                agent="worker",
                executor="gatekeeper",
            )
        )
        for amount in amounts
    ]
    state = chat_of({"name": "worker", "role": "user", "content": "Shall I?"})
    return tuple(await api.chats.runs.submit(run, proposals, state=state))


def picked(*requests: Request) -> dict[str, str]:
    return {f"pick.{request.id}": request.digest for request in requests}


async def test_what_is_ticked_is_decided_and_the_rest_waits_on(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        one, two, three = await together(world.api, 1, 2, 3)
        alex = await world.signed_in("alex")
        assert "3 calls proposed together" in alex.text
        text = await alex.open(f"/inbox/requests/{one.id}")
        assert "Proposed together with" in text
        await alex.open("/inbox")
        await alex.send("/inbox/bundle", verdict="approve", **picked(one, two))
        assert alex.text.count("Your decision counts.") == 2
        text = await alex.open("/inbox")
        assert "proposed together" not in text
        assert three.id in text

        await alex.send("/inbox/bundle", verdict="reject", **picked(three))
        assert "reason" in alex.text
        await alex.open("/inbox")
        await alex.send("/inbox/bundle", verdict="approve")
        assert "Nothing was ticked" in alex.text


async def test_each_of_a_bundle_counts_or_not_for_itself(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        one, two = await together(world.api, 1, 2)
        alex, megan = await world.signed_in("alex"), await world.signed_in("megan")
        await alex.open("/inbox")
        await megan.open("/inbox")
        await alex.send("/inbox/bundle", verdict="approve", **picked(one))
        await megan.send("/inbox/bundle", verdict="reject", comment="No.", **picked(one, two))
        assert megan.text.count("Your decision counts.") == 1
        assert "Alex Wilber" in megan.text

        await megan.open("/inbox")
        await megan.send("/inbox/bundle", verdict="approve", comment="keep me", again="1")
        assert "keep me" in megan.text
        assert "Nothing was done yet" in megan.text


async def test_a_list_asks_the_database_as_often_for_thirty_as_for_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0

    def seen(*_: Any) -> None:
        nonlocal count
        count += 1

    async with inbox(tmp_path) as world:
        alex = await world.signed_in("alex")
        await world.api.waiting()
        await world.api.waiting()
        event.listen(Engine, "before_cursor_execute", seen)
        try:
            costs = []
            for _ in range(2):
                count = 0
                await alex.open("/inbox")
                costs.append(count)
                for _ in range(28 if len(costs) == 1 else 0):
                    await world.api.waiting()
        finally:
            event.remove(Engine, "before_cursor_execute", seen)
        assert alex.text.count("data-row ") == 30
        assert costs[0] == costs[1]


async def test_all_of_many_are_on_one_page_and_decided_by_one_act(tmp_path: Path) -> None:
    """More than the list of what waits has on a page."""
    async with inbox(tmp_path) as world:
        requests = await together(world.api, *range(1, 41))
        alex = await world.signed_in("alex")
        text = await alex.open(f"/inbox/requests/{requests[3].id}/together")
        assert "40 calls proposed together" in text
        assert "40 of them wait" in text
        assert "All of it can be undone." in text
        assert 40 == text.count('type="checkbox"')
        assert text.index(requests[0].id) < text.index(requests[39].id)
        megan = await world.signed_in("megan")
        await megan.send("/inbox/bundle", verdict="approve", **picked(requests[0]))

        await alex.open(f"/inbox/requests/{requests[3].id}/together")
        assert "39 of them wait" in alex.text
        assert 39 == alex.text.count('type="checkbox"')
        await alex.send("/inbox/bundle", verdict="reject", comment="No.", **picked(*requests[1:]))
        assert 39 == alex.text.count("Your decision counts.")
        text = await alex.open(f"/inbox/requests/{requests[3].id}/together")
        assert 'type="checkbox"' not in text
        assert "Approve what is ticked" not in text


async def test_who_may_not_decide_reads_why_beside_each_call(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        requests = await together(world.api, 1, 2)
        sam = await world.signed_in("sam")
        text = await sam.open(f"/inbox/requests/{requests[0].id}/together")
        assert 2 == text.count("You asked for this yourself; somebody else has to decide it.")
        assert 'type="checkbox"' not in text
        await sam.open("/inbox/requests/R-NONE/together")
        assert 404 == sam.status
