"""The connector, driven with the vendor's own ConnectorClient, synchronous as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import pytest
from botbuilder.schema import (
    Activity,
    Attachment,
    ChannelAccount,
    ConversationParameters,
    ErrorResponseException,
)
from botframework.connector import ConnectorClient
from botframework.connector.auth import MicrosoftAppCredentials

from countersign.sandbox.botframework import TENANT_ID, BotFramework

pytestmark = pytest.mark.asyncio

Result = TypeVar("Result")


def connector(teams: BotFramework) -> ConnectorClient:
    return ConnectorClient(MicrosoftAppCredentials.empty(), base_url=teams.service_url)


async def call(method: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
    return await asyncio.to_thread(method, *args, **kwargs)


def text(words: str) -> Activity:
    return Activity(type="message", text=words)


async def test_sends_replies_updates_and_deletes() -> None:
    async with BotFramework.start() as teams:
        conversations = connector(teams).conversations
        place = teams.world.group_id
        sent = await call(conversations.send_to_conversation, place, text("one"))
        reply = await call(conversations.reply_to_activity, place, sent.id, text("two"))
        updated = await call(conversations.update_activity, place, sent.id, text("three"))
        await call(conversations.delete_activity, place, reply.id)
        first, second = teams.messages(place)

        assert sent.id == updated.id
        assert ("three", 1, False) == (first.text, first.updates, first.deleted)
        assert (sent.id, True) == (second.activity["replyToId"], second.deleted)
        assert ["POST", "POST", "PUT", "DELETE"] == [request.method for request in teams.requests]
        assert all(request.path.startswith("/emea/v3/") for request in teams.requests)


async def test_opens_the_same_one_to_one_each_time() -> None:
    async with BotFramework.start() as teams:
        conversations = connector(teams).conversations
        ids = set()
        for member in ("user-id-1", "00000000-0000-0000-0000-0000000000021"):
            asked = ConversationParameters(
                is_group=False,
                bot=ChannelAccount(id="28:bot-id-1"),
                members=[ChannelAccount(id=member)],
                tenant_id=TENANT_ID,
                channel_data={"tenant": {"id": TENANT_ID}},
            )
            ids.add((await call(conversations.create_conversation, asked)).id)
        await call(conversations.send_to_conversation, ids.copy().pop(), text("hello"))

        assert {teams.world.personal(teams.world.person("Megan Bowen")).id} == ids
        assert ["hello"] == [message.text for message in teams.messages(ids.pop())]


async def test_starts_a_thread_in_a_channel_and_posts_into_it() -> None:
    async with BotFramework.start() as teams:
        conversations = connector(teams).conversations
        asked = ConversationParameters(
            is_group=True,
            activity=text("root"),
            channel_data={"channel": {"id": teams.world.channel_id}},
        )
        thread = await call(conversations.create_conversation, asked)
        await call(conversations.send_to_conversation, thread.id, text("below"))

        assert thread.id == f"{teams.world.channel_id};messageid={thread.activity_id}"
        assert ["root", "below"] == [message.text for message in teams.messages(thread.id)]


async def test_lists_members_whole_paged_and_one_by_one() -> None:
    async with BotFramework.start() as teams:
        conversations = connector(teams).conversations
        place = teams.world.group_id
        sent = await call(conversations.send_to_conversation, place, text("x"))
        everybody = await call(conversations.get_conversation_members, place)
        page = await call(conversations.get_conversation_paged_members, place, page_size=4)
        rest = await call(
            conversations.get_conversation_paged_members,
            place,
            page_size=4,
            continuation_token=page.continuation_token,
        )
        seen = await call(conversations.get_activity_members, place, sent.id)
        listed = await call(conversations.get_conversations)

        assert 6 == len(everybody) == len(seen) == len(page.members) + len(rest.members)
        assert "Alex Wilber" == everybody[0].name
        assert rest.continuation_token is None
        assert place in [conversation.id for conversation in listed.conversations]


@pytest.mark.parametrize(
    ("place", "status", "code"),
    [("19:nowhere@thread.v2", 404, "ConversationNotFound")],
)
async def test_refuses_as_teams_does(place: str, status: int, code: str) -> None:
    async with BotFramework.start(bot_url="http://127.0.0.1:9/") as teams:
        conversations = connector(teams).conversations
        alone = teams.world.personal(teams.world.person("user-id-3"))
        alone.installed = False
        big = Activity(type="message", text="x" * 60_000)
        new = ConversationParameters(
            is_group=False, members=[ChannelAccount(id="user-id-3")], tenant_id=TENANT_ID
        )
        stranger = ConversationParameters(
            is_group=False, members=[ChannelAccount(id="29:x")], tenant_id=TENANT_ID
        )
        attempts: list[tuple[Callable[..., Any], tuple[Any, ...], int, str]] = [
            (conversations.send_to_conversation, (place, text("x")), status, code),
            (
                conversations.send_to_conversation,
                (alone.id, text("x")),
                403,
                "BotNotInConversationRoster",
            ),
            (
                conversations.send_to_conversation,
                (teams.world.group_id, big),
                413,
                "MessageSizeTooBig",
            ),
            (
                conversations.send_to_conversation,
                (teams.world.group_id, text("")),
                400,
                "BadArgument",
            ),
            (
                conversations.update_activity,
                (teams.world.group_id, "1", text("x")),
                404,
                "ActivityNotFoundInConversation",
            ),
            (conversations.create_conversation, (new,), 403, "ForbiddenOperationException"),
            (conversations.create_conversation, (stranger,), 400, "BadArgument"),
            (conversations.create_conversation, (ConversationParameters(),), 400, "BadSyntax"),
        ]
        for method, args, expected_status, expected_code in attempts:
            with pytest.raises(ErrorResponseException) as refused:
                await call(method, *args)

            assert expected_status == refused.value.response.status_code
            assert expected_code == refused.value.error.error.code


async def test_fails_on_demand_per_route_with_retry_after() -> None:
    async with BotFramework.start() as teams:
        conversations = connector(teams).conversations
        teams.faults.fail(429, retry_after_s=3, method="POST", path="/activities$")
        members = await call(conversations.get_conversation_members, teams.world.group_id)
        with pytest.raises(ErrorResponseException) as refused:
            await call(conversations.send_to_conversation, teams.world.group_id, text("x"))
        await call(conversations.send_to_conversation, teams.world.group_id, text("x"))

        assert 6 == len(members)
        assert 429 == refused.value.response.status_code
        assert "3" == refused.value.response.headers["Retry-After"]
        assert 1 == len(teams.messages())


async def test_a_tenant_that_moves_is_found_at_its_new_address_only() -> None:
    async with BotFramework.start() as teams:
        old = connector(teams).conversations
        teams.move(403, "InvalidBotApiHost")
        with pytest.raises(ErrorResponseException) as refused:
            await call(old.send_to_conversation, teams.world.group_id, text("x"))
        await call(
            connector(teams).conversations.send_to_conversation, teams.world.group_id, text("x")
        )

        assert "InvalidBotApiHost" == refused.value.error.error.code
        assert 1 == len(teams.messages())


async def test_one_conversation_refuses_the_bot_and_a_team_does_as_a_whole() -> None:
    async with BotFramework.start() as teams:
        conversations = connector(teams).conversations
        refusing = teams.refuse(person="Alex Wilber", conversation="group")
        team = teams.world.team["id"]
        teams.world.place(teams.world.conversations[team], installed=False)
        codes = []
        for place in (teams.world.group_id, teams.world.channel_id):
            with pytest.raises(ErrorResponseException) as refused:
                await call(conversations.send_to_conversation, place, text("x"))
            codes.append(refused.value.error.error.code)
        refusing.refusal = None
        await call(conversations.send_to_conversation, teams.world.group_id, text("x"))

        assert ["ConversationBlockedByUser", "BotNotInConversationRoster"] == codes


async def test_can_insist_on_a_bearer_token() -> None:
    async with BotFramework.start(require_token=True) as teams, httpx.AsyncClient() as http:
        where = f"{teams.service_url}v3/conversations/{teams.world.group_id}/members"
        without = await http.get(where)
        with_one = await http.get(where, headers={"Authorization": "Bearer x"})

    assert (401, 200) == (without.status_code, with_one.status_code)


async def test_keeps_the_card_of_an_activity() -> None:
    card = {"type": "AdaptiveCard", "version": "1.5", "body": []}
    attachment = Attachment(content_type="application/vnd.microsoft.card.adaptive", content=card)
    async with BotFramework.start() as teams:
        await call(
            connector(teams).conversations.send_to_conversation,
            teams.world.group_id,
            Activity(type="message", attachments=[attachment]),
        )
        message = await teams.wait_for_card(timeout_s=1)

    assert card == message.card()
