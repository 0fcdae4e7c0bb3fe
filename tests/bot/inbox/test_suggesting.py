"""Suggested rules on the Insights page: looked for by administrators, beside the server's work."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.errors import UnavailableError
from countersign.approvals.rules.policy import Policy
from countersign.bot.inbox import suggesting
from tests.bot.api_world import POLICY
from tests.bot.inbox_world import Browser, InboxWorld, inbox

PATH = "/inbox/insights/suggestions"
RULE = {"id": "asks", **POLICY["tools"]["send"], "tool": "send"}


async def answered(world: InboxWorld, count: int) -> None:
    """People approve what is small, and once refuse what is large."""
    for number in range(count):
        amount = 900 if number == 3 else 10 * (number % 6 + 1)
        request = await world.api.waiting({"to": "ceo", "amount": amount})
        world.api.clock.advance(minutes=10)
        verdict = "reject" if number == 3 else "approve"
        await world.api.vote(request, verdict=verdict, comment="No." * (number == 3))


async def looked(browser: Browser) -> str:
    """Press the button, and wait until it is over."""
    await browser.open("/inbox/insights")
    await browser.send(PATH)
    await over(browser)
    return browser.text


async def over(browser: Browser) -> None:
    async with asyncio.timeout(20):
        while "Look for rules now" not in await browser.open("/inbox/insights"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("ordered", [False, True])
async def test_rules_that_would_spare_people_are_suggested_with_what_speaks_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ordered: bool
) -> None:
    monkeypatch.setattr(suggesting, "LEAST", 20)
    monkeypatch.setattr(suggesting, "AGREEMENT", 0.8)
    async with inbox(tmp_path) as world:
        if ordered:
            tools = {"look": "allow"}
            world.api.policies.replace(Policy.load({**POLICY, "tools": tools, "rules": [RULE]}))
        await answered(world, 26)
        megan = await world.signed_in("megan")
        assert "Nothing to suggest" not in await megan.open("/inbox/insights")
        text = await looked(megan)

        for said in (
            "id: send-usual", "when: args.amount &lt;= 60", "effect: allow",
            "all 25 such calls as they were proposed, of 26",
            "At least 86.6% of such calls", "it spares people 25 requests",
        ):  # fmt: skip
            assert said in text, said
        assert ("Before the rule asks" in text) is ordered
        assert "against a person" not in text
        assert "<html" not in await megan.open(PATH)
        assert "send-usual" in megan.text
        before = world.api.policies.current
        assert "send-usual" not in before.document.text()  # nothing is changed by looking


async def test_where_nothing_is_sure_enough_that_is_said(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        await answered(world, 6)
        megan = await world.signed_in("megan")
        text = await looked(megan)

        assert "Nothing to suggest: no rule has 30 calls or more" in text


async def test_only_administrators_look_and_only_when_they_mean_it(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        adele, megan = await world.signed_in("adele"), await world.signed_in("megan")
        text = await adele.open("/inbox/insights")
        assert "Suggested rules" not in text
        await adele.send(PATH)
        assert adele.status == 403
        await adele.open(PATH)
        assert adele.status == 403
        await megan.open("/inbox/insights")
        await megan.send(PATH, again="1")  # typed before they signed in again
        assert "Look for rules now" in megan.text
        assert "Looked at" not in megan.text


async def test_one_look_at_a_time_and_it_says_that_it_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = list[str](), threading.Event()

    async def slow(*_: Any) -> Any:
        begun.append(threading.current_thread().name)
        go_on.wait(10)
        raise UnavailableError("The database cannot be read.")

    monkeypatch.setattr(suggesting, "_found", slow)
    async with inbox(tmp_path) as world:
        megan = await world.signed_in("megan")
        await megan.open("/inbox/insights")
        csrf = megan.csrf
        for _ in range(2):
            await megan.send(PATH, csrf=csrf)
        assert "being looked through" in megan.text  # and the server answers meanwhile
        assert "Look for rules now" not in megan.text
        go_on.set()
        await over(megan)

        assert "The database cannot be read." in megan.text
        assert 1 == len(begun)
        assert threading.current_thread().name not in begun


async def test_a_database_that_does_not_answer_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with inbox(tmp_path) as world:
        reader, here = world.api.records.reader, asyncio.get_running_loop()
        from_thread = suggesting._FromThread(reader, here)
        monkeypatch.setattr(suggesting, "READ_S", 0.01)
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(
                lambda: asyncio.run(from_thread.read(lambda _: time.sleep(0.3)))
            )
        monkeypatch.setattr(suggesting, "_found", _too_late)
        megan = await world.signed_in("megan")
        assert "has not answered within" in await looked(megan)


async def _too_late(*_: Any) -> Any:
    raise TimeoutError
