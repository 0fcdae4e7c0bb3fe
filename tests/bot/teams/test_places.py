"""One address for each conversation: the newest verified one, looked up when something is sent.

The clock stands still here, so whatever would wait for a back-off never goes out.
"""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from countersign.approvals.errors import MisdirectedError, NotFoundError, UnreachableError
from countersign.approvals.models import (
    Actor,
    Conversation,
    ConversationKey,
    DeliveryStatus,
    JsonObject,
    Via,
)
from countersign.bot.teams.places import Places, key_of
from tests.bot.teams.stage import ALEX, SAM, Stage, stage

pytestmark = pytest.mark.asyncio


def old_updates(world: Stage) -> int:
    """How many messages were put at the address from which the tenant has moved."""
    return sum(r.method == "PUT" and r.path.startswith("/emea/") for r in world.teams.requests)


async def stored(world: Stage, key: str) -> Conversation:
    found = await world.conversations.get(ConversationKey(key))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "BadArgument"), (403, "InvalidBotApiHost"), (404, "ConversationNotFound")],
)
@pytest.mark.parametrize("hears_by", ["click", "message", "reaction", "install"])
async def test_card_follows_when_the_tenant_has_moved(
    signed: Stage, status: int, code: str, hears_by: str
) -> None:
    request = await signed.pending()
    (card,) = signed.cards()
    signed.teams.move(status, code)
    with capture_logs() as logs:
        await signed.approvals.cancel(request.session_id, _acting(signed))
        await signed.settle()
        before = str(card.card())
        await heard(signed, hears_by)

    assert "Approval needed" in before
    assert "⊘ Cancelled" in str(card.card())
    assert "channel unreachable" not in {each["event"] for each in logs}
    (delivery,) = await signed.records.deliveries(request.id)
    assert (delivery.status, delivery.error) == (DeliveryStatus.CLOSED, None)


async def heard(world: Stage, by: str) -> None:
    """Something comes from the group chat."""
    (card,) = world.cards()
    person = world.teams.world.person(ALEX)
    place = world.teams.conversation("group", person)
    match by:
        case "click":
            await world.teams.click(card, "approve", person=ALEX)
        case "message":
            await world.teams.send_message(ALEX, "help", conversation="group")
        case "reaction":
            await world.teams.deliver(world.teams.frame.activity("messageReaction", place, person))
        case "install":
            await world.teams.install(ALEX, conversation="group")
    await world.settle()


async def test_click_is_answered_and_its_card_updated_at_the_new_address(signed: Stage) -> None:
    await signed.pending()
    (card,) = signed.cards()
    signed.teams.move()
    answer = await signed.teams.click(card, "approve", person=ALEX)
    signed.clock.advance(1)
    await signed.settle()

    assert "✓ Approved" in str(answer.card)
    assert "✓ Approved" in str(card.card())


@pytest.mark.parametrize(
    "refusal",
    [
        MisdirectedError("x"),
        NotFoundError("x"),
        UnreachableError("x", reason="has blocked the bot"),
    ],
)
async def test_attempt_at_the_old_address_goes_on_at_the_newer_one(
    signed: Stage, refusal: Exception
) -> None:
    """Once, if that refuses it too: it is not asked again where nothing is new."""
    request = await signed.pending()
    (delivery,) = await signed.records.deliveries(request.id)
    reference = delivery.reference or {}
    asked: list[str] = []

    async def refused(at: JsonObject) -> None:
        asked.append(at["serviceUrl"].rsplit("/", 2)[1])
        if len(asked) == 1:
            signed.teams.move()
            await signed.teams.send_message(ALEX, "help", conversation="group")
            await signed.settle()
        raise refusal

    places = Places(signed.conversations, signed.directory)
    with pytest.raises(type(refusal)):
        await places.send(reference, refused)

    assert asked == ["emea", "amer"]


async def test_delivery_keeps_no_address_and_old_ones_still_work(signed: Stage) -> None:
    request = await signed.pending()
    (delivery,) = await signed.records.deliveries(request.id)
    kept = delivery.reference or {}
    known = await stored(signed, key_of(kept))
    old: JsonObject = {**known.reference, **kept, "serviceUrl": "https://smba.infra.example/x/"}
    copy = delivery.model_copy(update={"reference": old})
    await signed.channel.update(copy, await signed.records.view(request.id))

    assert set(kept) == {"channelId", "conversation", "activityId"}
    assert signed.teams.requests[-1].method == "PUT"


