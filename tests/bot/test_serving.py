"""The server as it starts in production: it tries its own door before it works."""

from __future__ import annotations

import asyncio
import gc
import socket
import warnings
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from countersign.approvals.errors import ConfigurationError
from countersign.bot.serving import _listen, _stop_listening, serving
from countersign.bot.settings.sections import Settings
from countersign.bot.teams.activities import TeamsBot
from tests.bot.settings.test_settings import good, load


def production(tmp_path: Path) -> Settings:
    document = good()
    document["workflows"] = {"modules": ["countersign.examples.crm_update"], "settings": {}}
    for key in ("crm_url", "smtp_host", "mail_from"):
        document["workflows"]["settings"][key] = "http://127.0.0.1:9"
    document["workflows"]["settings"]["crm_api_key"] = {"env": "CRM_KEY"}
    document["workflows"]["settings"]["smtp_port"] = 9
    return load(tmp_path, document, database_url=f"sqlite:///{tmp_path}/x.db")


async def test_production_starts_with_its_door_closed(tmp_path: Path) -> None:
    async with (
        serving(production(tmp_path), host="127.0.0.1", port=0) as url,
        aiohttp.ClientSession() as client,
        client.post(f"{url}/api/messages", json={"type": "message"}) as answer,
    ):
        assert answer.status == 401


async def test_server_on_hold_answers_and_is_not_ready(tmp_path: Path) -> None:
    async with (
        serving(production(tmp_path), host="127.0.0.1", port=0, hold=True) as url,
        aiohttp.ClientSession() as client,
        client.get(f"{url}/healthz") as alive,
        client.get(f"{url}/readyz") as ready,
    ):
        checks = (await ready.json())["checks"]

    assert [200, 503] == [alive.status, ready.status]
    assert {"jobs"} == {name for name, said in checks.items() if said != "ok"}


async def test_server_does_not_start_with_an_open_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def anybody(self: TeamsBot, request: web.Request) -> web.Response:
        return web.Response(status=202)

    monkeypatch.setattr(TeamsBot, "messages", anybody)
    with pytest.raises(ConfigurationError, match="202 instead of 401"):
        async with serving(production(tmp_path), host="127.0.0.1", port=0):
            pass


def test_connection_that_comes_at_the_very_end_is_closed_too() -> None:
    """However far asyncio has come with it when the server stops to listen."""

    async def stopped_after(rounds: int) -> None:
        runner = web.AppRunner(web.Application(), shutdown_timeout=0.1)
        await runner.setup()
        server, url = await _listen(runner, "127.0.0.1", 0)
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))):
            for _ in range(rounds):
                await asyncio.sleep(0)
            await _stop_listening(server)
            await runner.cleanup()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for rounds in range(6):
            asyncio.run(stopped_after(rounds))
        gc.collect()

    assert [] == [str(warning.message) for warning in caught]
