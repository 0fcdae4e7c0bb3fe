"""`deliver: approvers`: a group hears who decided and that it ran; reasons, comments and values are
for those who decide and for whoever asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from countersign.approvals.models import (
    Actor,
    Request,
    RequestKind,
    Verdict,
    Via,
)
from countersign.bot.teams.channel import TeamsChannel
from countersign.sandbox.botframework.world import Message
from tests.bot.teams.stage import (
    ADELE,
    ALEX,
    SAM,
    Stage,
    no_tokens_from_microsoft,
    stage,
)

pytestmark = pytest.mark.asyncio
REASON, RESULT, CUSTOMER = "They pay late.", "Quote Q-7 pushed", "Contoso"
VALUES = ("24000", "91357", "25 seats")


@pytest_asyncio.fixture
async def confidential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    no_tokens_from_microsoft(monkeypatch)
    async with stage(tmp_path, deliver="approvers") as world:
        yield world


def in_group(world: Stage, where: str = "group") -> list[Message]:
    """What the bot has posted for everybody, as it reads now."""
    place = world.teams.conversation(where, world.teams.world.person(SAM))
    said = [m for m in world.teams.messages() if m.from_bot]
    return [m for m in said if m.conversation_id.partition(";")[0] == place.id.partition(";")[0]]


def heard(world: Stage, where: str = "group") -> str:
    return "\n".join(m.text or str(m.card()) for m in in_group(world, where))


async def at_home(world: Stage, text: str, who: str = SAM) -> str:
    """What the bot answers in somebody's own chat."""
    before = len(world.teams.messages())
    await world.teams.send_message(who, text, conversation="personal")
    await world.settle()
    return "\n".join(m.text or "" for m in world.teams.messages()[before:] if m.from_bot)


async def vote(world: Stage, request: Request, verdict: Verdict, amount: int = 0) -> None:
    who = Actor(principal=world.directory.by_id("alex"), via=Via.API, identity="api:alex")
    arguments = {**request.arguments, "amount": amount} if amount else None
    await world.approvals.vote(
        request.id,
        who,
        verdict=verdict,
        digest=request.digest,
        comment=REASON,
        arguments=arguments,
    )
    await world.settle()


def keeps_to_itself(text: str) -> bool:
    return not any(words in text for words in (REASON, RESULT, *VALUES))


@pytest.mark.parametrize("where", ["group", "channel"])
async def test_group_hears_who_decided_and_that_it_ran(confidential: Stage, where: str) -> None:
    world = confidential
    request = await world.pending(conversation=where)
    await vote(world, request, Verdict.MODIFY, 91357)
    await world.execute(request.session_id, content=RESULT)
    said = heard(world, where)

    decided = "**Approved with changes** by Alex Wilber through the API"
    assert f"{decided}: Push quote ({request.id})." in said
    assert f"**Ran:** Push quote ({request.id})." in said
    assert keeps_to_itself(said)
    assert f"write `status {request.session_id}` in your own chat with me" in said
    whole = await at_home(world, f"status {request.session_id}")
    assert f"amount 24000 → 91357. Comment: {REASON}" in whole
    assert f"Result: {RESULT}" in whole
    cards = [str(card.card()) for card in world.cards()]
    assert len(cards) == 2
    assert all(RESULT in card and REASON in card for card in cards)


async def test_group_hears_of_a_rejection_without_its_reason(confidential: Stage) -> None:
    request = await confidential.pending()
    await vote(confidential, request, Verdict.REJECT)
    said = heard(confidential)

    assert f"Alex Wilber through the API: Push quote ({request.id}). It does not run." in said
    assert keeps_to_itself(said)
    assert f"Reason: {REASON}" in await at_home(confidential, f"status {request.session_id}")


async def test_group_hears_of_each_approval_without_its_comment(confidential: Stage) -> None:
    request = await confidential.pending(tool="release_pair")
    await vote(confidential, request, Verdict.APPROVE)
    said = heard(confidential)

    assert f"Alex Wilber approved Release pair ({request.id}) through the API." in said
    assert keeps_to_itself(said)


