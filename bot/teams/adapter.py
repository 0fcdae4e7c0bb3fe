"""The one place that drives the Bot Framework adapter: verified activities in, messages out.

`CloudAdapter.process()` is never used: it answers 500 to every invoke with a body and to most bad
tokens (botbuilder 4.17.1).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import aiohttp
import structlog
from aiohttp import web

from countersign.approvals.errors import ConfigurationError, NotFoundError, UnreachableError
from countersign.approvals.models import JsonObject
from countersign.bot.http.bodies import Room
from countersign.bot.teams.hosts import service_url_allowed
from countersign.bot.teams.intake import read_activity
from countersign.bot.teams.messages import Message
from countersign.bot.teams.pacing import paced_for_teams
from countersign.bot.teams.refusals import REFUSES
from countersign.bot.teams.retry import Retry
from countersign.bot.teams.settings import TeamsSettings
from countersign.bot.teams.wire import IncomingActivity
from countersign.connectors.pacing import Pacing

if TYPE_CHECKING:
    from countersign.bot.teams.library import Library

log = structlog.get_logger()

SELF_TEST_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class InvokeAnswer:
    """The body that an invoke is answered with."""

    body: JsonObject
    status: int = 200


T = TypeVar("T")
Handler = Callable[[IncomingActivity], Awaitable[InvokeAnswer | None]]


class TeamsAdapter:
    """Receives and sends. Use as `async with`; one per process, its clients are shared."""

    def __init__(
        self,
        settings: TeamsSettings,
        *,
        local: bool,
        host: str,
        unused: bool = False,
        retry: Retry | None = None,
        pacing: Pacing | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`host` is the address the server binds to; `unused`: nobody is asked in Teams.

        Raises ConfigurationError.
        """
        settings.require_usable(local=local, host=host, unused=unused)
        self._settings, self._local = settings, local
        self._retry, self._monotonic = retry or Retry(), monotonic
        self._pacing = pacing or paced_for_teams()
        self._room = Room()
        self._session: aiohttp.ClientSession | None = None
        self._library: Library | None = None
        self._importing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        # Proxies of the environment apply to Teams, not to clients on this machine.
        self._session = aiohttp.ClientSession(trust_env=not self._local)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def receive(self, request: web.Request, handler: Handler) -> web.Response:
        """Verify the activity in `request`, let `handler` work on it, and answer the channel.

        Nothing is stored before the sender is verified: 413, 415, 400, then 401 come first.
        """
        activity = await read_activity(request, self._room)
        library = await self.library()
        try:
            verified = await library.auth.verify(activity, request)
        except PermissionError as reason:
            log.warning("activity refused", reason=str(reason)[:200], channel=activity.channel_id)
            return _problem(401, "Unauthorized")

        if not activity.type or not activity.conversation.id:
            return _problem(400, "The activity names no type or no conversation")

        answers: list[InvokeAnswer | None] = []

        async def work() -> None:
            answers.append(await handler(activity))

        await library.take(verified, activity, work)
        if activity.type != "invoke":
            return web.Response(status=202)
        # Not sent through the turn: the vendor would copy the whole card several times.
        answer = answers[-1] or InvokeAnswer({}, status=501)
        return web.json_response(answer.body, status=answer.status)

    async def send(self, reference: JsonObject, message: Message, *, reply_to: str = "") -> str:
        """Post into the conversation of `reference`, as a reply to a message if it is one; gives
        the id of the message.

        Raises UnavailableError (BusyError if too much was sent there; UnreachableError if it is
        closed to the bot; MisdirectedError) or NotFoundError.
        """
        return await self._proactive(
            "post a message", reference, lambda lib, place: lib.post(place, message, reply_to)
        )

    async def update(self, reference: JsonObject, activity_id: str, message: Message) -> None:
        """Replace a message for everybody. Raises as `send`; NotFoundError also if the message is
        gone or the client cannot update at all."""
        await self._proactive(
            "update a message", reference, lambda lib, place: lib.put(place, activity_id, message)
        )

    def busy_s(self, conversation_id: str) -> float:
        """As `Pacing.busy_s`."""
        return self._pacing.busy_s(conversation_id)

    async def open_personal(self, entra_id: str, name: str) -> JsonObject:
        """Open (or find) the one-to-one chat with a person of our tenant; its reference.

        Raises UnreachableError if the person cannot be written to yet, usually because the app is
        not installed for them; UnavailableError.
        """
        settings = self._settings
        bot_id = f"28:{settings.app_id}"
        self._require_allowed(settings.service_url)
        library = await self.library()
        try:
            chat_id = await self._retry.run(
                f"open a chat with {name}", lambda: library.open_personal(bot_id, entra_id, name)
            )
        except NotFoundError as error:
            raise UnreachableError(str(error), reason=REFUSES) from error
        chat = {"id": chat_id, "conversationType": "personal"}
        return {
            "channelId": "msteams",
            "serviceUrl": settings.service_url,
            "conversation": {**chat, "tenantId": settings.tenant_id},
            "bot": {"id": bot_id},
            "user": {"id": entra_id, "aadObjectId": entra_id},
        }

    async def check(self) -> None:
        """Return if the bot's own credentials work. Raises UnavailableError."""
        library = await self.library()
        await self._retry.run("get an access token", library.clients.token)

    async def self_test(self, url: str) -> None:
        """Post an unsigned activity to our own endpoint and require 401.

        Raises ConfigurationError if it is let in. Nothing is tested in local mode without an app
        id: then everything on this machine is let in, which `require_usable` has limited to
        loopback.
        """
        if self._local and not self._settings.app_id:
            return
        forged = {
            "type": "message",
            "channelId": "msteams",
            "serviceUrl": self._settings.service_url,
            "conversation": {"id": "self-test", "tenantId": self._settings.tenant_id},
        }
        timeout = aiohttp.ClientTimeout(total=SELF_TEST_TIMEOUT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, json=forged) as answer,
        ):
            status = answer.status
        if status != 401:
            raise ConfigurationError(
                [f"teams: an unsigned activity to {url} was answered {status} instead of 401"]
            )

    async def library(self) -> Library:
        """The vendor's, which takes a quarter of a second of CPU to import: not before somebody
        writes to the bot or is written to, and beside the loop."""
        async with self._importing:
            if self._library is None:
                made = await asyncio.to_thread(_imported)
                session = cast(
                    aiohttp.ClientSession, self._session
                )  # it is used inside `async with`
                self._library = made(self._settings, session, self._monotonic, local=self._local)
        return self._library

    async def _proactive(
        self, what: str, reference: JsonObject, work: Callable[[Library, Any], Awaitable[T]]
    ) -> T:
        self._require_allowed(str(reference.get("serviceUrl", "")))
        library = await self.library()
        place = library.place(reference)
        return await self._retry.run(
            what, lambda: self._pacing.send(place.conversation.id, lambda: work(library, place))
        )

    def _require_allowed(self, service_url: str) -> None:
        """The bearer token goes along: never to a host that is not the channel's."""
        extra = self._settings.extra_service_hosts
        if not service_url_allowed(service_url, local=self._local, extra=extra):
            raise NotFoundError("the stored service url is not a connector of the channel")


def _imported() -> type[Library]:
    from countersign.bot.teams.library import Library

    return Library


def _problem(status: int, title: str) -> web.Response:
    return web.json_response(
        {"type": "about:blank", "title": title, "status": status},
        status=status,
        content_type="application/problem+json",
    )
