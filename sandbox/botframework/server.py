"""The stand-in as a whole: connector, people, token issuer and control surface on one port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from countersign.sandbox._faults import Faults
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.botframework.client import INVOKE_TIMEOUT_S, Client
from countersign.sandbox.botframework.connector import (
    MAX_ACTIVITY_BYTES,
    OTHER_PATH,
    SERVICE_PATH,
    Connector,
)
from countersign.sandbox.botframework.control import control_routes
from countersign.sandbox.botframework.payloads import Frame
from countersign.sandbox.botframework.people import PEOPLE, TENANT_ID, Person
from countersign.sandbox.botframework.refusals import fault_body
from countersign.sandbox.botframework.tokens import TokenIssuer
from countersign.sandbox.botframework.world import Message, World

BOT_NAME = "Countersign"


class BotFramework(Client):
    """A running connector, and in the same object everything people can do through it."""

    url: str
    faults: Faults
    _recorder: Recorder
    _connector: Connector

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        bot_url: str | None = None,
        app_id: str = "",
        tenant_id: str = TENANT_ID,
        channel_id: str = "msteams",
        people: Sequence[Person] = PEOPLE,
        require_token: bool = False,
        max_activity_bytes: int = MAX_ACTIVITY_BYTES,
        host: str = LOOPBACK,
        port: int = 0,
    ) -> AsyncIterator[BotFramework]:
        """Serve until the block ends.

        With `app_id` every activity carries a token for that bot, signed by `issuer`.
        `require_token` makes the connector answer 401 to a bot that sends no bearer token.
        """
        faults, recorder = Faults(), Recorder()
        world = World(people)
        issuer = TokenIssuer(app_id) if app_id else None
        bot_id = f"28:{app_id}" if app_id else "28:bot-id-1"
        # The port is known once it is bound; no request can arrive before the frame is finished.
        frame = Frame("", channel_id, tenant_id, bot_id, BOT_NAME)
        connector = Connector(
            world, frame, require_token=require_token, max_activity_bytes=max_activity_bytes
        )
        app = application(faults, recorder, fault_body, connector.refuse)
        timeout = aiohttp.ClientTimeout(total=INVOKE_TIMEOUT_S)
        # No limit: fifty people clicking at once are fifty connections.
        connections = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=timeout, connector=connections) as session:
            standin = cls(world, frame, issuer, session, bot_url)
            standin.faults, standin._recorder = faults, recorder
            standin._connector = connector
            app.add_routes(
                [
                    *connector.routes(),
                    *control_routes(standin),
                    *(issuer.routes() if issuer else []),
                ]
            )
            async with serve(app, host=host, port=port) as standin.url:
                frame.service_url = f"{standin.url}{SERVICE_PATH}/"
                if issuer is not None:
                    issuer.base_url = standin.url
                yield standin

    @property
    def service_url(self) -> str:
        """What the bot gets as `serviceUrl`."""
        return self.frame.service_url

    def move(self, status: int = 400, code: str = "BadArgument") -> None:
        """Move the tenant: activities come with another service URL from now on, and at the old one
        every conversation is answered with `status` and `code`.

        Source: microsoft/BotFramework-Services#339.
        """
        self._connector.path, self._connector.moved = OTHER_PATH, (status, code)
        self.frame.service_url = f"{self.url}{OTHER_PATH}/"

    @property
    def requests(self) -> list[Recorded]:
        """What the bot asked of the connector, oldest first, failed attempts included."""
        return [request for request in self._recorder.matching() if "/v3/" in request.path]

    def messages(self, conversation_id: str | None = None) -> list[Message]:
        """What was posted, by people and by the bot, in order."""
        return self.world.messages(conversation_id)

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        line: dict[str, Any] = {
            "url": self.url,
            "service_url": self.service_url,
            "tenant_id": self.frame.tenant_id,
        }
        if self.issuer is not None:
            line.update(app_id=self.issuer.app_id, openid_metadata_url=self.issuer.metadata_url)
        return line
