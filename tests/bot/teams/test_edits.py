"""Messages that were edited, deleted and restored: what that does, and that it is said."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.models import RequestKind
from tests.bot.teams.stage import ALEX, SAM, STRANGER, Stage

pytestmark = pytest.mark.asyncio


async def sent(world: Stage, text: str, who: str = SAM, where: str = "personal") -> str:
    """The id of a message."""
    answer = await world.teams.send_message(who, text, conversation=where)
    await world.settle()
    return str(answer.activity["id"])


async def edit(world: Stage, message: str, text: str, who: str = SAM, **where: str) -> list[str]:
    """What the bot says to an edit."""
    before = len(world.texts())
    answer = await world.teams.edit_message(message, text, person=who, **where)
    assert answer.status == 202
    await world.settle()
    return world.texts()[before:]


async def delete(world: Stage, message: str, who: str = SAM, **where: str) -> list[str]:
    before = len(world.texts())
    await world.teams.delete_message(message, person=who, **where)
    await world.settle()
    return world.texts()[before:]


async def sessions(world: Stage) -> list[tuple[str, str]]:
    page = await world.records.sessions()
    return [(each.task, str(each.status)) for each in reversed(page.items)]


async def test_edit_before_anything_was_proposed_starts_it_anew(signed: Stage) -> None:
    message = await sent(signed, "quote for Contoso")
    signed.clock.advance(seconds=1)
    said = await edit(signed, message, "quote for Fabrikam")
    signed.clock.advance(seconds=1)
    await edit(signed, message, "quote for Northwind")
    again = await edit(signed, message, "quote for Northwind")

    assert "before anything was proposed" in str(said)
    assert "begun again with the new text" in str(said)
    assert again == []
    assert await sessions(signed) == [
        ("quote for Contoso", "cancelled"),
        ("quote for Fabrikam", "cancelled"),
        ("quote for Northwind", "running"),
    ]


async def test_edit_after_a_proposal_changes_nothing_and_says_so(signed: Stage) -> None:
    message = await sent(signed, "quote for Contoso")
    (session,) = (await signed.records.sessions()).items
    await signed.propose(session.id)
    said = await edit(signed, message, "quote for Fabrikam")

    assert f"I had already started with what you wrote (`{session.id}`)" in said[0]
    assert f"`cancel {session.id}`" in said[0]
    assert await sessions(signed) == [("quote for Contoso", "waiting")]


async def test_edit_into_something_else_ends_it(signed: Stage) -> None:
    message = await sent(signed, "quote for Contoso")
    said = await edit(signed, message, "never mind")

    assert "Nothing else is started" in str(said)
    assert await sessions(signed) == [("quote for Contoso", "cancelled")]


async def test_edit_of_looks_alone_is_none(signed: Stage) -> None:
    message = await sent(signed, "quote for Contoso")

    assert await edit(signed, message, " quote for Contoso ") == []
    assert await sessions(signed) == [("quote for Contoso", "running")]


async def test_edit_of_what_had_led_to_nothing_says_that_it_is_not_read(signed: Stage) -> None:
    message = await sent(signed, "quot for Contoso")
    said = await edit(signed, message, "quote for Contoso")

    assert "editing it changes nothing here" in str(said)
    assert await sessions(signed) == []


async def test_deleted_before_anything_was_proposed_ends_it(signed: Stage) -> None:
    message = await sent(signed, "quote for Contoso")
    said = await delete(signed, message)
    again = await delete(signed, message)

    assert "is ended, as you deleted its message" in str(said)
    assert "is already cancelled; deleting its message does not end it." in str(again)
    assert await sessions(signed) == [("quote for Contoso", "cancelled")]


async def test_deleted_after_a_proposal_changes_nothing_and_says_so(signed: Stage) -> None:
    message = await sent(signed, "quote for Contoso")
    (session,) = (await signed.records.sessions()).items
    await signed.propose(session.id)
    said = await delete(signed, message)

    assert "deleting its message does not end it" in str(said)
    assert await sessions(signed) == [("quote for Contoso", "waiting")]


async def test_deleted_word_that_had_led_to_nothing_is_not_spoken_of(signed: Stage) -> None:
    assert await delete(signed, await sent(signed, "help")) == []


@pytest.mark.parametrize("ended", [True, False])
async def test_restored_message_starts_nothing(signed: Stage, ended: bool) -> None:
    message = await sent(signed, "quote for Contoso")
    if ended:
        await delete(signed, message)
    person = signed.teams.world.person(SAM)
    place = signed.teams.conversation("personal", person)
    restored = signed.teams.frame.edited(place, person, message, "quote for Contoso")
    restored["channelData"]["eventType"] = "undeleteMessage"
    before = len(signed.texts())
    await signed.teams.deliver(restored)
    await signed.settle()

    assert ("restoring its message starts nothing" in str(signed.texts()[before:])) is ended
    assert len(await sessions(signed)) == 1


@pytest.mark.parametrize("change", ["edit", "delete"])
async def test_answer_was_passed_on(signed: Stage, change: str) -> None:
    request = await signed.pending(
        arguments={"prompt": "?", "message": "Which?"}, kind=RequestKind.INPUT, tool="human_input"
    )
    message = await sent(signed, "INV-7", ALEX, "group")
    where: dict[str, Any] = {"who": ALEX, "conversation": "group"}
    if change == "edit":
        said = await edit(signed, message, "INV-8", **where)
    else:
        said = await delete(signed, message, **where)
    after = await signed.records.request(request.id)

    assert "I had already passed your answer on" in said[0]
    assert after.result is not None
    assert after.result.content == "INV-7"


async def test_stranger_is_told_who_to_ask(signed: Stage) -> None:
    said = await edit(signed, "1", "quote for Contoso", STRANGER)

    assert "I do not know you yet" in str(said)
    assert await delete(signed, "1", STRANGER) == []


async def test_session_of_somebody_else_is_not_ended(signed: Stage) -> None:
    """Only whoever wrote a message can edit it; a forged id changes nothing."""
    message = await sent(signed, "quote for Contoso", SAM, "group")
    said = await delete(signed, message, ALEX, conversation="group")

    assert "may cancel" in str(said)
    assert await sessions(signed) == [("quote for Contoso", "running")]
