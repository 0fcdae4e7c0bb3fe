"""`countersign webhooks`: dead letters on the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Cli
from tests.connectors.webhook.hook_world import hooked


@pytest.fixture
def dead(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a request of which an endpoint could not be told."""

    async def fill() -> str:
        async with hooked(tmp_path, give_up_after=1) as world:
            world.receiver.always = 500
            request = await world.mailed()
        return request.id

    request_id = asyncio.run(fill())
    (file,) = tmp_path.glob("*.db")
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{file}")
    return request_id


def test_dead_letters_are_listed_and_sent_again(cli: Cli, dead: str) -> None:
    listed = cli("webhooks", "list")
    (letter,) = json.loads(cli("webhooks", "list", "--json").out)
    wrong = cli("webhooks", "redeliver", "D-NONE")
    neither = cli("webhooks", "redeliver")
    again = cli("webhooks", "redeliver", "--all")
    none = cli("webhooks", "list")

    assert (dead in listed.out, "ops answered 500." in listed.out) == (True, True)
    assert letter["request_id"] == dead
    assert (wrong.status, neither.status) == (1, 1)
    assert "Name the deliveries, or give --all." in neither.err
    assert (again.status, "1 sent again" in again.out) == (0, True)
    assert "Everything was told" in none.out
