"""What arrives from Teams, by kind: messages start sessions, clicks decide."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any
from uuid import uuid4

import structlog
from aiohttp import web

from approvals.errors import CountersignError, InvalidError, UnavailableError
from approvals.models import Actor, Conversation, JsonObject, Principal, PrincipalId
from approvals.ports import Clock, Directory
from approvals.reading import ReadLinks
from bot.limits import Limits
from bot.settings_limits import LimitsSettings
from bot.teams.adapter import InvokeAnswer, TeamsAdapter
from bot.teams.ballots import Reply, answer, record_tampering
from bot.teams.bounds import bounded, refusal
from bot.teams.cards import notification, request_card
from bot.teams.channel import NAME, look_for, replace
from bot.teams.clicks import (
    Click,
    TamperedError,
    click_of_invoke,
    click_of_submit,
    is_submit,
)
from bot.teams.commands import Commands, help_text, workflows_text
from bot.teams.messages import CARD_TYPE, Card, Message, Text
from bot.teams.parts import Look
from bot.teams.people import People, unknown_person
from bot.teams.phrases import Command, Start, Unclear, understand
from bot.teams.service import Runs, Service, WorkflowInfo
from bot.teams.settings import TeamsSettings
from bot.teams.wire import IncomingActivity

log = structlog.get_logger()

CARDS_REPOSTED = 5


class TeamsBot:
    """The bot behind `POST /api/messages`."""

    def __init__(
        self,
        settings: TeamsSettings,
        service: Service,
        runs: Runs,
        directory: Directory,
        workflows: Sequence[WorkflowInfo],
        clock: Clock,
        *,
        adapter: TeamsAdapter,
        local: bool,
        limits: Limits | None = None,
        links: ReadLinks | None = None,
    ) -> None:
        self._settings, self._service, self._runs = settings, service, runs
        self._workflows, self._clock, self._adapter = tuple(workflows), clock, adapter
        self._people = People(settings, directory, local=local)
        self._bounded = bounded(self._handle, limits or Limits(LimitsSettings()))
        self._links = links
        self._commands = Commands(service, self._workflows)
        self._tasks: set[asyncio.Task[None]] = set()
        self._greeted: set[str] = set()

    async def messages(self, request: web.Request) -> web.Response:
        """The Bot Framework endpoint. What has to be sent is sent after the answer."""
        return await self._adapter.receive(request, self._bounded)

    async def drain(self) -> None:
        """Wait until everything that was answered with has been sent; call it when stopping."""
        while self._tasks:
            # Not `gather`: since Python 3.12 it does not let go of the loop if all have ended, and
            # so they would never be taken out of the set.
            await asyncio.wait(set(self._tasks))

    async def _handle(self, activity: IncomingActivity) -> InvokeAnswer | None:
        match activity.type:
            case "invoke" if activity.name == "adaptiveCard/action":
                return await self._invoked(activity)
            case "message" if is_submit(activity.value):
                await self._submitted(activity)
            case "message":
                await self._said(activity)
            case "installationUpdate" if activity.action != "remove":
                await self._arrived(activity)
            case "conversationUpdate":
                added = {member.id for member in activity.members_added or ()}
                if activity.recipient is None or activity.recipient.id in added:
                    await self._arrived(activity)
        return None

    # Clicks

    async def _invoked(self, activity: IncomingActivity) -> InvokeAnswer:
        actor = self._people.clicker(activity)
        try:
            click = click_of_invoke(activity.value)
        except TamperedError as error:
            await record_tampering(self._service, error, actor)
            return refusal(400, "BadRequest", str(error))
        except InvalidError as error:
            return refusal(400, "BadRequest", str(error))
        try:
            reply = await self._answer(click, actor, activity)
        except UnavailableError as error:
            log.warning("click not answered", request_id=click.request_id, error=str(error))
            text = "This cannot be decided right now. Nothing was decided; please try again."
            return refusal(503, "ServiceUnavailable", text)
        self._spawn(self._adopt(activity, click, actor))
        body = {"statusCode": 200, "type": CARD_TYPE, "value": reply.card}
        return InvokeAnswer(body)

    async def _submitted(self, activity: IncomingActivity) -> None:
        """Action.Submit: the answer cannot be shown to one person, so the message is updated."""
        actor = self._people.clicker(activity)
        try:
            click = click_of_submit(activity.value)
            reply = await self._answer(click, actor, activity)
        except InvalidError as error:
            if isinstance(error, TamperedError):
                await record_tampering(self._service, error, actor)
            self._reply(activity, Text(str(error), markdown=False))
            return
        except UnavailableError as error:
            log.warning("click not answered", error=str(error))
            self._reply(activity, Text("Nothing was decided; please try again in a moment."))
            return
        self._spawn(self._show_submitted(activity, click, actor, reply))

    async def _answer(self, click: Click, actor: Actor, activity: IncomingActivity) -> Reply:
        return await answer(self._service, click, actor, self._look(activity), self._links)

    def _look(self, activity: IncomingActivity) -> Look:
        readable = self._links is not None
        return look_for(self._settings, activity.channel_id, readable=readable)

    async def _show_submitted(
        self, activity: IncomingActivity, click: Click, actor: Actor, reply: Reply
    ) -> None:
        if reply.aside:
            await self._adapter.send(activity.reference, Text(reply.aside, markdown=False))
            return
        card = Card(reply.card, "Approval")
        shown_in = activity.reply_to_id or await self._shown_here(activity, click)
        if shown_in is None:
            await self._adapter.send(activity.reference, card)
            return
        await replace(self._adapter, activity.reference, shown_in, card)
        await self._adopt(activity, click, actor)

    async def _shown_here(self, activity: IncomingActivity, click: Click) -> str | None:
        """The message that shows the request in this conversation; some clients do not name it."""
        for delivery in await self._service.deliveries(click.request_id):
            reference = delivery.reference or {}
            conversation = reference.get("conversation")
            if (
                isinstance(conversation, dict)
                and conversation.get("id") == activity.conversation.id
            ):
                return str(reference.get("activityId", "")) or None
        return None

    async def _adopt(self, activity: IncomingActivity, click: Click, actor: Actor) -> None:
        """Take over a card that we posted but did not get to note down, so that it is kept right.

        Only for people we know, with the digest of the request: anybody else could make us write
        over a message of ours by naming another request on it.
        """
        if activity.reply_to_id is None or actor.principal is None:
            return
        view = await self._service.view(click.request_id)
        if click.digest != view.request.digest:
            return
        known = await self._service.deliveries(click.request_id)
        if any((each.reference or {}).get("activityId") == activity.reply_to_id for each in known):
            return
        reference = {k: v for k, v in activity.reference.items() if k not in {"user", "locale"}}
        reference["activityId"] = activity.reply_to_id
        await self._service.adopt_delivery(click.request_id, NAME, reference)
        log.info("card adopted", request_id=click.request_id, activity_id=activity.reply_to_id)

    # Messages

    async def _said(self, activity: IncomingActivity) -> None:
        asker, clicker = self._people.requester(activity), self._people.clicker(activity)
        if asker.principal is None:
            log.info("stranger answered", identity=asker.identity)
            self._reply(activity, Text(unknown_person(activity)))
            return
        try:
            await self._granted(activity, asker.principal, asker, clicker)
        except CountersignError as error:
            log.warning("message not carried out", error=str(error))
            self._reply(activity, Text(f"That did not work: {error}", markdown=False))

    async def _granted(
        self, activity: IncomingActivity, owner: Principal, asker: Actor, clicker: Actor
    ) -> None:
        await self._remember(activity, clicker)
        wish = understand(activity.words, self._workflows)
        match wish:
            case Command():
                here = activity.conversation_key
                self._reply(activity, await self._commands.answer(wish, here, asker, clicker))
                if wish.name == "pending":
                    self._spawn(self._repost(activity, clicker))
            case Unclear():
                choices = workflows_text(self._workflows)
                self._reply(activity, Text(f"{wish.reason}\n\n{choices}"))
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
        self._reply(activity, Text(text))

    async def _repost(self, activity: IncomingActivity, clicker: Actor) -> None:
        """Post the first waiting cards again, where the person has asked for them."""
        for request in (await self._commands.pending(clicker))[:CARDS_REPOSTED]:
            view = await self._service.view(request.id)
            card = request_card(view, self._look(activity))
            activity_id = await self._adapter.send(
                activity.reference, Card(card, notification(view))
            )
            reference: JsonObject = {**activity.reference, "activityId": activity_id}
            await self._service.adopt_delivery(request.id, NAME, reference)

    # Conversations

    async def _arrived(self, activity: IncomingActivity) -> None:
        """The bot was added: remember where it is, and say hello once."""
        key = activity.conversation_key
        first = key not in self._greeted and await self._service.conversation(key) is None
        self._greeted.add(key)
        await self._remember(activity, self._people.clicker(activity))
        if first:
            self._reply(activity, Text(help_text(self._workflows)))

    async def _remember(self, activity: IncomingActivity, sender: Actor) -> None:
        personal = activity.conversation_kind == "personal"
        principal_id = sender.principal.id if personal and sender.principal else None
        await self._service.save_conversation(
            Conversation(
                key=activity.conversation_key,
                channel=NAME,
                kind=activity.conversation_kind,
                principal_id=principal_id,
                reference=activity.reference,
                updated_at=self._clock.now(),
            )
        )

    # Sending

    def _reply(self, activity: IncomingActivity, message: Message) -> None:
        self._spawn(self._send(activity, message))

    async def _send(self, activity: IncomingActivity, message: Message) -> None:
        await self._adapter.send(activity.reference, message)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    """Answers are sent once; requests and progress have deliveries that try again."""
    try:
        await work
    except CountersignError as error:
        log.warning("reply not sent", error=str(error))
