"""Messages of people to the bot, and the buttons of the cards that ask what one is meant as."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import CountersignError, InvalidError
from countersign.approvals.models import JsonObject
from countersign.approvals.records import Records
from countersign.bot.teams.adapter import InvokeAnswer, TeamsAdapter
from countersign.bot.teams.asking import Instead
from countersign.bot.teams.bounds import refusal
from countersign.bot.teams.cards import notice_card
from countersign.bot.teams.channel import replace
from countersign.bot.teams.messages import CARD_TYPE, Card, Text
from countersign.bot.teams.people import People, unknown_person
from countersign.bot.teams.presence import Presence
from countersign.bot.teams.replies import Replies
from countersign.bot.teams.settings import TeamsSettings
from countersign.bot.teams.starting import Starting, act_of
from countersign.bot.teams.surface import Surroundings, TeamsSurface
from countersign.bot.teams.wire import IncomingActivity
from countersign.connectors.conversing.phrases import Command, Start, understand
from countersign.connectors.conversing.said import Said
from countersign.connectors.conversing.talk import Talk
from countersign.connectors.system import WorkflowInfo

log = structlog.get_logger()


class Talking:
    """Answers messages."""

    def __init__(
        self,
        settings: TeamsSettings,
        approvals: Approvals,
        records: Records,
        starting: Starting,
        people: People,
        presence: Presence,
        workflows: Sequence[WorkflowInfo],
        adapter: TeamsAdapter,
        replies: Replies,
        *,
        readable: bool,
        pages_url: str = "",
    ) -> None:
        self._starting = starting
        self._people, self._presence, self._workflows = people, presence, workflows
        self._adapter, self._replies = adapter, replies
        self._around = Surroundings(
            settings, approvals, records, starting, adapter, replies, readable, pages_url
        )
        self._talk = Talk(approvals, records, workflows, settings.placing)

    async def said(self, activity: IncomingActivity) -> None:
        """A message of words."""
        said = self._said(activity)
        if said is None:
            self._replies.reply(activity, Text(unknown_person(activity)))
            return
        try:
            await self._presence.spoke(activity, said.clicker)
            await self._talk.answer(said, self._place(activity, said))
        except CountersignError as error:
            log.warning("message not carried out", error=str(error))
            self._replies.reply(activity, Text(f"That did not work: {error}", markdown=False))

    def _said(self, activity: IncomingActivity) -> Said | None:
        """None from a stranger."""
        asker, clicker = self._people.requester(activity), self._people.clicker(activity)
        if asker.principal is None:
            log.info("stranger answered", identity=asker.identity)
            return None
        return Said(
            words=activity.words,
            here=activity.conversation_key,
            kind=activity.conversation_kind,
            asker=asker,
            clicker=clicker,
            owner=asker.principal,
            act=act_of(activity),
        )

    def _place(self, activity: IncomingActivity, said: Said) -> TeamsSurface:
        return TeamsSurface(self._around, activity, said.owner.id)

    async def instead(self, activity: IncomingActivity, click: Instead) -> InvokeAnswer:
        """The button of a card that has asked; the answer replaces that card."""
        try:
            card = await self._instead(activity, click)
        except InvalidError as error:
            return refusal(400, "BadRequest", str(error))
        except CountersignError as error:
            log.warning("message not carried out", error=str(error))
            return refusal(503, "ServiceUnavailable", f"That did not work: {error}")
        if activity.reply_to_id:
            self._replies.spawn(self._replaced(activity, activity.reply_to_id, card))
        return InvokeAnswer({"statusCode": 200, "type": CARD_TYPE, "value": card})

    async def _instead(self, activity: IncomingActivity, click: Instead) -> JsonObject:
        said = self._said(activity)
        if said is None:
            return notice_card("You are not known here", unknown_person(activity))
        wish = understand(click.said, self._workflows)
        if isinstance(wish, Command) and not click.workflow:
            await self._talk.carry_out(said, wish, self._place(activity, said))
            return notice_card("Not an answer", f"You asked for: {wish.name}")
        known = {each.name: each for each in self._workflows}
        if click.workflow not in known:
            raise InvalidError("That workflow is not here any more. Nothing was started.")
        workflow = known[click.workflow]
        is_same = isinstance(wish, Start) and wish.workflow.name == workflow.name
        start = wish if is_same and isinstance(wish, Start) else Start(workflow, click.said)
        session, text = await self._starting.start(
            activity, start, said.owner.id, message_id=click.message or None
        )
        self._replies.reply(activity, Text(text))
        return notice_card(f"{workflow.title} is started", session.id)

    async def _replaced(
        self, activity: IncomingActivity, message_id: str, card: JsonObject
    ) -> None:
        await replace(self._adapter, activity.reference, message_id, Card(card, "Answered"))
