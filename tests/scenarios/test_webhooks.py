"""A chat of AutoGen waits for somebody whom a program of its own asks, by signed webhooks alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from countersign.connectors.webhook.decisions import PATH
from countersign.sandbox.standins import ask_in
from tests.connectors.webhook.hook_world import EVERYTHING, SECRET, receiving, signed
from tests.scenarios.world import world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]
TASK = "quote for Contoso, 25 seats"


async def test_a_program_is_told_asks_and_brings_the_decision(tmp_path: Path) -> None:
    async with receiving() as receiver:

        def adjust(document: dict[str, Any]) -> None:
            endpoint = {"name": "ops", "url": receiver.url, "include": EVERYTHING}
            caller = {"name": "n8n", "speaks_for": ["alex"]}
            document["connectors"] = {
                "webhook": {
                    "endpoints": [{**endpoint, "secret_env": "HOOK_SECRET"}],
                    "callers": [{**caller, "secret_env": "HOOK_SECRET"}],
                }
            }
            ask_in(document, "webhook")

        async with world(tmp_path, adjust, environ={"HOOK_SECRET": SECRET}) as app, app.server():
            session = await app.start("sales_quote", TASK)

            async def heard(kind: str) -> dict[str, Any] | None:
                wanted = (f"request.{kind}", session)
                found = (h for h in receiver.heard if (h["type"], h["data"]["session"]) == wanted)
                return next(found, None)

            asked = (await app.eventually(lambda: heard("created")))["data"]
            body = {name: asked[name] for name in ("request", "digest")}
            body |= {"verdict": "approve", "actor": "alex"}
            status, said = await _post(app.url, body)
            ended = await app.over(session)
            done = await app.eventually(lambda: heard("executed"))
            request = await app.request(asked["request"])
            _, api = await app.call("GET", "/api/openapi.json")

    assert (status, said["result"], ended["status"]) == (200, "decided", "completed")
    assert (asked["tool"], asked["arguments"]) == (request["tool"], request["arguments"])
    assert (done["data"]["status"], done["sequence"]) == ("executed", 3)
    assert ["post"] == [*api["paths"][PATH]]
    assert [(vote["by"], vote["via"]) for vote in request["votes"]] == [("alex", "webhook")]


async def _post(url: str, body: dict[str, Any]) -> tuple[int, Any]:
    headers = signed(body, message_id="msg_1")
    async with (
        aiohttp.ClientSession() as http,
        http.post(url + PATH, data=json.dumps(body), headers=headers) as answer,
    ):
        return answer.status, await answer.json()
