"""The other pages: sessions, workflows, people and rules, the ledger, health, insights, live."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse

from countersign.approvals.directory.given import WithDelegations
from countersign.approvals.errors import NotFoundError
from countersign.approvals.models import Domain, People, RequestId
from countersign.approvals.rules.policy import Policy
from countersign.bot.inbox import live
from countersign.bot.inbox.insights import by_day, by_person, by_rule
from tests.bot.api_world import NOON, POLICY
from tests.bot.inbox_world import Browser, InboxWorld, inbox

TABS = ("", "/sessions", "/workflows", "/rules", "/ledger", "/health", "/insights")


async def test_every_page_says_what_there_is_when_there_is_nothing(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        alex = await world.signed_in("alex")
        for tab in TABS:
            text = await alex.open(f"/inbox{tab}")
            assert alex.status == 200, tab
            assert 'aria-current="page"' in text
            stranger = world.browser()
            await stranger.open(f"/inbox{tab}")
            assert stranger.path.startswith("/inbox/sign-in")


async def test_a_workflow_is_started_once_by_a_form_and_followed(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        sam = await world.signed_in("sam")
        await sam.open("/inbox/workflows")
        key = sam.hidden("key")
        await sam.send("/inbox/workflows", workflow="echo", task="send it", key=key)
        assert sam.status == 200
        first = sam.path
        assert first.startswith("/inbox/sessions/S-")
        assert "send it" in sam.text
        await sam.open("/inbox/workflows")
        await sam.send("/inbox/workflows", workflow="echo", task="send it", key=key)
        assert first == sam.path

        await sam.open("/inbox/workflows")
        await sam.send("/inbox/workflows", workflow="nowhere", task="keep this")
        assert sam.status == 422
        assert "Unknown workflow" in sam.text
        await sam.send("/inbox/workflows", workflow="echo", task="x" * 20_001)
        assert sam.status == 422
        assert "longer than 20,000" in sam.text
        await sam.send("/inbox/workflows", workflow="echo", task="typed", again="1")
        assert "typed</textarea>" in sam.text

        text = await sam.open("/inbox/sessions?status=running")
        assert first in text
        assert first not in await sam.open("/inbox/sessions?status=failed")


async def test_a_session_is_a_timeline_that_its_owner_can_end(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.waiting()
        path = f"/inbox/sessions/{request['session_id']}"
        alex, sam = await world.signed_in("alex"), await world.signed_in("sam")
        text = await alex.open(path)
        for shown in ("A call was proposed", request["id"], "Shall I?", "send it"):
            assert shown in text, shown
        assert "End this session" not in text
        assert "<html" not in await alex.open(f"{path}?part=1&all=1")
        ledger = await alex.open(f"{path}/ledger.json")
        assert '"kind": "session_started"' in ledger
        assert "attachment" in alex.headers["Content-Disposition"]

        await sam.open(path)
        await sam.send(f"{path}/end", again="1")
        assert "End this session" in sam.text
        await sam.send(f"{path}/end")
        assert "cancelled" in sam.text
        await sam.send(f"{path}/end", csrf=sam.csrf)
        assert sam.status == 409
        await alex.open(path)
        await alex.send(f"{path}/end")
        assert alex.status in (403, 409)
        for nowhere in ("S-nowhere", "x" * 300):
            await alex.open(f"/inbox/sessions/{nowhere}")
            assert alex.status == 404


async def test_sessions_go_on_by_pages(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        for number in range(31):
            world.api.clock.advance(1)
            await world.api.call(
                "POST", "/api/v1/sessions", json={"workflow": "echo", "task": f"task {number}"}
            )
        alex = await world.signed_in("alex")
        text = await alex.open("/inbox/sessions")
        (further,) = re.findall(r'href="([^"]+)" rel="next"', text)
        assert "task 0<" in await alex.open(further.replace("&amp;", "&"))


async def test_switches_are_turned_by_who_may(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        megan, adele = await world.signed_in("megan"), await world.signed_in("adele")
        text = await megan.open("/inbox/rules")
        assert "policy" not in text or "Alex Wilber" in text
        await megan.send("/inbox/rules/pauses", scope="tool:send", reason="")
        assert megan.status == 422
        await megan.send("/inbox/rules/pauses", scope="nonsense", reason="Why not.")
        assert megan.status == 422
        assert "Why not." in megan.text
        await megan.send("/inbox/rules/pauses", scope="tool:send", reason="Wrong", again="1")
        assert "Nothing is paused." in megan.text
        await megan.send("/inbox/rules/pauses", scope="tool:send", reason="Wrong addresses.")
        assert "It is paused." in megan.text
        assert "Wrong addresses." in megan.text
        pause = re.findall(r"/inbox/rules/pauses/([^/]+)/end", megan.text)[0]

        text = await adele.open("/inbox/rules")
        assert "Wrong addresses." in text
        assert "Pause something" not in text
        await adele.send(f"/inbox/rules/pauses/{pause}/end")
        assert adele.status == 403
        await megan.send(f"/inbox/rules/pauses/{pause}/end")
        assert "Nothing is paused." in megan.text


async def test_the_rules_are_asked_by_a_form(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        alex = await world.signed_in("alex")
        await alex.open("/inbox/rules")
        explain = "/inbox/rules/explain"
        await alex.send(explain, tool="send", arguments='{"to": "ceo"}', requester="sam")
        assert "require_approval by" in alex.text
        assert "Alex Wilber" in alex.text
        await alex.send(explain, tool="send", arguments="{", requester="sam")
        assert alex.status == 422
        assert "not JSON" in alex.text
        await alex.send(explain, tool="", arguments="{}", requester="")
        assert alex.status == 422
        await alex.send(explain, tool="kept", arguments="{}", again="1")
        assert 'value="kept"' in alex.text
        found = await alex.open("/inbox/rules?q=MEGAN")
        assert "Megan Bowen" in found
        assert "Adele Vance" not in found
        assert "Nobody fits." in await alex.open("/inbox/rules?q=nobody")


async def _verified(browser: Browser) -> str:
    for _ in range(400):
        if "every 1s" not in await browser.open("/inbox/ledger?part=1"):
            break
        await asyncio.sleep(0.05)
    return browser.text


async def test_administrators_verify_the_ledger_and_all_see_what_came_of_it(
    tmp_path: Path,
) -> None:
    async with inbox(tmp_path) as world:
        await world.api.waiting()
        megan, adele = await world.signed_in("megan"), await world.signed_in("adele")
        assert "Verify now" not in await adele.open("/inbox/ledger")
        await adele.send("/inbox/ledger/verification")
        assert adele.status == 403
        await megan.open("/inbox/ledger?after=x")
        await megan.send("/inbox/ledger/verification")
        assert megan.path == "/inbox/ledger"
        assert "are as they were written" in await _verified(megan)
        assert "Megan Bowen" in await adele.open("/inbox/ledger")
        await megan.open("/inbox/rules")
        await megan.send("/inbox/rules/pauses", scope="all", reason="Now.")
        assert '"kind": "pause_began"' in await adele.open("/inbox/ledger/governance.json")
        assert "Now." in await adele.open("/inbox/ledger")
        assert "Now." not in await adele.open("/inbox/ledger?after=99")


async def test_health_says_what_is_wrong_and_what_is_in_doubt(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.doubted()
        world.api.systems["jira"] = "it cannot be reached"
        adele = await world.signed_in("adele")
        text = await adele.open("/inbox/health")
        for shown in ("it cannot be reached", request["id"], "works"):
            assert shown in text, shown


async def test_insights_count_what_became_of_requests(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        for verdict in ("approve", "reject", ""):
            request = await world.api.waiting()
            world.api.clock.advance(minutes=10)
            if verdict:
                await world.api.vote(
                    request, verdict=verdict, comment="No." if verdict == "reject" else ""
                )
        alex = await world.signed_in("alex")
        text = await alex.open("/inbox/insights")
        assert "Of all 3 requests" in text
        assert "10 minutes" in text
        found = (await world.api.records.requests()).items
        (row,) = by_rule(found)
        assert (3, 1, 1, 600.0) == (row.count, row.approved, row.rejected, row.median_s)
        assert [("Alex Wilber", 2)] == [(each.name, each.count) for each in by_person(found)]
        days = by_day(found, NOON)
        assert (1, 1, 1) == (days[-1].approved, days[-1].rejected, days[-1].other)
        assert 0 == sum(day.total for day in by_day(found, NOON + timedelta(days=20)))


async def test_insights_say_what_is_used_of_budgets_to_who_may_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with inbox(tmp_path) as world:
        budget = {"tool": "send", "window": "day", "zone": "UTC", "count": {"hard": 4}}
        world.api.policies.replace(Policy.load({**POLICY, "budgets": {"mails": budget}}))
        megan, adele = await world.signed_in("megan"), await world.signed_in("adele")
        text = await adele.open("/inbox/insights")
        assert "mails" in text
        assert "0 of 4" in re.sub(r"\s+", " ", text)
        real = WithDelegations.people

        def divided(directory: WithDelegations) -> People:
            found = real(directory)
            found.domains = {"finance": Domain(tools=frozenset({"pay"}))}
            return found

        monkeypatch.setattr(WithDelegations, "people", divided)
        assert "mails" not in await adele.open("/inbox/insights")
        assert "mails" in await megan.open("/inbox/insights")


async def _told(stream: ClientResponse) -> None:
    """Wait for the next event; a stream that has ended has none."""
    assert (await stream.content.readuntil(b"event: changed\n")).endswith(b"event: changed\n")


async def _events(world: InboxWorld, browser: Browser, query: str, act: Any) -> list[bytes]:
    """The lines of a stream until it tells of what `act` changes; at its beginning it tells of what
    may have changed before."""
    lines: list[bytes] = []
    async with asyncio.timeout(30), browser.client.get(f"/inbox/live?{query}") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        while not lines or not lines[-1].startswith(b"event"):
            lines.append(await response.content.readline())
        lines.append(b"")
        await act()
        while not lines[-1].startswith(b"event"):
            lines.append(await response.content.readline())
    return lines


async def test_open_pages_are_told_that_something_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "EVERY_S", 0.02)
    async with inbox(tmp_path) as world:
        alex = await world.signed_in("alex")
        request: dict[str, Any] = {}

        async def ask() -> None:
            request.update(await world.api.waiting())

        async def vote() -> None:
            await world.api.vote(request)

        assert b"event: changed\n" == (await _events(world, alex, "waiting=1", ask))[-1]
        about = f"request={request['id']}"
        assert b"event: changed\n" == (await _events(world, alex, about, vote))[-1]

        stranger = world.browser()
        async with stranger.client.get("/inbox/live?waiting=1") as response:
            assert response.status == 204
        async with alex.client.get("/inbox/live?request=R-nowhere") as response:
            assert response.status == 404


async def test_a_page_that_was_drawn_before_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where another one is open already, and after a look that went wrong."""
    monkeypatch.setattr(live, "EVERY_S", 0.02)
    async with inbox(tmp_path) as world:
        alex = await world.signed_in("alex")
        request = await world.api.waiting()
        path = f"/inbox/live?request={request['id']}"
        looks = [RuntimeError("a fault"), NotFoundError("away")]
        real = live.Live._request

        async def look(self: live.Live, request_id: RequestId) -> str:
            if looks:
                raise looks.pop()
            return await real(self, request_id)

        monkeypatch.setattr(live.Live, "_request", look)
        async with asyncio.timeout(30), alex.client.get(path) as one:
            await _told(one)
            async with alex.client.get(path) as two:
                await _told(two)
                await world.api.vote(request)
                await _told(one)
                await _told(two)


async def test_a_stream_ends_with_its_session_and_with_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "EVERY_S", 0.02)
    monkeypatch.setattr(live, "PULSE_S", 0.05)
    async with inbox(tmp_path) as world:
        alex = await world.signed_in("alex")
        request = await world.api.waiting()
        about = f"session={request['session_id']}"
        async with asyncio.timeout(30), alex.client.get(f"/inbox/live?{about}") as response:
            await response.content.readline()
            world.api.clock.advance(hours=2)
            assert (await response.content.read()).endswith(b"\n\n")
        alex = await world.signed_in("alex")
        async with asyncio.timeout(30), alex.client.get(f"/inbox/live?{about}") as response:
            await response.content.readline()
            runner = world.api.client.server.runner
            assert runner is not None
            await runner.shutdown()
            await response.content.read()
