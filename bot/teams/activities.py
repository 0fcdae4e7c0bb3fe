"""What arrives from Teams, by kind: messages start sessions, clicks decide."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import InvalidError
from countersign.approvals.ports import Clock, Conversations, Directory
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.records import Records
from countersign.bot.http.lanes import Limits
from countersign.bot.http.settings import LimitsSettings
from countersign.bot.teams.adapter import InvokeAnswer, TeamsAdapter
from countersign.bot.teams.asking import instead_of, instead_of_invoke, is_instead
from countersign.bot.teams.bounds import bounded, refusal
from countersign.bot.teams.clicks import is_submit
from countersign.bot.teams.deciding import Deciding
from countersign.bot.teams.edits import Edits
from countersign.bot.teams.messages import Text
from countersign.bot.teams.people import People
from countersign.bot.teams.presence import Presence
from countersign.bot.teams.replies import Replies
from countersign.bot.teams.settings import TeamsSettings
from countersign.bot.teams.starting import Starting
from countersign.bot.teams.talking import Talking
from countersign.bot.teams.wire import IncomingActivity
from countersign.connectors.conversing.command_texts import help_text
from countersign.connectors.system import Admission, Starts, WorkflowInfo


class TeamsBot:
    """The bot behind `POST /api/messages`."""

    def __init__(
        self,
        settings: TeamsSettings,
        approvals: Approvals,
        records: Records,
        conversations: Conversations,
        starts: Starts,
        directory: Directory,
        workflows: Sequence[WorkflowInfo],
        clock: Clock,
        *,
        adapter: TeamsAdapter,
        local: bool,
        limits: Admission | None = None,
        links: ReadLinks | None = None,
        pages_url: str = "",
    ) -> None:
        self._adapter, self._workflows = adapter, tuple(workflows)
        self._bounded = bounded(self._handle, limits or Limits(LimitsSettings()))
        self._replies = Replies(adapter)
        people = People(settings, directory, local=local)
        self._presence = Presence(conversations, people, clock)
        self._deciding = Deciding(
            settings, approvals, records, people, adapter, self._replies, links, pages_url
        )
        starting = Starting(records, starts, people, settings.placing)
        self._edits = Edits(approvals, records, starting, people, self._workflows, self._replies)
        self._talking = Talking(
            settings,
            approvals,
            records,
            starting,
            people,
            self._presence,
            self._workflows,
            adapter,
            self._replies,
            readable=links is not None,
            pages_url=pages_url,
        )

    async def messages(self, request: web.Request) -> web.Response:
        """The Bot Framework endpoint. What has to be sent is sent after the answer."""
        return await self._adapter.receive(request, self._bounded)

    async def drain(self) -> None:
        """Wait until everything that was answered with has been sent; call it when stopping."""
        await self._replies.drain()

    async def _handle(self, activity: IncomingActivity) -> InvokeAnswer | None:
        if activity.removes_bot:
            await self._presence.left(activity)
            return None
        if activity.adds_bot:
            if await self._presence.arrived(activity):
                self._replies.reply(
                    activity, Text(help_text(self._workflows, activity.conversation_kind))
                )
            return None
        self._replies.spawn(self._presence.heard(activity))
        match activity.type:
            case "invoke" if activity.name == "adaptiveCard/action":
                return await self._clicked(activity)
            case "message" if is_submit(activity.value):
                await self._deciding.submitted(activity)
            case "message" if is_instead(activity.value):
                await self._submitted(activity)
            case "message":
                await self._talking.said(activity)
            case "messageUpdate" | "messageDelete":
                await self._edits.changed(activity)
        return None

    async def _clicked(self, activity: IncomingActivity) -> InvokeAnswer:
        try:
            instead = instead_of_invoke(activity.value)
        except InvalidError as error:
            return refusal(400, "BadRequest", str(error))
        if instead is not None:
            return await self._talking.instead(activity, instead)
        return await self._deciding.invoked(activity)

    async def _submitted(self, activity: IncomingActivity) -> None:
        try:
            click = instead_of(activity.value)
        except InvalidError as error:
            self._replies.reply(activity, Text(str(error), markdown=False))
            return
        answer = await self._talking.instead(activity, click)
        if answer.body["statusCode"] != 200:
            self._replies.reply(activity, Text(answer.body["value"]["message"], markdown=False))
