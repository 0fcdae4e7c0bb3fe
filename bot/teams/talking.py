"""Messages of people to the bot: read in the light of what waits for them where they write it.

A question takes the text as its answer; a card never does. What could be two things is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import CountersignError, InvalidError
from countersign.approvals.models import Actor, JsonObject, Principal
from countersign.approvals.records import Records
from countersign.bot.teams.adapter import InvokeAnswer, TeamsAdapter
from countersign.bot.teams.answering import Answering
from countersign.bot.teams.asking import Instead, fits, shall_it_start
from countersign.bot.teams.bounds import refusal
from countersign.bot.teams.cards import notice_card
from countersign.bot.teams.channel import replace
from countersign.bot.teams.command_texts import workflows_text
from countersign.bot.teams.commands import Commands
from countersign.bot.teams.messages import CARD_TYPE, Card, Text
from countersign.bot.teams.people import People, unknown_person
from countersign.bot.teams.phrases import Command, Start, Unclear, understand
from countersign.bot.teams.presence import Presence
from countersign.bot.teams.question import prompt_of
from countersign.bot.teams.replies import Replies
from countersign.bot.teams.settings import TeamsSettings
from countersign.bot.teams.starting import Starting, act_of
from countersign.bot.teams.waits import Waits, question_of_others, waits_for
from countersign.bot.teams.wire import IncomingActivity
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
        self._records = records
        self._starting = starting
        self._people, self._presence, self._workflows = people, presence, workflows
        self._adapter, self._replies = adapter, replies
        self._answering = Answering(
            settings,
            approvals,
            records,
            adapter,
            replies,
            readable=readable,
            pages_url=pages_url,
        )
        self._commands = Commands(approvals, records, workflows, settings.placing)

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
        if await self._records.acted(act_of(activity)) is not None:
            log.info("message delivered again")  # it was an answer, and counts once
            return
        wish = understand(activity.words, self._workflows)
        if isinstance(wish, Command) and (wish.is_complete or not activity.words):
            await self._carry_out(activity, wish, asker, clicker)
            return
        waits, actor = await self._waiting(activity, asker, clicker)
        if len(waits.questions) > 1:
            await self._answering.which(activity, waits.questions)
        elif waits.questions:
            await self._answering.take(activity, waits.questions[0], waits.cards, wish, actor)
        elif isinstance(wish, Command):
            await self._carry_out(activity, wish, asker, clicker)
        elif isinstance(wish, Start):
            await self._wants(activity, wish, owner)
        elif waits.cards:
            named = [each for each in waits.cards if each.id in activity.words]
            await self._answering.not_by_text(activity, named or waits.cards)
        else:
            await self._unclear(activity, wish, owner)

    async def _waiting(
        self, activity: IncomingActivity, asker: Actor, clicker: Actor
    ) -> tuple[Waits, Actor]:
        """What waits here for whoever wrote, and as whom they answer it. Only local clients have
        one persona for two people: whoever asks may be asked back."""
        here, personal = activity.conversation_key, activity.conversation_kind == "personal"
        found = Waits()
        for actor in (clicker, asker):
            if actor.principal is not None:
                waits = await waits_for(self._records, actor.principal, here, personal=personal)
                if waits.questions or asker.principal == clicker.principal:
                    return waits, actor
                found = found if found.cards else waits
        return found, clicker

    async def _carry_out(
        self, activity: IncomingActivity, wish: Command, asker: Actor, clicker: Actor
    ) -> None:
        here, kind = activity.conversation_key, activity.conversation_kind
        answer = await self._commands.answer(wish, here, asker, clicker, kind)
        self._replies.reply(activity, answer)
        if wish.name == "pending":
            waiting = await self._commands.pending(clicker)
            self._replies.spawn(self._answering.repost(activity, waiting))

    async def _wants(self, activity: IncomingActivity, wish: Start, owner: Principal) -> None:
        """Start it, unless a question to somebody else is open here: it may be about that."""
        question = await question_of_others(self._records, activity.conversation_key)
        if question is not None and not fits(activity.words):
            text = (
                f"A question is open here ({question.id}), and this message is too long to ask "
                "whether it is the answer. Nothing was started. Start it with a shorter message, "
                "or in a conversation of its own."
            )
            self._replies.reply(activity, Text(text))
            return
        if question is not None:
            look, message = self._answering.look(activity), activity.id or ""
            shown = question.id if self._answering.wider_audience(activity) else prompt_of(question)
            ask = shall_it_start(wish.workflow, activity.words, look, message, question=shown)
            self._replies.reply(activity, Card(ask, f"Start {wish.workflow.title} with this?"))
            return
        _, text = await self._starting.start(activity, wish, owner.id)
        self._replies.reply(activity, Text(text))

    async def _unclear(self, activity: IncomingActivity, wish: Unclear, owner: Principal) -> None:
        under_way = await self._commands.under_way(activity.conversation_key)
        if wish.decides:
            answer = await self._commands.nothing_to_decide(wish.reason, under_way)
            self._replies.reply(activity, answer)
            return
        if wish.maybe is not None and fits(activity.words):
            look, message = self._answering.look(activity), activity.id or ""
            ask = shall_it_start(wish.maybe, activity.words, look, message)
            self._replies.reply(activity, Card(ask, f"Start {wish.maybe.title} with this?"))
            return
        if mine := [session for session in under_way if session.owner == owner.id]:
            self._replies.reply(activity, await self._commands.second_thought(mine))
            return
        choices = workflows_text(self._workflows)
        self._replies.reply(activity, Text(f"{wish.reason}\n\n{choices}"))

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
        asker, clicker = self._people.requester(activity), self._people.clicker(activity)
        if asker.principal is None:
            return notice_card("You are not known here", unknown_person(activity))
        wish = understand(click.said, self._workflows)
        if isinstance(wish, Command) and not click.workflow:
            await self._carry_out(activity, wish, asker, clicker)
            return notice_card("Not an answer", f"You asked for: {wish.name}")
        known = {each.name: each for each in self._workflows}
        if click.workflow not in known:
            raise InvalidError("That workflow is not here any more. Nothing was started.")
        workflow = known[click.workflow]
        is_same = isinstance(wish, Start) and wish.workflow.name == workflow.name
        start = wish if is_same and isinstance(wish, Start) else Start(workflow, click.said)
        session, text = await self._starting.start(
            activity, start, asker.principal.id, message_id=click.message or None
        )
        self._replies.reply(activity, Text(text))
        return notice_card(f"{workflow.title} is started", session.id)

    async def _replaced(
        self, activity: IncomingActivity, message_id: str, card: JsonObject
    ) -> None:
        await replace(self._adapter, activity.reference, message_id, Card(card, "Answered"))
