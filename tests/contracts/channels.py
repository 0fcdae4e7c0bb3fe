"""The implementations of `approvals.ports.Channel` that its suite is run on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botframework.connector.auth import MicrosoftAppCredentials
from msal.exceptions import MsalServiceError

from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import Conversation, JsonObject, Principal
from countersign.approvals.tickets import TicketRef
from countersign.bot.teams.places import key_of
from countersign.connectors.ticketing.channel import TicketChannel
from countersign.testing.suites.channel import ChannelUnderTest
from countersign.testing.suites.ticket_system import Implementation, Outside, Who
from tests.bot.teams.stage import Stage, stage
from tests.bot.teams.test_cards import texts
from tests.contracts import tickets
from tests.doubles.channel import FakeChannel
from tests.doubles.clock import ManualClock
from tests.doubles.database import empty_store
from tests.doubles.directory import BEN, CARA, FakeDirectory

Open = Callable[[Path], AbstractAsyncContextManager[ChannelUnderTest]]


class Fake:
    """`ChannelUnderTest` on the fake."""

    approvers: Sequence[Principal] = (BEN, CARA)
    speaks = True

    def __init__(self) -> None:
        self.channel = FakeChannel()

    async def shown(self) -> list[str]:
        return [json.dumps(v.request.model_dump(mode="json")) for v in self.channel.cards.values()]

    async def conversation(self) -> Conversation:
        return personal("thread-1", "teams", BEN, {})

    async def said(self) -> list[str]:
        return [text for _, text in self.channel.said]

    async def vanish(self, reference: JsonObject) -> None:
        del self.channel.cards[reference["card"]]

    @contextmanager
    def outage(self) -> Iterator[None]:
        self.channel.failures.extend([UnavailableError("down")] * 10)
        yield
        self.channel.failures.clear()


class OnTeams:
    """`ChannelUnderTest` on the stand-in of the Bot Framework."""

    speaks = True

    def __init__(self, stage: Stage):
        self._stage, self.channel = stage, stage.channel
        self.approvers = stage.directory.with_roles(["sales_manager"])

    async def shown(self) -> list[str]:
        return [texts(message.card()) for message in self._stage.cards()]

    async def conversation(self) -> Conversation:
        who = self.approvers[0]
        reference = await self._stage.adapter.open_personal(who.identities["entra"], who.name)
        return personal(key_of(reference), "teams", who, reference)

    async def said(self) -> list[str]:
        return self._stage.texts()

    async def vanish(self, reference: JsonObject) -> None:
        place = self._stage.teams.world.find(reference["conversation"]["id"])
        assert place is not None
        del place.messages[reference["activityId"]]

    @contextmanager
    def outage(self) -> Iterator[None]:
        def no_token(*_: Any, **__: Any) -> str:
            raise MsalServiceError(error="temporarily_unavailable", error_description="down")

        self._stage.teams.faults.fail(503, times=1_000)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(MicrosoftAppCredentials, "get_access_token", no_token)
            yield
        self._stage.teams.faults.clear()


class InTickets:
    """`ChannelUnderTest` on a ticket system."""

    speaks = False

    def __init__(self, outside: Outside, store: Any):
        self._outside = outside
        name = outside.connector.name
        self.approvers = [
            person.model_copy(update={"identities": {name: outside.people[who]}})
            for person, who in ((BEN, Who.BEN), (CARA, Who.CARA))
        ]
        directory = FakeDirectory(self.approvers)
        self.channel = TicketChannel(outside.connector, store, ManualClock(), directory)

    async def shown(self) -> list[str]:
        found = await self._outside.connector.find("R-SUITE.1.0")
        return [
            "\n".join([await self._outside.text(ref), *await self._outside.comments(ref)])
            for ref in (one.ref for one in found)
        ]

    async def conversation(self) -> Conversation:
        raise AssertionError("tickets hold no conversations")

    async def said(self) -> list[str]:
        return []

    async def vanish(self, reference: JsonObject) -> None:
        await self._outside.delete(
            TicketRef(id=reference["ticket"], key=reference["key"], url=reference["url"])
        )

    @contextmanager
    def outage(self) -> Iterator[None]:
        with self._outside.outage():
            yield


def personal(key: str, channel: str, who: Principal, reference: JsonObject) -> Conversation:
    """A one-to-one chat."""
    return Conversation.model_validate(
        {
            "key": key,
            "channel": channel,
            "kind": "personal",
            "principal_id": who.id,
            "reference": reference,
            "updated_at": ManualClock().now(),
        }
    )


@asynccontextmanager
async def fake(_: Path) -> AsyncIterator[ChannelUnderTest]:
    """Nothing behind it."""
    yield Fake()


@asynccontextmanager
async def teams(folder: Path) -> AsyncIterator[ChannelUnderTest]:
    """The real adapter over HTTP."""
    async with stage(folder) as running:
        yield OnTeams(running)


@asynccontextmanager
async def in_tickets(system: Implementation, folder: Path) -> AsyncIterator[ChannelUnderTest]:
    """The real connector on its system, and a database for what it notes down."""
    async with system.open() as outside, empty_store(folder, "sqlite") as store:
        yield InTickets(outside, store)


CHANNELS: dict[str, Open] = {
    "fake": fake,
    "teams": teams,
    **{f"tickets {one.name}": partial(in_tickets, one) for one in tickets.IMPLEMENTATIONS},
}
