"""E-mail does what every channel does, against a mail server that runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest_asyncio
from sqlalchemy import delete

from countersign.approvals.models import Conversation, JsonObject, Principal
from countersign.approvals.ports import Channel, Store
from countersign.approvals.store.schema import mail_threads
from countersign.connectors.email.settings import EmailSettings
from countersign.connectors.email.system import SYSTEM
from countersign.connectors.system import Deployment
from countersign.sandbox.mailbox import Mailbox
from countersign.testing.suites.channel import *  # noqa: F403
from tests.doubles.directory import BEN, CARA, FakeDirectory
from tests.doubles.links import links
from tests.doubles.world import opened

PEOPLE = [
    person.model_copy(update={"identities": {"email": f"{person.id}@acme.example"}})
    for person in (BEN, CARA)
]
SENDER = "Approvals <approvals@acme.example>"


def settings(mailbox: Mailbox, **more: object) -> EmailSettings:
    return EmailSettings.model_validate(
        {
            "host": mailbox.smtp_host,
            "port": mailbox.smtp_port,
            "tls": "none",
            "sender": SENDER,
            **more,
        }
    )


class ByMail:
    """`countersign.testing.suites.channel.ChannelUnderTest`."""

    approvers: Sequence[Principal] = PEOPLE
    speaks = False

    def __init__(self, mailbox: Mailbox, channel: Channel, store: Store):
        self._mailbox, self.channel, self._store = mailbox, channel, store

    async def shown(self) -> list[str]:
        """One text for each thread that asks something; reminders ask nothing new."""
        threads: dict[str, list[str]] = {}
        for summary in self._mailbox.messages():
            full = self._mailbox.message(summary["id"])
            assert full is not None
            root = full["headers"].get("References", full["headers"]["Message-ID"]).split()[0]
            threads.setdefault(root, []).append(full["text"])
        return ["\n".join(texts) for texts in threads.values()]

    async def conversation(self) -> Conversation:
        raise AssertionError("it has none")

    async def said(self) -> list[str]:
        raise AssertionError("it has none")

    async def vanish(self, reference: JsonObject) -> None:
        """Nobody can take a mail back; only we can forget it."""
        await self._store.write(lambda c: c.execute(delete(mail_threads)))

    @contextmanager
    def outage(self) -> Iterator[None]:
        with self._mailbox.down():
            yield


@pytest_asyncio.fixture
async def channel(tmp_path: Path) -> AsyncIterator[ByMail]:
    async with opened(tmp_path) as world, Mailbox.start() as mailbox:
        deployment = Deployment(
            clock=world.clock,
            store=world.store,
            directory=FakeDirectory(PEOPLE),
            conversations=world.conversations,
            links=links(),
            local=True,
            host="127.0.0.1",
            public_url="https://gate.example",
        )
        async with SYSTEM.configured(settings(mailbox)).open(deployment) as system:
            yield ByMail(mailbox, system.channel, world.store)
