"""What people write to the bot: commands, and tasks that start sessions."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import structlog

from approvals.errors import CountersignError
from approvals.models import Actor, Principal, PrincipalId
from bot.teams.adapter import TeamsAdapter
from bot.teams.cards import notification, request_card
from bot.teams.channel import NAME, look_for
from bot.teams.commands import Commands, workflows_text
from bot.teams.messages import Card, Text
from bot.teams.people import People, unknown_person
from bot.teams.phrases import Command, Start, Unclear, understand
from bot.teams.places import message_in
from bot.teams.presence import Presence
from bot.teams.replies import Replies
from bot.teams.service import Runs, Service, WorkflowInfo
from bot.teams.settings import TeamsSettings
from bot.teams.wire import IncomingActivity

log = structlog.get_logger()

CARDS_REPOSTED = 5


class Talking:
    """Answers messages."""

    def __init__(
        self,
        settings: TeamsSettings,
        service: Service,
        runs: Runs,
        people: People,
        presence: Presence,
        workflows: Sequence[WorkflowInfo],
        adapter: TeamsAdapter,
        replies: Replies,
        *,
        readable: bool,
    ) -> None:
        self._settings, self._service, self._runs = settings, service, runs
        self._people, self._presence, self._workflows = people, presence, workflows
        self._adapter, self._replies, self._readable = adapter, replies, readable
        self._commands = Commands(service, workflows)

    async def said(self, activity: IncomingActivity) -> None:
        """A message of words."""
        asker, clicker = self._people.requester(activity), self._people.clicker(activity)
        if asker.principal is None:
            log.info("stranger answered", identity=asker.identity)
            self._replies.reply(activity, Text(unknown_person(activity)))
            return
        try:
            await self._granted(activity, asker.principal, asker, clicker)
        except CountersignError as error:
            log.warning("message not carried out", error=str(error))
            self._replies.reply(activity, Text(f"That did not work: {error}", markdown=False))

    async def _granted(
        self, activity: IncomingActivity, owner: Principal, asker: Actor, clicker: Actor
    ) -> None:
        await self._presence.spoke(activity, clicker)
        wish = understand(activity.words, self._workflows)
        match wish:
            case Command():
                here = activity.conversation_key
                self._replies.reply(
                    activity, await self._commands.answer(wish, here, asker, clicker)
                )
                if wish.name == "pending":
                    self._replies.spawn(self._repost(activity, clicker))
            case Unclear():
                choices = workflows_text(self._workflows)
                self._replies.reply(activity, Text(f"{wish.reason}\n\n{choices}"))
            case Start():
                await self._start(activity, wish, owner.id)

    async def _start(self, activity: IncomingActivity, wish: Start, owner: PrincipalId) -> None:
        here = activity.conversation_key
        # Teams delivers a message again if we are slow; ids are unique within a conversation.
        key = f"teams:{here}:{activity.id or uuid4()}"
        session = await self._runs.start(
            workflow=wish.workflow.name,
            workflow_version=wish.workflow.version,
            task=wish.task,
            owner=owner,
            conversation=here,
            idempotency_key=key,
        )
        log.info("session started", session_id=session.id, workflow=wish.workflow.name)
        text = (
            f"Started **{wish.workflow.title}** `{session.id}`. I will post progress here; "
            f"`status {session.id}` tells how it stands, `cancel {session.id}` ends it."
        )
        stand_in = self._people.stand_in(activity)
        if stand_in is not None:
            text += (
                f"\n\nLocal mode: this counts as asked by {stand_in.name}, so that you can decide "
                "it."
            )
        self._replies.reply(activity, Text(text))

    async def _repost(self, activity: IncomingActivity, clicker: Actor) -> None:
        """Post the first waiting cards again, where the person has asked for them."""
        look = look_for(self._settings, activity.channel_id, readable=self._readable)
        for request in (await self._commands.pending(clicker))[:CARDS_REPOSTED]:
            view = await self._service.view(request.id)
            card = request_card(view, look)
            activity_id = await self._adapter.send(
                activity.reference, Card(card, notification(view))
            )
            reference = message_in(activity.reference, activity_id)
            await self._service.adopt_delivery(request.id, NAME, reference)
