"""Toy Chat does what every channel does, and takes votes as every channel does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest_asyncio

from countersign.approvals.models import Conversation, JsonObject, Principal
from countersign.approvals.ports import Channel
from countersign.connectors.system import Deployment
from countersign.testing.suites.channel import *  # noqa: F403
from tests.doubles.clock import ManualClock
from tests.doubles.directory import BEN, CARA, FakeDirectory
from tests.doubles.links import links
from tests.doubles.world import opened
from tests.toys.toychat.channel import NAME
from tests.toys.toychat.service import SECRET, TOKEN, ToyChat
from tests.toys.toychat.system import SYSTEM, ToyChatSettings

PEOPLE = [
    person.model_copy(update={"identities": {NAME: f"@{person.id}"}}) for person in (BEN, CARA)
]


def settings(chat: ToyChat) -> ToyChatSettings:
    return ToyChatSettings.model_validate(
        {"url": chat.url, "token": TOKEN, "webhook_secrets": [SECRET]}
    )


class OnToyChat:
    """`countersign.testing.suites.channel.ChannelUnderTest`."""

    approvers: Sequence[Principal] = PEOPLE
    speaks = True

    def __init__(self, chat: ToyChat, channel: Channel):
        self._chat, self.channel = chat, channel

    async def shown(self) -> list[str]:
        return [message.text for message in self._chat.messages.values() if message.data]

    async def conversation(self) -> Conversation:
        return Conversation.model_validate(
            {
                "key": "toychat:@ben",
                "channel": NAME,
                "kind": "personal",
                "principal_id": "ben",
                "reference": {"to": "@ben"},
                "updated_at": ManualClock().now(),
            }
        )

    async def said(self) -> list[str]:
        return [message.text for message in self._chat.messages.values()]

    async def vanish(self, reference: JsonObject) -> None:
        del self._chat.messages[reference["message"]]

    @contextmanager
    def outage(self) -> Iterator[None]:
        self._chat.is_down = True
        yield
        self._chat.is_down = False


@pytest_asyncio.fixture
async def channel(tmp_path: Path) -> AsyncIterator[OnToyChat]:
    async with opened(tmp_path) as world, ToyChat.start() as chat:
        deployment = Deployment(
            clock=world.clock,
            store=world.store,
            directory=FakeDirectory(PEOPLE),
            conversations=world.conversations,
            links=links(),
            local=True,
            host="127.0.0.1",
        )
        async with SYSTEM.configured(settings(chat)).open(deployment) as system:
            yield OnToyChat(chat, system.channel)
