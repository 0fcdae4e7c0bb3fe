"""Stages for the tests of the Teams side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bot.teams.stage import Stage, no_tokens_from_microsoft, stage


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    no_tokens_from_microsoft(monkeypatch)


@pytest_asyncio.fixture
async def signed(tmp_path: Path) -> AsyncIterator[Stage]:
    """Teams with tokens."""
    async with stage(tmp_path) as running:
        yield running


@pytest_asyncio.fixture
async def local(tmp_path: Path) -> AsyncIterator[Stage]:
    """The Playground: Teams activities without tokens, one persona."""
    async with stage(
        tmp_path, signed=False, local_requester="sam", local_approver="alex"
    ) as running:
        yield running


@pytest_asyncio.fixture
async def webchat(tmp_path: Path) -> AsyncIterator[Stage]:
    """Emulator and Web Chat: no identities, Action.Submit."""
    async with stage(
        tmp_path, signed=False, channel_id="emulator", local_requester="sam", local_approver="alex"
    ) as running:
        yield running
