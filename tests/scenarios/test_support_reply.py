"""A support reply on the real application: what the supervisor sends is what the customer reads."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.models import Verdict
from countersign.bot.demo.scenarios import SCENARIOS, Choice
from countersign.bot.demo.world import World, open_world
from countersign.sandbox._faults import Fault
from tests.scenarios.playing import APPROVE, play

pytestmark = pytest.mark.asyncio

USE, TICKET = "support_reply", 5001
NO = Choice(Verdict.REJECT, comment="Shorter, and no excuses.")
WORDS = "Dear Ana,\n\nthe background export has all 38,214 rows.\n\nKind regards,\nAlex"
EDIT = Choice(Verdict.MODIFY, comment="Warmer.", changes={"reply": WORDS})


@pytest_asyncio.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # put back afterwards: the world sets them
    async with open_world("api", SCENARIOS[USE]) as opened:
        yield opened


def ours(world: World, ticket: int = TICKET) -> list[str]:
    """What the help desk shows as ours since the session began."""
    desk = world.office.more["zendesk"]
    return [each["body"] for each in desk.comments(ticket) if each["metadata"].get("execution")]


async def test_reply_says_what_an_article_says_and_goes_out_once(world: World) -> None:
    session, (request,) = await play(world, USE)

    (reply,) = ours(world)
    assert request.arguments["reply"] == reply
    assert "choose Background export" in reply
    assert "pending" == world.office.more["zendesk"].ticket(TICKET)["status"]
    assert 1 == len(world.effects(request))
    assert "The reply to Ana Ruiz in ticket 5001 is sent; it is pending." == session["answer"]


async def test_supervisors_words_are_what_the_customer_reads(world: World) -> None:
    session, _ = await play(world, USE, EDIT)

    assert [WORDS] == ours(world)
    assert "as the supervisor has changed it" in session["answer"]


async def test_rejected_reply_is_written_again_once(world: World) -> None:
    _, (first, second) = await play(world, USE, NO)

    assert len(second.arguments["reply"]) < len(first.arguments["reply"])
    assert [second.arguments["reply"]] == ours(world)


async def test_customer_who_writes_again_is_not_answered_with_the_old_reply(world: World) -> None:
    async def again(request: dict[str, Any]) -> None:
        desk = world.office.more["zendesk"]
        desk.write(TICKET, "ana.ruiz@contoso.example", "Never mind, I found it. Thank you!")

    session, (request,) = await play(world, USE, before=again)

    assert ("cancelled", []) == (str(request.status), ours(world))
    assert "has changed" in session["answer"]


async def test_answer_that_is_lost_is_found_in_the_audits(world: World) -> None:
    """Zendesk has carried it out; the second attempt is a conflict with our own first one."""
    world.office.more["zendesk"].faults.add(Fault(kind="reset_after", method="PUT"))

    _, (request,) = await play(world, USE, APPROVE)

    assert "executed" == str(request.status)
    assert 1 == len(ours(world))


async def test_silence_is_a_doubt_and_not_a_second_reply(world: World) -> None:
    world.office.more["zendesk"].faults.add(Fault(kind="reset", method="PUT", times=2))

    session, (request,) = await play(world, USE, APPROVE)

    assert ("in_doubt", []) == (str(request.status), ours(world))
    assert "It is not known whether" in session["answer"]


async def test_what_a_customer_demands_in_a_ticket_is_promised_by_nobody(world: World) -> None:
    await play(world, USE, task="reply to ticket 5002")

    (reply,) = ours(world, 5002)
    assert "5,000" not in reply
    assert "support cannot promise one" in reply


async def test_without_an_article_a_colleague_is_announced_and_nothing_made_up(
    world: World,
) -> None:
    await play(world, USE, task="reply to ticket 5003")

    assert "A colleague looks at it" in ours(world, 5003)[0]


async def test_what_is_between_colleagues_is_called_so(world: World) -> None:
    desk = world.office.more["zendesk"]
    desk.note(TICKET, "agent@helpdesk.example", "She is about to leave us.")
    session, _ = await play(world, USE)
    path = f"/api/v1/sessions/{session['id']}/transcript"
    told = json.dumps(await world.call("sam", "GET", path)).replace("\\", "")

    assert '"text": "She is about to leave us.", "internal": true' in told
    assert "about to leave" not in ours(world)[0]
