"""The Bot Framework's library as the adapter drives it; imported when Teams is first used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp
from botbuilder.core import TurnContext
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationServiceClientCredentialFactory
from botbuilder.schema import ChannelAccount, ConversationParameters, ConversationReference
from botframework.connector.auth import AuthenticateRequestResult

from countersign.approvals.models import JsonObject
from countersign.bot.teams.auth import BotAuthentication, vendor_configuration
from countersign.bot.teams.connector import OAUTH_SCOPE, ConnectorClients
from countersign.bot.teams.keys import SigningKeys
from countersign.bot.teams.messages import Message
from countersign.bot.teams.settings import TeamsSettings
from countersign.bot.teams.vendor import outgoing_activity, vendor_reference, verified_activity
from countersign.bot.teams.wire import IncomingActivity

Turn = Callable[[TurnContext], Awaitable[None]]


class Library:
    """The vendor's adapter with our authentication and our way out."""

    def __init__(
        self,
        settings: TeamsSettings,
        session: aiohttp.ClientSession,
        monotonic: Callable[[], float],
        *,
        local: bool,
    ) -> None:
        self._settings = settings
        self.clients = ConnectorClients(
            settings.app_id,
            ConfigurationServiceClientCredentialFactory(vendor_configuration(settings)),
            session,
            monotonic,
        )
        keys = SigningKeys(settings.openid_metadata_url, session, monotonic)
        self.auth = BotAuthentication(settings, keys, self.clients, local=local)
        self._cloud = CloudAdapter(self.auth)
        self._cloud.on_turn_error = _raise_turn_error

    @staticmethod
    def place(reference: JsonObject) -> ConversationReference:
        """The conversation of a stored reference."""
        return vendor_reference(reference)

    async def take(
        self,
        verified: AuthenticateRequestResult,
        activity: IncomingActivity,
        work: Callable[[], Awaitable[None]],
    ) -> None:
        """Do `work` in the turn of an activity that `auth` has verified."""

        async def turn(_context: TurnContext) -> None:
            await work()

        await self._cloud.process_activity(verified, verified_activity(activity), turn)

    async def post(self, place: ConversationReference, message: Message, reply_to: str) -> str:
        """The id of a new message there, which answers another one if `reply_to` names it."""
        sent: list[str] = []
        activity = outgoing_activity(message)

        async def post(context: TurnContext) -> None:
            if reply_to:
                context.activity.id = reply_to  # which `send_activity` answers
            response = await context.send_activity(activity)
            sent.append((response.id if response else None) or "")

        await self._continue(place, post)
        return sent[-1]

    async def put(self, place: ConversationReference, activity_id: str, message: Message) -> None:
        """Replace a message."""
        activity = outgoing_activity(message)
        activity.id = activity_id

        async def put(context: TurnContext) -> None:
            await context.update_activity(activity)

        await self._continue(place, put)

    async def open_personal(self, bot_id: str, entra_id: str, name: str) -> str:
        """The id of the one-to-one chat with a person."""
        settings = self._settings
        parameters = ConversationParameters(
            is_group=False,
            bot=ChannelAccount(id=bot_id),
            members=[ChannelAccount(id=entra_id, name=name)],
            tenant_id=settings.tenant_id,
            channel_data={"tenant": {"id": settings.tenant_id}},
        )
        opened: list[str] = []

        async def keep(context: TurnContext) -> None:
            opened.append(context.activity.conversation.id)

        await self._cloud.create_conversation(
            settings.app_id, keep, parameters, "msteams", settings.service_url, OAUTH_SCOPE
        )
        return opened[-1]

    async def _continue(self, place: ConversationReference, turn: Turn) -> None:
        await self._cloud.continue_conversation(place, turn, self._settings.app_id)


async def _raise_turn_error(_context: TurnContext, error: Exception) -> None:
    raise error
