"""Slack does what every channel does, against a workspace that runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from countersign.approvals.models import Conversation, JsonObject, Principal
from countersign.approvals.ports import Channel
from countersign.connectors.slack.settings import SlackSettings
from countersign.connectors.slack.system import SYSTEM
from countersign.connectors.system import Deployment
from countersign.sandbox.slack.server import Slack
from countersign.testing.suites.channel import *  # noqa: F403
from tests.connectors.slack.slack_world import PEOPLE, section
from tests.doubles.clock import ManualClock
from tests.doubles.directory import FakeDirectory
from tests.doubles.links import links
from tests.doubles.world import opened


class OnSlack:
    """`countersign.testing.suites.channel.ChannelUnderTest`."""

    approvers: Sequence[Principal] = PEOPLE
    speaks = True

    def __init__(self, slack: Slack, channel: Channel):
        self._slack, self.channel = slack, channel

    async def shown(self) -> list[str]:
        return [message.words() for message in self._slack.messages() if message.blocks]

    async def conversation(self) -> Conversation:
        self._slack.workspace.open_chat("U0ALEX")
        return Conversation.model_validate(
            {
                "key": "slack:D0ALEX",
                "channel": "slack",
                "kind": "personal",
                "principal_id": PEOPLE[0].id,
                "reference": {"channel": "D0ALEX", "user": "U0ALEX"},
                "updated_at": ManualClock().now(),
            }
        )

    async def said(self) -> list[str]:
        return [message.words() for message in self._slack.messages()]

    async def vanish(self, reference: JsonObject) -> None:
        place = self._slack.workspace.conversation(reference["channel"])
        del place.messages[reference["ts"]]

    @contextmanager
    def outage(self) -> Iterator[None]:
        self._slack.faults.fail(503, times=1_000)
        yield
        self._slack.faults.clear()


@pytest_asyncio.fixture(params=["", "C0SALES"], ids=["to each", "in a channel"])
async def channel(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OnSlack]:
    async with opened(tmp_path) as world, Slack.start() as slack:
        deployment = Deployment(
            clock=world.clock,
            store=world.store,
            directory=FakeDirectory(PEOPLE),
            conversations=world.conversations,
            links=links(),
            local=True,
            host="127.0.0.1",
            approvers=PEOPLE,
            public_url="https://gate.example",
        )
        settings = SlackSettings.model_validate(section(slack, channel=request.param))
        async with SYSTEM.configured(settings).open(deployment) as system:
            yield OnSlack(slack, system.channel)
