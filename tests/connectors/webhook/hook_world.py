"""A program that is told by webhooks and answers by them, and the domain with both."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook

from countersign.approvals.models import Delivery, Request
from countersign.bot.clock import SystemClock
from countersign.bot.http.lanes import Limits
from countersign.bot.http.settings import LimitsSettings
from countersign.connectors.system import Deployment, Inbound
from countersign.connectors.webhook.decisions import PATH
from countersign.connectors.webhook.settings import WebhookSettings
from countersign.connectors.webhook.system import SYSTEM
from tests.connectors.email.mail_world import MailWorld, rules
from tests.doubles.clock import ManualClock
from tests.doubles.database import empty_store
from tests.doubles.jobs import RecordingJobs
from tests.doubles.links import links

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjU"
OTHER = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3RoZXI="
EVERYTHING = ["arguments", "rationale", "task", "comments", "result"]


class Receiver:
    """Takes what is signed with its secret, as whoever uses the library would."""

    def __init__(self, secret: str = SECRET):
        self.secret, self.heard = secret, list[dict[str, Any]]()
        self.answers: list[int] = []
        """Statuses instead of 200, the first one first."""
        self.always = 200
        self.url = ""

    async def hear(self, request: web.Request) -> web.StreamResponse:
        """200 for what is signed and not refused."""
        raw = await request.read()
        Webhook(self.secret).verify(raw, dict(request.headers))
        status = self.answers.pop(0) if self.answers else self.always
        if status == 200:
            said = json.loads(raw)
            assert said["id"] == request.headers["webhook-id"]
            self.heard.append(said)
        headers = {"Retry-After": "7"} if status == 429 else {}
        if status == 302:
            headers = {"Location": self.url}
        return web.Response(status=status, headers=headers)

    @property
    def told(self) -> list[tuple[str, str]]:
        """Kind and request of each event, in order, without pings."""
        events = [e for e in self.heard if e["type"].startswith("request.")]
        return [(e["type"].removeprefix("request."), e["data"]["request"]) for e in events]


@asynccontextmanager
async def receiving(secret: str = SECRET) -> AsyncIterator[Receiver]:
    """It, on a port of its own."""
    receiver, app = Receiver(secret), web.Application()
    app.router.add_post("/hook", receiver.hear)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/hook"))
        yield receiver


def signed(body: Any, *, message_id: str, secret: str = SECRET, age_s: float = 0) -> dict[str, str]:
    """The headers of a decision, by the library."""
    at, text = datetime.now(UTC) - timedelta(seconds=age_s), json.dumps(body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, text),
    }


class HookWorld(MailWorld):
    """Doorbells are answered when a test says so, as in the world of mails."""

    receiver: Receiver
    _number = 0

    def said(self, of: Request, **more: Any) -> dict[str, Any]:
        """A decision of Ben's."""
        usual = {"request": of.id, "digest": of.digest, "verdict": "approve"}
        return {**usual, "actor": "ben", **more}

    async def decide(
        self,
        body: Any,
        *,
        message_id: str = "",
        headers: Mapping[str, str] | None = None,
        **sign: Any,
    ) -> tuple[int, Any]:
        """Send a decision, signed; status and answer."""
        self._number += 1
        message_id = message_id or f"msg_{self._number}"
        sent = signed(body, message_id=message_id, **sign) if headers is None else headers
        return (await self._sent(body, sent))[:2]

    async def decide_with_headers(self, body: Any) -> tuple[int, Any, Mapping[str, str]]:
        """The same, with the headers of the answer."""
        self._number += 1
        return await self._sent(body, signed(body, message_id=f"msg_{self._number}"))

    async def _sent(
        self, body: Any, headers: Mapping[str, str]
    ) -> tuple[int, Any, Mapping[str, str]]:
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.url + PATH, data=json.dumps(body), headers=headers) as answer,
        ):
            return answer.status, await answer.json(content_type=None), answer.headers

    async def told_of(self, request: Request) -> list[Delivery]:
        """Where it is told, by endpoint."""
        found = await self.records.deliveries(request.id)
        return sorted((d for d in found if d.channel == "webhook"), key=lambda d: d.target)


@asynccontextmanager
async def hooked(
    folder: Path, *, database: str = "sqlite", **more: Any
) -> AsyncIterator[HookWorld]:
    """The domain with one endpoint and one caller; `more` are settings of the section."""
    async with empty_store(folder, database) as store, receiving() as receiver:
        world = HookWorld(store, RecordingJobs(), ManualClock())
        world.receiver = receiver
        endpoint = {"name": "ops", "url": receiver.url, "secrets": [SECRET]}
        caller = {"name": "n8n", "secrets": [SECRET], "speaks_for": ["ben", "nobody"]}
        settings = WebhookSettings.model_validate(
            {"endpoints": [endpoint], "callers": [caller], **more}
        )
        deployment = Deployment(
            clock=SystemClock(),  # receivers go by the time that it is
            store=store,
            directory=world.directory,
            conversations=world.conversations,
            links=links(),
            local=True,
            host="127.0.0.1",
            public_url="https://gate.example",
        )
        async with SYSTEM.configured(settings).open(deployment) as world.opened:
            world.channels["webhook"] = world.opened.channel  # type: ignore[assignment]
            world.use(rules("webhook"))
            starts: Any = None
            limits = Limits(LimitsSettings())
            inbound = Inbound(world.approvals, world.records, starts, (), limits)
            async with world.opened.listen(inbound) as routes:
                app = web.Application()
                for route in routes:
                    app.router.add_route(route.method, route.path, route.handler)
                async with TestServer(app) as server:
                    world.url = str(server.make_url("")).rstrip("/")
                    yield world