async def test_card_in_a_conversation_that_is_not_known_goes_where_it_says(signed: Stage) -> None:
    """As in a database of an earlier release, in which the bot had opened the chat."""
    request = await signed.pending()
    (delivery,) = await signed.records.deliveries(request.id)
    known = await stored(signed, key_of(delivery.reference or {}))
    asked: list[JsonObject] = []

    async def look(at: JsonObject) -> None:
        asked.append(at)

    await Places(_Unknown(), signed.directory).send(known.reference, look)  # type: ignore[arg-type]
    assert [known.reference] == asked


async def test_chat_that_the_bot_opens_is_opened_once(signed: Stage) -> None:
    for _ in range(2):
        session_id = await signed.start(conversation="personal")
        await signed.propose(session_id)
    created = [r for r in signed.teams.requests if r.path.endswith("/v3/conversations")]

    assert len(created) == 2  # one for each approver
    assert len(signed.cards()) == 4


async def test_address_off_the_list_is_never_taken(signed: Stage) -> None:
    """Not even from whoever is in the conversation, nor without a token."""
    await signed.pending()
    person = signed.teams.world.person(SAM)
    place = signed.teams.conversation("group", person)
    forged = signed.teams.frame.message(place, person, "help", mention=True, id="1")
    for service_url in ("https://evil.example/", f"{signed.teams.url}/elsewhere/"):
        answer = await signed.teams.deliver(
            {**forged, "serviceUrl": service_url}, authorization="Bearer nonsense"
        )
        assert answer.status == 401
    await signed.settle()

    assert (await stored(signed, f"msteams:{place.id}")).reference["serviceUrl"].endswith("/emea/")


async def test_stranger_moves_what_is_known_and_makes_nothing_known(signed: Stage) -> None:
    await signed.pending()
    signed.teams.move()
    await signed.teams.send_message("Lynne Robbins", "hello", conversation="group")
    await signed.teams.send_message("Lynne Robbins", "hello")
    await signed.settle()
    place = signed.teams.conversation("group", signed.teams.world.person(SAM))

    assert (await stored(signed, f"msteams:{place.id}")).reference["serviceUrl"].endswith("/amer/")
    assert (await signed.stored())[1] == 1


async def test_person_is_told_apart_from_a_shared_chat(signed: Stage) -> None:
    request = await signed.pending()
    signed.teams.refuse(code="BotNotInConversationRoster", person=SAM, conversation="group")
    await signed.approvals.cancel(request.session_id, _acting(signed))
    await signed.settle()
    (delivery,) = await signed.records.deliveries(request.id)
    place = signed.teams.conversation("group", signed.teams.world.person(SAM))

    assert delivery.error == (
        "The group chat cannot be reached in Microsoft Teams: the app was removed from it."
    )
    assert (await stored(signed, f"msteams:{place.id}")).blocked_reason == "has uninstalled the app"


async def test_reinstalling_greets_nobody_twice_after_a_restart(tmp_path: Any) -> None:
    for _ in range(2):
        async with stage(tmp_path) as world:
            await world.teams.install(SAM)
            await world.teams.uninstall(SAM)
            await world.teams.install(SAM)
            await world.settle()
            greetings = [text for text in world.texts() if "`workflows`" in text]
    assert greetings == []  # the second server finds them known


async def test_upgrade_of_the_app_is_no_removal(signed: Stage) -> None:
    await signed.teams.install(SAM)
    person = signed.teams.world.person(SAM)
    place = signed.teams.conversation("personal", person)
    for action in ("remove-upgrade", "add-upgrade"):
        await signed.teams.deliver(signed.teams.frame.installation(place, person, action))
    await signed.settle()

    assert (await stored(signed, f"msteams:{place.id}")).blocked_at is None


async def test_bot_that_is_taken_out_of_a_team_knows_it(signed: Stage) -> None:
    await signed.pending(conversation="channel")
    (card,) = signed.cards()
    person = signed.teams.world.person(SAM)
    general = signed.teams.conversation(str(signed.teams.world.team["id"]), person)
    gone = signed.teams.frame.members_added(general, person, [])
    gone["membersRemoved"] = [signed.teams.frame.bot]
    await signed.teams.deliver(gone)
    await signed.settle()

    assert (await stored(signed, f"msteams:{card.conversation_id}")).blocked_at is not None


class _Unknown:
    async def get(self, key: ConversationKey) -> None:
        return None


def _acting(world: Stage) -> Any:
    return Actor(principal=world.directory.by_id("sam"), via=Via.API, identity="api:sam")