async def test_group_hears_that_a_question_was_answered(confidential: Stage) -> None:
    question = {"prompt": "Reply:", "message": "Which invoice?"}
    request = await confidential.pending(
        arguments=question, kind=RequestKind.INPUT, tool="human_input"
    )
    await vote(confidential, request, Verdict.APPROVE)
    said = heard(confidential)

    assert f"by Alex Wilber through the API: A question ({request.id})." in said
    assert keeps_to_itself(said)


async def test_group_hears_of_a_doubt_and_of_its_end(confidential: Stage) -> None:
    world = confidential
    request = await world.pending()
    await vote(world, request, Verdict.APPROVE)
    run = await world.runs.begin(request.session_id)
    assert run is not None
    await world.runs.claim(run, request.id, request.arguments)
    await world.runs.raised(run, request.id, content=f"{RESULT}, perhaps")
    who = Actor(principal=world.directory.by_id("alex"), via=Via.API, identity="api:alex")
    await world.approvals.resolve(request.id, who, happened=True, note=REASON)
    await world.settle()
    said = heard(world)

    assert f"**Check needed:** `push_quote` ({request.id})." in said
    assert "Alex Wilber looked into the target system: it took effect." in said
    assert keeps_to_itself(said)
    assert f"Note: {REASON}" in await at_home(world, f"status {request.session_id}")


async def test_status_says_as_much_as_was_said_there(confidential: Stage) -> None:
    request = await confidential.pending()
    await vote(confidential, request, Verdict.REJECT)
    for text in ("status", f"status {request.session_id}"):
        await confidential.teams.send_message(SAM, text, conversation="group")
        await confidential.settle()
        answer = in_group(confidential)[-1].text or ""

        assert f"Push quote ({request.id}). It does not run." in answer
        assert keeps_to_itself(answer)


async def test_cards_are_not_posted_where_others_read(confidential: Stage) -> None:
    request = await confidential.pending()
    await confidential.teams.send_message(ALEX, "pending", conversation="group")
    await confidential.settle()

    assert [m for m in in_group(confidential) if m.card()] == []
    answer = in_group(confidential)[-1].text or ""
    assert f"**Push quote** `{request.id}`" in answer
    assert "Their cards are in your own chat with me" in answer
    assert keeps_to_itself(answer)


async def test_question_to_somebody_else_is_named_and_not_repeated(confidential: Stage) -> None:
    question = {"prompt": "Reply:", "message": f"May {CUSTOMER} have {RESULT}?"}
    request = await confidential.pending(
        arguments=question, kind=RequestKind.INPUT, tool="human_input"
    )
    await confidential.teams.send_message(ADELE, "quote for Fabrikam", conversation="group")
    await confidential.settle()
    asks = str(in_group(confidential)[-1].card())

    assert request.id in asks
    assert keeps_to_itself(asks)


async def test_card_from_before_the_setting_shows_the_state_alone(signed: Stage) -> None:
    request = await signed.pending()
    (card,) = in_group(signed)[-1:]
    assert "24000" in str(card.card())
    setting = signed.settings.model_copy(update={"deliver": "approvers"})
    channel = TeamsChannel(
        setting, signed.adapter, signed.conversations, signed.directory, signed.clock
    )
    (delivery,) = await signed.records.deliveries(request.id)
    await channel.update(delivery, await signed.records.view(request.id))
    asks = str(signed.cards()[0].card())
    await signed.approvals.vote(
        request.id,
        Actor(principal=signed.directory.by_id("alex"), via=Via.API, identity="api:alex"),
        verdict=Verdict.REJECT,
        digest=request.digest,
        comment=REASON,
    )
    await signed.settle()  # this world's own channel writes to the card as well
    await channel.update(delivery, await signed.records.view(request.id))
    decided = str(signed.cards()[0].card())

    assert "waits for Alex Wilber or Isaiah Langer" in asks
    assert "Action." not in asks
    assert "Alex Wilber through the API" in decided
    assert keeps_to_itself(asks)
    assert keeps_to_itself(decided)


async def test_own_chat_and_group_where_it_is_decided_hear_all(signed: Stage) -> None:
    request = await signed.pending()
    await vote(signed, request, Verdict.REJECT)

    assert f"Reason: {REASON}" in heard(signed)
    assert "in your own chat with me" not in heard(signed)
