"""A program that is told of requests by signed webhooks, and keeps what it was told.

Source: Standard Webhooks specification 1.0, by its library `standardwebhooks`.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from countersign.approvals.models import JsonObject
from countersign.sandbox._serve import serve

NAME, PATH = "program", "/told"
LET_OUT = ("arguments", "rationale", "result")
_SECRET_BYTES = 32


class Program:
    """What it was told, oldest first; what comes again is dropped."""

    def __init__(self) -> None:
        random = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        self.secret = f"whsec_{random}"
        self.events: dict[str, dict[str, Any]] = {}
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def start(cls) -> AsyncIterator[Program]:
        """Listen on a free port until the block ends."""
        program, app = cls(), web.Application()
        app.router.add_post(PATH, program._hear)
        async with serve(app) as url:
            program.url = f"{url}{PATH}"
            yield program

    def settings(self, speaks_for: str) -> JsonObject:
        """`connectors.webhook` of a server that tells it, and takes decisions of this person."""
        shared = {"name": NAME, "secret": self.secret}
        endpoint = {**shared, "url": self.url, "include": list(LET_OUT)}
        return {"endpoints": [endpoint], "callers": [{**shared, "speaks_for": [speaks_for]}]}

    def about(self, request_id: str, kind: str) -> list[dict[str, Any]]:
        """The `data` of each event of this kind about a request, oldest first."""
        return [
            event["data"]
            for event in self.events.values()
            if (event["type"], event["data"].get("request")) == (f"request.{kind}", request_id)
        ]

    def signed(self, text: str) -> dict[str, str]:
        """The headers of a message of its own."""
        now, message_id = datetime.now(UTC), f"msg_{uuid4().hex}"
        return {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(message_id, now, text),
        }

    async def _hear(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        try:
            Webhook(self.secret).verify(raw, dict(request.headers))
        except WebhookVerificationError:
            return web.Response(status=401)
        event: dict[str, Any] = json.loads(raw)
        self.events.setdefault(event["id"], event)
        return web.Response()
