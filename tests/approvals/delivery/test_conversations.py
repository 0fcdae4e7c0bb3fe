"""Where people can be reached, remembered."""

from __future__ import annotations

import asyncio
from typing import Any

from countersign.approvals.models import Conversation, ConversationKey
from tests.doubles.directory import BEN, CARA
from tests.doubles.world import THREAD, World


def chat(**changes: Any) -> Conversation:
    values = {
        "key": "ben-chat",
        "channel": "teams",
        "kind": "personal",
        "principal_id": "ben",
        "reference": {"serviceUrl": "https://one.example.com"},
        "updated_at": "2026-03-02T09:00:00Z",
    }
    return Conversation.model_validate({**values, **changes})


async def test_conversation_is_remembered_and_refreshed(world: World) -> None:
    conversations = world.conversations
    await conversations.save(chat())
    await conversations.save(chat())
    moved = chat(reference={"serviceUrl": "https://two.example.com"})
    await conversations.save(moved)

    assert moved == await conversations.get(ConversationKey("ben-chat"))
    assert moved == await conversations.get(ConversationKey("ben-chat"))
    assert await conversations.get(ConversationKey("none")) is None


async def test_reference_without_service_url_never_replaces_a_good_one(world: World) -> None:
    await world.conversations.save(chat())
    await world.conversations.save(chat(reference={"serviceUrl": ""}))

    assert chat() == await world.conversations.get(ConversationKey("ben-chat"))


async def test_newest_personal_chat_is_used(world: World) -> None:
    newer = chat(key="newer", updated_at="2026-03-03T09:00:00Z")
    for conversation in (
        chat(),
        newer,
        chat(key="group", kind="group", updated_at="2026-03-04T09:00:00Z"),
        chat(key="other", channel="webchat", updated_at="2026-03-05T09:00:00Z"),
    ):
        await world.conversations.save(conversation)

    assert newer == await world.conversations.personal(BEN.id, "teams")
    assert await world.conversations.personal(CARA.id, "teams") is None


async def test_group_chat_rings_for_its_own_deliveries_only(world: World) -> None:
    world.show_in_conversations()
    await world.conversations.save(chat(key=THREAD, kind="channel", principal_id=None))
    (request,) = await world.submit(await world.begun(THREAD), "quote")
    world.take()
    moved = chat(
        key=THREAD, kind="channel", principal_id=None, reference={"serviceUrl": "https://x"}
    )
    await world.conversations.save(moved)
    (delivery,) = await world.records.deliveries(request.id)

    assert [delivery.id] == [job.id for job in world.take()]


async def test_card_that_is_on_its_way_is_not_sent_by_another_server_as_well(world: World) -> None:
    """Who installs the bot is heard of twice in a moment, with another reference each time."""
    (request,) = await world.asked()
    delivery = next(
        d for d in await world.records.deliveries(request.id) if d.target == f"person:{BEN.id}"
    )
    world.channel.hold = asyncio.Event()
    under_way = asyncio.create_task(world.courier.deliver(delivery.id))
    await world.channel.appeared.wait()
    await world.conversations.save(chat())
    other = world.composed().courier
    world.channel.appeared.clear()
    world.channel.hold.set()
    await other.deliver(delivery.id)
    await under_way

    assert [(request.id, delivery.target)] == world.channel.posted
