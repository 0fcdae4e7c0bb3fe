"""Whoever asked in a chat follows there, and in nobody else's, what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.scenarios.world import World, world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]

TASK = "quote for Contoso, 25 seats"
ADELE = "Adele Vance"
"""What she writes counts as Sam's."""


@pytest_asyncio.fixture
async def app(tmp_path: Path) -> AsyncIterator[World]:
    """Everything, running."""
    async with world(tmp_path) as started, started.server():
        yield started


async def asked(app: World) -> dict[str, Any]:
    """A quote that Adele has asked for in her chat, and that waits; Alex has written before."""
    await app.teams.send_message("Alex Wilber", "help")
    await app.says("`workflows`")
    await app.teams.send_message(ADELE, TASK)

    async def look() -> Any:
        _, page = await app.call("GET", "/api/v1/requests?status=pending")
        return page["items"][0] if page["items"] else None

    request: dict[str, Any] = await app.eventually(look)
    await app.says(f"({request['id']}) waits for Alex Wilber")
    return request


def texts(app: World) -> list[str]:
    """What the bot has said since the help."""
    _, *said = [m.text for m in app.teams.messages() if m.from_bot and m.text]
    return said


async def test_one_message_tells_how_it_goes_on_and_another_how_it_ends(app: World) -> None:
    request = await asked(app)
    await app.vote(request, "approve", comment="ok")
    await app.says("**Finished.**")
    started, progress, done = texts(app)

    assert started.startswith("Started **Sales quote**")
    lines = [
        "**quoter** proposes release_quote",
        f"Release quote ({request['id']}) waits for Alex Wilber, until ",
        f"**Approved** by Alex Wilber through the API: Release quote ({request['id']}). "
        "Comment: ok",
        f"**Ran:** Release quote ({request['id']}). Result: ",
    ]
    found = [progress.find(line) for line in lines]
    assert -1 not in found
    assert sorted(found) == found
    assert done.startswith("**Finished.**")


async def test_a_rejection_is_told_with_its_reason_and_status_says_it_too(app: World) -> None:
    request = await asked(app)
    await app.vote(request, "reject", comment="5 % discount at most, please")
    said = (
        f"**Rejected** by Alex Wilber through the API: Release quote ({request['id']}). It does "
        "not run. Reason: 5 % discount at most, please"
    )
    await app.says(said)
    await app.teams.send_message(ADELE, "is my quote approved yet?")

    message = await app.says(f"`{request['session_id']}`: ", said)
    assert message.text.startswith("- **Sales quote**")
