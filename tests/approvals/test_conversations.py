"""Where people can be reached, remembered."""

from __future__ import annotations

import asyncio
from typing import Any

from countersign.approvals.courier import Courier
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
    service = world.service
    await service.save_conversation(chat())
    await service.save_conversation(chat())
    moved = chat(reference={"serviceUrl": "https://two.example.com"})
    await service.save_conversation(moved)

    assert moved == await service.conversation(ConversationKey("ben-chat"))
    assert moved == await service.conversations.get(ConversationKey("ben-chat"))
    assert await service.conversation(ConversationKey("none")) is None


async def test_reference_without_service_url_never_replaces_a_good_one(world: World) -> None:
    await world.service.save_conversation(chat())
    await world.service.save_conversation(chat(reference={"serviceUrl": ""}))

    assert chat() == await world.service.conversation(ConversationKey("ben-chat"))


async def test_newest_personal_chat_is_used(world: World) -> None:
    newer = chat(key="newer", updated_at="2026-03-03T09:00:00Z")
    for conversation in (
        chat(),
        newer,
        chat(key="group", kind="group", updated_at="2026-03-04T09:00:00Z"),
        chat(key="other", channel="webchat", updated_at="2026-03-05T09:00:00Z"),
    ):
        await world.service.save_conversation(conversation)

    assert newer == await world.service.conversations.personal(BEN.id, "teams")
    assert await world.service.conversations.personal(CARA.id, "teams") is None


async def test_group_chat_rings_for_its_own_deliveries_only(world: World) -> None:
    world.channel.in_conversation = True
    await world.service.save_conversation(chat(key=THREAD, kind="channel", principal_id=None))
    (request,) = await world.submit(await world.begun(THREAD), "quote")
    world.jobs.take()
    moved = chat(
        key=THREAD, kind="channel", principal_id=None, reference={"serviceUrl": "https://x"}
    )
    await world.service.save_conversation(moved)
    (delivery,) = await world.service.deliveries(request.id)

    assert [delivery.id] == [job.id for job in world.jobs.take()]


async def test_card_that_is_on_its_way_is_not_sent_by_another_server_as_well(world: World) -> None:
    """Who installs the bot is heard of twice in a moment, with another reference each time."""
    (request,) = await world.asked()
    delivery = next(
        d for d in await world.service.deliveries(request.id) if d.target == f"person:{BEN.id}"
    )
    world.channel.hold = asyncio.Event()
    under_way = asyncio.create_task(world.courier.deliver(delivery.id))
    await world.channel.appeared.wait()
    await world.service.save_conversation(chat())
    other = Courier(world.store, world.clock, world.service, world.channels)
    world.channel.appeared.clear()
    world.channel.hold.set()
    await other.deliver(delivery.id)
    await under_way

    assert [(request.id, delivery.target)] == world.channel.posted
