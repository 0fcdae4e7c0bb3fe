"""The people's side: what Teams posts to a bot when somebody writes, clicks or opens a card."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from countersign.sandbox.botframework.answers import Answer, BotUnreachableError
from countersign.sandbox.botframework.cards import CardError, action_of, data_for
from countersign.sandbox.botframework.payloads import Frame
from countersign.sandbox.botframework.people import Person
from countersign.sandbox.botframework.tokens import TokenIssuer
from countersign.sandbox.botframework.world import (
    Conversation,
    Message,
    World,
)

INVOKE_TIMEOUT_S = 15.0
"""Teams shows "Something went wrong" when an invoke is not answered within 10 to 15 seconds."""
SIGNED = "signed"
"""Marks a delivery that carries the token Teams would send."""


class Client:
    """Everything people can do to the bot at `bot_url`."""

    def __init__(
        self,
        world: World,
        frame: Frame,
        issuer: TokenIssuer | None,
        session: aiohttp.ClientSession,
        bot_url: str | None,
    ) -> None:
        self.world = world
        self.frame = frame
        self.issuer = issuer
        self.bot_url = bot_url
        self._session = session

    def conversation(self, where: str, person: Person) -> Conversation:
        """`personal` (the 1:1 of `person`), `group`, `channel`, or a conversation by its id.

        Raises LookupError.
        """
        if where == "personal":
            return self.world.personal(person)
        named = {"group": self.world.group_id, "channel": self.world.channel_id}
        found = self.world.find(named.get(where, where))
        if found is None:
            raise LookupError(f"there is no conversation {where!r}")
        return found

    async def deliver(
        self, activity: Mapping[str, Any], *, authorization: str | None = SIGNED
    ) -> Answer:
        """Post any activity to the bot. `authorization` replaces the header (None sends none).

        Raises BotUnreachableError.
        """
        if self.bot_url is None:
            raise BotUnreachableError(
                "no bot was named: pass bot_url, or --bot, or PUT it to /_sandbox/bot"
            )
        headers = {} if authorization in (None, SIGNED) else {"Authorization": str(authorization)}
        if authorization == SIGNED and self.issuer is not None:
            headers["Authorization"] = (
                f"Bearer {self.issuer.token(serviceurl=activity.get('serviceUrl'))}"
            )
        try:
            async with self._session.post(self.bot_url, json=activity, headers=headers) as response:
                raw = await response.read()
                try:
                    body = await response.json(content_type=None) if raw else None
                except ValueError:
                    body = raw.decode("utf-8", "replace")
                return Answer(activity, response.status, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise BotUnreachableError(f"{self.bot_url}: {type(error).__name__} {error}") from error

    async def send_message(
        self,
        person: Person | str,
        text: str,
        *,
        conversation: str = "personal",
        mention: bool | None = None,
        authorization: str | None = SIGNED,
    ) -> Answer:
        """Write to the bot; outside the 1:1 it is mentioned, unless `mention` says otherwise.

        A message to a channel starts a thread; the answer's activity has the conversation id.
        """
        sender = self.world.person(person)
        place = self.conversation(conversation, sender)
        message_id = self.world.new_id()
        if place.kind == "channel" and ";messageid=" not in place.id:
            place = self.world.thread(place, message_id)
        named = place.kind != "personal" if mention is None else mention
        activity = self.frame.message(place, sender, text, mention=named, id=message_id)
        self.world.post(place, activity, from_bot=False, id=message_id)
        return await self.deliver(activity, authorization=authorization)

    async def click(
        self,
        message: Message,
        verb: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        person: Person | str,
        data: Mapping[str, Any] | None = None,
        authorization: str | None = SIGNED,
    ) -> Answer:
        """Click a button of the card as `person` sees it, by verb or title, with inputs by id.

        `data` forges what the card carries, for tests of tampering. A card in the answer replaces
        what `person` sees.
        Raises CardError if the client would not send this.
        """
        sender = self.world.person(person)
        place, card = self._opened(message, sender)
        action = action_of(card, verb)
        merged = {**data_for(card, action, inputs or {}), **(data or {})}
        if action["type"] == "Action.Submit":
            return await self.deliver(
                self.frame.submit(place, sender, merged, reply_to=message.id),
                authorization=authorization,
            )
        activity = self.frame.execute(
            place, sender, action, merged, trigger="manual", reply_to=message.id
        )
        return self._shown(
            message, sender, await self.deliver(activity, authorization=authorization)
        )

    async def refresh(
        self, message: Message, *, person: Person | str, authorization: str | None = SIGNED
    ) -> Answer:
        """Open the conversation as `person`: Teams asks for that person's card (`automatic`).

        Raises CardError if the card has no `refresh` or not for this person.
        """
        sender = self.world.person(person)
        place, card = self._opened(message, sender)
        refresh = (message.card() or card).get("refresh")
        if not refresh:
            raise CardError("the card has no refresh")
        # Without userIds Teams refreshes for everybody in conversations of up to 60 people.
        if "userIds" in refresh and sender.id not in refresh["userIds"]:
            raise CardError(f"the card refreshes for {refresh['userIds']}, not for {sender.id}")
        action = refresh["action"]
        data = action.get("data")
        activity = self.frame.execute(
            place, sender, action, data or {}, trigger="automatic", reply_to=message.id
        )
        return self._shown(
            message, sender, await self.deliver(activity, authorization=authorization)
        )

    def _opened(self, message: Message, person: Person) -> tuple[Conversation, dict[str, Any]]:
        if message.deleted:
            raise CardError("the message was deleted")
        card = message.card(person)
        if card is None:
            raise CardError("the message has no card")
        return self.world.conversations[message.conversation_id], card

    def _shown(self, message: Message, person: Person, answer: Answer) -> Answer:
        if answer.status == 200 and answer.card is not None:
            message.views[person.id] = answer.card
            self.world.touch(message)
        return answer

    async def install(
        self, person: Person | str, *, conversation: str = "personal"
    ) -> list[Answer]:
        """Add the bot: `conversationUpdate` with it as new member, then `installationUpdate`."""
        sender = self.world.person(person)
        place = self.conversation(conversation, sender)
        self.world.place(place, installed=True)
        added = self.frame.members_added(place, sender, [self.frame.bot])
        return [
            await self.deliver(added),
            await self.deliver(self.frame.installation(place, sender, "add")),
        ]

    async def uninstall(self, person: Person | str, *, conversation: str = "personal") -> Answer:
        """Remove the bot: it is told, and posting there is answered 403 from now on."""
        sender = self.world.person(person)
        place = self.conversation(conversation, sender)
        self.world.place(place, installed=False)
        return await self.deliver(self.frame.installation(place, sender, "remove"))

    def refuse(
        self,
        status: int = 403,
        code: str = "ConversationBlockedByUser",
        *,
        person: Person | str,
        conversation: str = "personal",
    ) -> Conversation:
        """Answer whatever the bot sends into this conversation like that, until `refusal` of what
        is returned is None again. The bot is not told: Teams does not tell it either."""
        place = self.conversation(conversation, self.world.person(person))
        place.refusal = (status, code)
        return place

    async def delete_message(
        self, message_id: str, *, person: Person | str, conversation: str = "personal"
    ) -> Answer:
        """Take back a message of one's own: `messageDelete`."""
        sender = self.world.person(person)
        place = self.conversation(conversation, sender)
        if message_id in place.messages:
            place.messages[message_id].deleted = True
            self.world.touch(place.messages[message_id])
        return await self.deliver(self.frame.deleted(place, sender, message_id))

    async def edit_message(
        self, message_id: str, text: str, *, person: Person | str, conversation: str = "personal"
    ) -> Answer:
        """Change a message of one's own: `messageUpdate`."""
        sender = self.world.person(person)
        place = self.conversation(conversation, sender)
        return await self.deliver(self.frame.edited(place, sender, message_id, text))

    async def wait_for(
        self, wanted: Callable[[Message], bool], *, timeout_s: float = 10.0
    ) -> Message:
        """The first message that is `wanted`, now or as soon as one is posted or changed.

        Raises TimeoutError, with what there is instead.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    for message in self.world.messages():
                        if wanted(message):
                            return message
                    await self.world.changed()
        except TimeoutError:
            there = [
                message.text or f"card {message.id}"
                for message in self.world.messages()
                if message.from_bot
            ]
            raise TimeoutError(f"not within {timeout_s:g} s; the bot posted {there[-5:]}") from None

    async def wait_for_card(
        self, *, after: Message | None = None, timeout_s: float = 10.0
    ) -> Message:
        """The first message of the bot with a card, or the first one posted after `after`."""
        since = 0 if after is None else int(after.id)
        return await self.wait_for(
            lambda m: m.from_bot and not m.deleted and m.card() is not None and int(m.id) > since,
            timeout_s=timeout_s,
        )
