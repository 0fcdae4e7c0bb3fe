"""Clicks on cards: votes, and the cards that answer them."""

from __future__ import annotations

import structlog

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import InvalidError, UnavailableError
from countersign.approvals.models import Actor
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.records import Records
from countersign.bot.teams.adapter import InvokeAnswer, TeamsAdapter
from countersign.bot.teams.bounds import refusal
from countersign.bot.teams.channel import NAME, look_for, replace
from countersign.bot.teams.checkpoint import members_of
from countersign.bot.teams.clicks import (
    Click,
    TamperedError,
    click_of_invoke,
    click_of_submit,
)
from countersign.bot.teams.messages import CARD_TYPE, Card, Text
from countersign.bot.teams.on_checkpoint import answer_click
from countersign.bot.teams.parts import Look
from countersign.bot.teams.people import People
from countersign.bot.teams.places import message_in
from countersign.bot.teams.replies import Replies
from countersign.bot.teams.settings import TeamsSettings
from countersign.bot.teams.vote_replies import Reply
from countersign.bot.teams.voting import record_tampering
from countersign.bot.teams.wire import IncomingActivity

log = structlog.get_logger()


class Deciding:
    """Answers clicks."""

    def __init__(
        self,
        settings: TeamsSettings,
        approvals: Approvals,
        records: Records,
        people: People,
        adapter: TeamsAdapter,
        replies: Replies,
        links: ReadLinks | None,
        pages_url: str = "",
    ) -> None:
        self._pages_url = pages_url
        self._approvals, self._records = approvals, records
        self._settings, self._people = settings, people
        self._adapter, self._replies, self._links = adapter, replies, links

    async def invoked(self, activity: IncomingActivity) -> InvokeAnswer:
        """Action.Execute: the answer is a card for whoever clicked."""
        actor = self._people.clicker(activity)
        try:
            click = click_of_invoke(activity.value)
        except TamperedError as error:
            await record_tampering(self._approvals, error, actor)
            return refusal(400, "BadRequest", str(error))
        except InvalidError as error:
            return refusal(400, "BadRequest", str(error))
        try:
            reply = await self._answer(click, actor, activity)
        except UnavailableError as error:
            log.warning("click not answered", request_id=click.request_id, error=str(error))
            text = "This cannot be decided right now. Nothing was decided; please try again."
            return refusal(503, "ServiceUnavailable", text)
        self._replies.spawn(self._adopt(activity, click, actor))
        body = {"statusCode": 200, "type": CARD_TYPE, "value": reply.card}
        return InvokeAnswer(body)

    async def submitted(self, activity: IncomingActivity) -> None:
        """Action.Submit: the answer cannot be shown to one person, so the message is updated."""
        actor = self._people.clicker(activity)
        try:
            click = click_of_submit(activity.value)
            reply = await self._answer(click, actor, activity)
        except InvalidError as error:
            if isinstance(error, TamperedError):
                await record_tampering(self._approvals, error, actor)
            self._replies.reply(activity, Text(str(error), markdown=False))
            return
        except UnavailableError as error:
            log.warning("click not answered", error=str(error))
            self._replies.reply(
                activity, Text("Nothing was decided; please try again in a moment.")
            )
            return
        self._replies.spawn(self._show_submitted(activity, click, actor, reply))

    async def _answer(self, click: Click, actor: Actor, activity: IncomingActivity) -> Reply:
        return await answer_click(
            self._approvals, self._records, click, actor, self._look(activity), self._links
        )

    def _look(self, activity: IncomingActivity) -> Look:
        readable = self._links is not None
        return look_for(
            self._settings, activity.channel_id, readable=readable, pages_url=self._pages_url
        )

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
        for delivery in await self._records.deliveries(click.request_id):
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
        view = await self._records.view(click.request_id)
        if click.digest != view.request.digest:
            return
        calls = click.calls or click.within
        members = members_of(view, calls)
        if view.request not in members:
            members, calls = (view.request,), ""
        known = await self._records.deliveries(click.request_id)
        if any((each.reference or {}).get("activityId") == activity.reply_to_id for each in known):
            return
        reference = message_in(activity.reference, activity.reply_to_id, calls=calls)
        for each in members:
            await self._approvals.adopt_delivery(each.id, NAME, reference)
        log.info("card adopted", request_id=click.request_id, activity_id=activity.reply_to_id)
