"""The one place that drives the Bot Framework adapter: verified activities in, messages out.

`CloudAdapter.process()` is never used: it answers 500 to every invoke with a body and to most bad
tokens (botbuilder 4.17.1).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp
import structlog
from aiohttp import web
from botbuilder.core import TurnContext
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationServiceClientCredentialFactory
from botbuilder.schema import (
    ChannelAccount,
    ConversationParameters,
)

from countersign.approvals.errors import ConfigurationError, NotFoundError, UnreachableError
from countersign.approvals.models import JsonObject
from countersign.bot.http.bodies import Room
from countersign.bot.teams.auth import BotAuthentication, vendor_configuration
from countersign.bot.teams.connector import OAUTH_SCOPE, ConnectorClients
from countersign.bot.teams.hosts import service_url_allowed
from countersign.bot.teams.intake import read_activity
from countersign.bot.teams.keys import SigningKeys
from countersign.bot.teams.messages import Message
from countersign.bot.teams.pacing import paced_for_teams
from countersign.bot.teams.refusals import REFUSES
from countersign.bot.teams.retry import Retry
from countersign.bot.teams.settings import TeamsSettings
from countersign.bot.teams.vendor import outgoing_activity, vendor_reference, verified_activity
from countersign.bot.teams.wire import IncomingActivity
from countersign.connectors.pacing import Pacing

log = structlog.get_logger()

SELF_TEST_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class InvokeAnswer:
    """The body that an invoke is answered with."""

    body: JsonObject
    status: int = 200


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

    async def __aenter__(self) -> Self:
        settings = self._settings
        # Proxies of the environment apply to Teams, not to clients on this machine.
        self._session = aiohttp.ClientSession(trust_env=not self._local)
        self._clients = ConnectorClients(
            settings.app_id,
            ConfigurationServiceClientCredentialFactory(vendor_configuration(settings)),
            self._session,
            self._monotonic,
        )
        keys = SigningKeys(settings.openid_metadata_url, self._session, self._monotonic)
        self._auth = BotAuthentication(settings, keys, self._clients, local=self._local)
        self._vendor = CloudAdapter(self._auth)
        self._vendor.on_turn_error = _raise_turn_error
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
        try:
            verified = await self._auth.verify(activity, request)
        except PermissionError as reason:
            log.warning("activity refused", reason=str(reason)[:200], channel=activity.channel_id)
            return _problem(401, "Unauthorized")

        if not activity.type or not activity.conversation.id:
            return _problem(400, "The activity names no type or no conversation")

        answers: list[InvokeAnswer | None] = []

        async def turn(_context: TurnContext) -> None:
            answers.append(await handler(activity))

        await self._vendor.process_activity(verified, verified_activity(activity), turn)
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
        sent: list[str] = []
        activity = outgoing_activity(message)

        async def post(context: TurnContext) -> None:
            if reply_to:
                context.activity.id = reply_to  # which `send_activity` answers
            response = await context.send_activity(activity)
            sent.append((response.id if response else None) or "")

        await self._proactive("post a message", reference, post)
        return sent[-1]

    async def update(self, reference: JsonObject, activity_id: str, message: Message) -> None:
        """Replace a message for everybody. Raises as `send`; NotFoundError also if the message is
        gone or the client cannot update at all."""

        activity = outgoing_activity(message)
        activity.id = activity_id

        async def put(context: TurnContext) -> None:
            await context.update_activity(activity)

        await self._proactive("update a message", reference, put)

    def busy_s(self, conversation_id: str) -> float:
        """As `Pacing.busy_s`."""
        return self._pacing.busy_s(conversation_id)

    async def open_personal(self, entra_id: str, name: str) -> JsonObject:
        """Open (or find) the one-to-one chat with a person of our tenant; its reference.

        Raises UnreachableError if the person cannot be written to yet, usually because the app is
        not installed for them; UnavailableError.
        """
        settings = self._settings
        bot = ChannelAccount(id=f"28:{settings.app_id}")
        parameters = ConversationParameters(
            is_group=False,
            bot=bot,
            members=[ChannelAccount(id=entra_id, name=name)],
            tenant_id=settings.tenant_id,
            channel_data={"tenant": {"id": settings.tenant_id}},
        )
        opened: list[JsonObject] = []

        async def keep(context: TurnContext) -> None:
            chat = {"id": context.activity.conversation.id, "conversationType": "personal"}
            opened.append(
                {
                    "channelId": "msteams",
                    "serviceUrl": settings.service_url,
                    "conversation": {**chat, "tenantId": settings.tenant_id},
                    "bot": {"id": bot.id},
                    "user": {"id": entra_id, "aadObjectId": entra_id},
                }
            )

        self._require_allowed(settings.service_url)
        try:
            await self._retry.run(
                f"open a chat with {name}",
                lambda: self._vendor.create_conversation(
                    settings.app_id, keep, parameters, "msteams", settings.service_url, OAUTH_SCOPE
                ),
            )
        except NotFoundError as error:
            raise UnreachableError(str(error), reason=REFUSES) from error
        return opened[-1]

    async def check(self) -> None:
        """Return if the bot's own credentials work. Raises UnavailableError."""
        await self._retry.run("get an access token", self._clients.token)

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

    async def _proactive(
        self, what: str, reference: JsonObject, work: Callable[[TurnContext], Awaitable[None]]
    ) -> None:
        self._require_allowed(str(reference.get("serviceUrl", "")))
        place = vendor_reference(reference)
        await self._retry.run(
            what,
            lambda: self._pacing.send(
                place.conversation.id,
                lambda: self._vendor.continue_conversation(place, work, self._settings.app_id),
            ),
        )

    def _require_allowed(self, service_url: str) -> None:
        """The bearer token goes along: never to a host that is not the channel's."""
        extra = self._settings.extra_service_hosts
        if not service_url_allowed(service_url, local=self._local, extra=extra):
            raise NotFoundError("the stored service url is not a connector of the channel")


async def _raise_turn_error(_context: TurnContext, error: Exception) -> None:
    raise error


def _problem(status: int, title: str) -> web.Response:
    return web.json_response(
        {"type": "about:blank", "title": title, "status": status},
        status=status,
        content_type="application/problem+json",
    )
