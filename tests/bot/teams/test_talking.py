"""Text that is written while something waits: an answer, never a decision, and no second session
without asking."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.models import (
    Actor,
    ConversationKey,
    JsonObject,
    PrincipalId,
    Request,
    RequestKind,
    Verdict,
    Via,
)
from countersign.connectors.conversing import waits
from countersign.sandbox.botframework.world import Message
from tests.bot.teams.stage import ADELE, ALEX, ARGUMENTS, ISAIAH, SAM, STRANGER, Stage

pytestmark = pytest.mark.asyncio

WHICH = "Which invoice is it?"


async def asked(world: Stage, *, message: str = WHICH, quiet: bool = False) -> Request:
    """The agents ask a question that everybody but Adele may answer."""
    if not quiet:
        await world.teams.send_message(ADELE, "help", conversation="group")
        await world.settle()
    question = {"prompt": "Reply:", "message": message}
    return await waiting(world, question, kind=RequestKind.INPUT, tool="human_input")


async def waiting(world: Stage, arguments: JsonObject = ARGUMENTS, **call: Any) -> Request:
    """A request of a new session in the group chat, in which something may wait already."""
    world.clock.advance(seconds=1)
    place = world.teams.conversation("group", world.teams.world.person(ADELE))
    session = await world.runs.start(
        workflow="sales_quote",
        workflow_version="1",
        task="quote for Contoso",
        owner=PrincipalId("sam"),
        conversation=ConversationKey(f"msteams:{place.id}"),
    )
    await world.propose(session.id, arguments, **call)
    (request,) = (await world.records.requests(session_id=session.id)).items
    return request


async def write(world: Stage, text: str, who: str = ALEX, where: str = "group") -> str:
    """What the bot says to it last."""
    before = len(world.teams.messages())
    await world.teams.send_message(who, text, conversation=where)
    await world.settle()
    said = [m for m in world.teams.messages()[before:] if m.from_bot]
    return said[0].text or str(said[0].card())


async def asking(world: Stage) -> Message:
    """The newest card that asks what a message is meant as."""
    return [m for m in world.cards() if "You wrote" in str(m.card())][-1]


async def sessions(world: Stage) -> int:
    return (await world.stored())[0]


async def content(world: Stage, request: Request) -> str | None:
    result = (await world.records.request(request.id)).result
    return None if result is None else result.content


@pytest.mark.parametrize("text", ["INV-7", "The quote is for INV-7", "reject: not this one"])
async def test_text_is_the_answer_to_the_one_question(signed: Stage, text: str) -> None:
    request = await asked(signed)
    said = await write(signed, text)

    assert said == f"Taken as your answer to “{WHICH}”: the agents have it."
    assert await content(signed, request) == text
    assert await sessions(signed) == 1
    assert "✓ Replied" in str(signed.cards()[0].card())


async def test_question_whose_card_is_still_on_its_way_takes_the_text(signed: Stage) -> None:
    """What the agents said is in the chat already."""
    await write(signed, "help")
    signed.teams.faults.fail(503, method="POST", path="/activities", times=8)
    request = await asked(signed, quiet=True)
    signed.teams.faults.clear()
    before = [each.reference for each in await signed.records.deliveries(request.id)]
    await write(signed, "INV-7")

    assert before == [None]
    assert await content(signed, request) == "INV-7"


async def test_message_that_is_delivered_again_answers_no_other_question(signed: Stage) -> None:
    await asked(signed)
    answer = await signed.teams.send_message(ALEX, "INV-7", conversation="group")
    await signed.settle()
    second = await asked(signed, message="And which amount?")
    before = signed.texts()
    await signed.teams.deliver(answer.activity)
    await signed.settle()

    assert await signed.status(second.id) == "pending"
    assert signed.texts() == before


async def test_persona_of_a_local_client_answers_as_who_decides(webchat: Stage) -> None:
    session_id = await webchat.start("quote for Contoso", person=ALEX)
    question = {"prompt": "Reply:", "message": WHICH}
    await webchat.propose(session_id, question, kind=RequestKind.INPUT, tool="human_input")
    said = await write(webchat, "INV-7", where="personal")
    (request,) = (await webchat.records.requests(session_id=session_id)).items
    (vote,) = await webchat.records.votes(request.id)

    assert "Taken as your answer" in said
    assert vote.principal_id == "alex"


async def test_persona_of_a_local_client_answers_what_only_who_asks_may_answer(
    local: Stage,
) -> None:
    local.directory.remove("alex")
    local.directory.remove("isaiah")
    session_id = await local.start("quote for Contoso", person=ALEX)
    question = {"prompt": "Reply:", "message": WHICH}
    await local.propose(session_id, question, kind=RequestKind.INPUT, tool="human_input")
    said = await write(local, "INV-7", where="personal")
    (request,) = (await local.records.requests(session_id=session_id)).items
    (delivery,) = await local.records.deliveries(request.id)

    assert delivery.target == "person:sam"
    assert "Taken as your answer" in said


@pytest.mark.parametrize(
    ("text", "title"),
    [("quote for INV-7", "No, start Sales quote"), ("status", "No, status"), ("hi", "No, help")],
)
async def test_what_may_be_something_else_is_asked(signed: Stage, text: str, title: str) -> None:
    request = await asked(signed)
    said = await write(signed, text)
    card = await asking(signed)

    assert "Is this your answer?" in said
    assert WHICH in said
    assert title in said
    assert await signed.status(request.id) == "pending"
    assert await sessions(signed) == 1
    await signed.teams.click(card, "reply", person=ALEX)
    await signed.settle()
    assert await content(signed, request) == text
    assert await sessions(signed) == 1
    assert "✓ Replied" in str(card.card())


async def test_no_it_is_something_new(signed: Stage) -> None:
    request = await asked(signed)
    await write(signed, "quote for Fabrikam")
    signed.clock.advance(seconds=1)
    card = await asking(signed)
    for _ in range(2):
        answer = await signed.teams.click(card, "instead", person=ALEX)
        card.views.clear()
        card.activity["attachments"][0]["content"] = _before(card, answer.activity)
    await signed.settle()
    page = await signed.records.sessions()

    assert "Sales quote is started" in str(answer.card)
    assert [each.task for each in page.items] == ["quote for Fabrikam", "quote for Contoso"]
    assert await signed.status(request.id) == "pending"


def _before(card: Message, clicked: Any) -> Any:
    """The card as it was, for a second click on it."""
    data = clicked["value"]["action"]["data"]
    button = {"type": "Action.Execute", "verb": "instead", "title": "No", "data": data}
    return {"type": "AdaptiveCard", "version": "1.5", "body": [], "actions": [button]}


async def test_no_it_is_a_command(signed: Stage) -> None:
    request = await asked(signed)
    await write(signed, "status")
    answer = await signed.teams.click(await asking(signed), "instead", person=ALEX)
    await signed.settle()

    assert "You asked for: status" in str(answer.card)
    assert f"`{request.session_id}`: waiting" in signed.texts()[-1]


async def test_command_with_a_session_needs_no_asking(signed: Stage) -> None:
    request = await asked(signed)

    said = await write(signed, f"status {request.session_id}")

    assert f"`{request.session_id}`: waiting\n  - A question ({request.id}) waits for Alex" in said


async def test_of_several_questions_none_is_answered(signed: Stage) -> None:
    first = await asked(signed)
    second = await asked(signed, message="Which amount?")
    before = len(signed.cards())
    said = await write(signed, "40 EUR")

    assert "2 questions wait for you here" in said
    assert f"`{first.id}`: {WHICH}" in said
    assert f"`{second.id}`: Which amount?" in said
    assert {await signed.status(each.id) for each in (first, second)} == {"pending"}
    assert len(signed.cards()) == before + 2


async def test_question_in_another_chat_does_not_take_the_text(signed: Stage) -> None:
    """It says that something waits, and shows it, where the person is."""
    request = await asked(signed)
    said = await write(signed, "INV-7", where="personal")

    assert "A card waits for you" in said
    assert await signed.status(request.id) == "pending"
    assert await write(signed, "INV-7", where="personal") != said  # it is shown here now
    assert await content(signed, request) == "INV-7"


async def test_answer_that_is_too_long_is_not_cut(signed: Stage) -> None:
    request = await asked(signed)
    said = await write(signed, "x" * 2001)

    assert "2,000 characters are the most" in said
    assert await signed.status(request.id) == "pending"


@pytest.mark.parametrize(
    "text", ["approve", "Approved, go ahead", "reject: not returned", "ok but only 30 EUR"]
)
@pytest.mark.parametrize("where", ["group", "personal"])
async def test_card_is_never_decided_by_text(signed: Stage, text: str, where: str) -> None:
    request = await signed.pending(conversation=where)
    before = len(signed.cards())
    said = await write(signed, text, where=where)

    assert f"A card waits for you: **Push quote** `{request.id}`. Nothing was decided" in said
    assert await signed.status(request.id) == "pending"
    assert len(signed.cards()) == before + 1
    await signed.teams.click(signed.cards()[-1], "approve", person=ALEX)
    await signed.settle()
    assert all("✓ Approved" in str(m.card()) for m in signed.cards()[-1:])


async def test_text_of_somebody_else_decides_and_shows_nothing(signed: Stage) -> None:
    await signed.pending()
    before = len(signed.cards())

    said = await write(signed, "approve", SAM)
    assert "Nothing waits for your decision here." in said
    assert "waits for Alex Wilber or Isaiah Langer, until 2026-11-22 16:00 UTC" in said
    assert len(signed.cards()) == before


async def test_of_several_cards_the_one_that_is_named_is_shown(signed: Stage) -> None:
    first, second = await signed.pending(), await signed.pending()
    before = len(signed.cards())
    said = await write(signed, f"please approve {second.id}", where="personal")

    assert f"A card waits for you: **Push quote** `{second.id}`." in said
    assert len(signed.cards()) == before + 1
    assert {await signed.status(each.id) for each in (first, second)} == {"pending"}


async def test_who_decides_where_nothing_is_under_way_is_told_so(signed: Stage) -> None:
    assert await write(signed, "approved!", SAM) == "Nothing waits for your decision here."


@pytest.mark.parametrize("text", ["is my quote approved yet?", "any news?", "Who has to decide?"])
async def test_question_about_how_it_stands_is_answered_and_starts_nothing(
    signed: Stage, text: str
) -> None:
    request = await signed.pending(conversation="personal")
    said = await write(signed, text, SAM, where="personal")

    assert f"`{request.session_id}`: waiting\n  - Push quote ({request.id}) waits for Alex" in said
    assert await sessions(signed) == 1


async def test_what_people_wrote_is_told_in_the_chat_where_it_was_asked(signed: Stage) -> None:
    """Whoever asked may look from a group, too: what is told there is for everybody."""
    request = await signed.pending(conversation="personal")
    await signed.approvals.vote(
        request.id,
        Actor(principal=signed.directory.by_id("alex"), via=Via.API, identity="api:alex"),
        verdict=Verdict.REJECT,
        digest=request.digest,
        comment="They pay late.",
    )
    await signed.settle()
    in_group = await write(signed, f"status {request.session_id}", SAM)
    at_home = await write(signed, f"status {request.session_id}", SAM, where="personal")

    assert f"`{request.session_id}`" in in_group
    assert "They pay late" not in in_group
    assert "They pay late" in at_home


async def test_second_thought_is_told_how_to_have_it_otherwise(signed: Stage) -> None:
    request = await signed.pending(conversation="personal")
    said = await write(signed, "actually make it 30 seats", SAM, where="personal")

    assert said.startswith("Nothing was started, and what is under way was not changed:")
    assert f"Push quote ({request.id}) waits for Alex" in said
    assert f"write `cancel {request.session_id}`, and then all that you want" in said
    assert await signed.status(request.id) == "pending"


async def test_words_of_others_are_no_second_thought(signed: Stage) -> None:
    await signed.pending(kind=RequestKind.TOOL)

    assert "I do not know which workflow" in await write(signed, "nice weather", ADELE)


async def test_task_is_started_while_a_card_waits(signed: Stage) -> None:
    await signed.pending()

    assert "Started **Sales quote**" in await write(signed, "quote for Fabrikam")


async def test_text_beside_a_card_and_a_question_is_asked(signed: Stage) -> None:
    question = await asked(signed)
    card = await waiting(signed)
    said = await write(signed, "approve")

    assert "Is this your answer?" in said
    assert "No, " not in said
    assert {await signed.status(each.id) for each in (question, card)} == {"pending"}


async def test_word_in_a_sentence_is_asked_before_it_starts_a_session(signed: Stage) -> None:
    said = await write(signed, "how about a discount on the quote?", SAM)
    assert "Start Sales quote with this?" in said
    assert await sessions(signed) == 0

    answer = await signed.teams.click(await asking(signed), "instead", person=SAM)
    await signed.settle()
    (session,) = (await signed.records.sessions()).items
    assert "Sales quote is started" in str(answer.card)
    assert session.task == "how about a discount on the quote?"
    assert "Sales quote is started" in str((signed.cards()[-1]).card())


async def test_task_in_a_chat_with_a_question_to_somebody_else_is_asked(signed: Stage) -> None:
    request = await asked(signed)
    said = await write(signed, "quote for Fabrikam", ADELE)

    assert "Start Sales quote with this?" in said
    assert WHICH in said
    assert await sessions(signed) == 1
    await signed.teams.click(await asking(signed), "instead", person=ADELE)
    await signed.settle()
    assert await sessions(signed) == 2
    assert await signed.status(request.id) == "pending"


async def test_stranger_starts_nothing_with_a_button(signed: Stage) -> None:
    await write(signed, "how about a discount on the quote?", SAM)
    answer = await signed.teams.click(await asking(signed), "instead", person=STRANGER)
    await signed.settle()

    assert "You are not known here" in str(answer.card)
    assert await sessions(signed) == 0


@pytest.mark.parametrize(
    "data",
    [
        {"said": "quote", "message": "1", "workflow": "none"},
        {"said": "quote", "message": "1", "workflow": ""},
        {"said": "quote", "message": "1", "workflow": 7},
        {"said": "x" * 2001, "message": "1", "workflow": "sales_quote"},
        {"said": "quote", "message": "1", "workflow": "sales_quote", "more": 1},
        {"said": "quote"},
    ],
)
async def test_button_with_other_data_starts_nothing(signed: Stage, data: Any) -> None:
    person = signed.teams.world.person(SAM)
    action = {"type": "Action.Execute", "verb": "instead"}
    place = signed.teams.conversation("group", person)
    for trigger in ("manual", "automatic"):
        answer = await signed.teams.deliver(
            signed.teams.frame.execute(place, person, action, data, trigger=trigger, reply_to="1")
        )
        assert answer.status_code == 400
    await signed.settle()

    assert await sessions(signed) == 0


async def test_button_works_where_cards_are_submitted(webchat: Stage) -> None:
    await write(webchat, "about the quote", where="personal")
    card = await asking(webchat)
    await webchat.teams.click(card, "instead", person=ALEX)
    await webchat.settle()
    (session,) = (await webchat.records.sessions()).items
    person = webchat.teams.world.person(ALEX)
    place = webchat.teams.conversation("personal", person)
    for wrong in ({"said": "quote", "verb": "instead"}, {**_wrong(), "verb": "instead"}):
        await webchat.teams.deliver(webchat.teams.frame.submit(place, person, wrong, reply_to="1"))
        await webchat.settle()

    assert session.task == "about the quote"
    assert "data was changed" in webchat.texts()[-2]
    assert "That workflow is not here any more" in webchat.texts()[-1]


def _wrong() -> dict[str, str]:
    return {"said": "quote", "message": "1", "workflow": "none"}


async def test_answer_counts_as_that_of_whoever_wrote(signed: Stage) -> None:
    request = await asked(signed)
    await write(signed, "INV-7", ISAIAH)
    (vote,) = await signed.records.votes(request.id)

    assert (vote.principal_id, vote.comment) == ("isaiah", "INV-7")


async def test_answer_of_somebody_with_many_cards_is_taken(signed: Stage) -> None:
    await write(signed, "help")
    for _ in range(21):
        await waiting(signed, call_id="c")
    request = await asked(signed)
    await write(signed, "INV-7")
    buttons = [m for m in signed.cards() if "Is this your answer" in str(m.card())]

    assert buttons or await content(signed, request) == "INV-7"


async def test_question_behind_all_that_is_looked_at_takes_the_text(
    signed: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "LOOKED_AT", 2)
    for _ in range(3):
        await waiting(signed)
    request = await asked(signed)
    await write(signed, "INV-7")

    assert await content(signed, request) == "INV-7"


async def test_long_message_beside_a_question_of_others_starts_nothing(signed: Stage) -> None:
    await asked(signed)
    before = await sessions(signed)
    said = await write(signed, "quote for Contoso " + "with all of this: " * 150, who=ADELE)

    assert before == await sessions(signed)
    assert "too long to ask" in str(said)


async def test_an_admin_pauses_in_words(signed: Stage) -> None:
    await waiting(signed)
    signed.directory.set_roles("alex", "sales_manager", "admin")
    unknown = await write(signed, "pause tool push_qoute: wrong", ALEX)
    why = await write(signed, "pause tool push_quote", ALEX)
    begun = await write(signed, "pause tool push_quote: The price list is wrong.", ALEX)
    again = await write(signed, "Pause tool `push_quote`: Wrong.", ALEX)
    listed = await write(signed, "pauses", ALEX)
    stands = await write(signed, "status", ALEX)
    ended = await write(signed, "resume tool push_quote", ALEX)
    nothing = await write(signed, "pauses", ALEX)
    everything = await write(signed, "pause all: Incident.", ALEX)
    on = await write(signed, "resume everything", ALEX)

    assert "did you mean push_quote?" in unknown
    assert "Say why" in why
    assert "The tool `push_quote` is paused. What waits keeps waiting" in begun
    assert "`resume tool push_quote` lets it go on." in begun
    assert "The tool push_quote is already paused by Alex Wilber since" in again
    words = "paused by Alex Wilber since 2026-11-22 12:00 UTC: The price list is wrong."
    assert words in listed
    assert words in stands
    assert "The tool `push_quote` goes on." in ended
    assert "Nothing is paused." == nothing
    assert "Everything is paused." in everything
    assert "Everything goes on." in on


async def test_nobody_else_pauses_in_words(signed: Stage) -> None:
    refused = await write(signed, "pause all: I can.", ALEX)

    assert "This needs the role admin." in refused
    assert () == tuple(await signed.records.pauses())
