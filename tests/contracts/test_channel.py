"""Every channel of ours: Teams on its stand-in, tickets in each system, and the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from countersign.testing.suites.channel import *  # noqa: F403
from countersign.testing.suites.channel import ChannelUnderTest
from tests.bot.teams.stage import no_tokens_from_microsoft
from tests.contracts.channels import CHANNELS


@pytest_asyncio.fixture(params=CHANNELS)
async def channel(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ChannelUnderTest]:
    no_tokens_from_microsoft(monkeypatch)
    async with CHANNELS[request.param](tmp_path) as opened:
        yield opened
