"""Messages of people to the bot: read in the light of what waits for them where they write it.

A question takes the text as its answer; a card never does. What could be two things is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import CountersignError, InvalidError
from countersign.approvals.forms.wording import as_text, cut, in_words
from countersign.approvals.models import (
    Actor,
    JsonObject,
    Principal,
    Request,
    RequestStatus,
    Verdict,
)
from countersign.approvals.records import Records
from countersign.approvals.rules.placing import wider_audience
from countersign.bot.teams.adapter import InvokeAnswer, TeamsAdapter
from countersign.bot.teams.approval import COMMENT_LIMIT
from countersign.bot.teams.asking import (
    Instead,
    fits,
    is_it_an_answer,
    shall_it_start,
)
from countersign.bot.teams.bounds import refusal
from countersign.bot.teams.cards import notice_card, notification, request_card
from countersign.bot.teams.channel import NAME, look_for, replace
from countersign.bot.teams.command_texts import workflows_text
from countersign.bot.teams.commands import Commands
from countersign.bot.teams.messages import CARD_TYPE, Card, Text
from countersign.bot.teams.parts import Look
from countersign.bot.teams.people import People, unknown_person
from countersign.bot.teams.phrases import (
    Command,
    Start,
    Unclear,
    understand,
)
from countersign.bot.teams.places import message_in
from countersign.bot.teams.presence import Presence
from countersign.bot.teams.question import prompt_of
from countersign.bot.teams.replies import Replies
from countersign.bot.teams.settings import TeamsSettings
from countersign.bot.teams.starting import Starting, act_of
from countersign.bot.teams.waits import Waits, question_of_others, waits_for
from countersign.bot.teams.wire import IncomingActivity
from countersign.connectors.receiving import VoteAttempt, receive
from countersign.connectors.system import WorkflowInfo

log = structlog.get_logger()

CARDS_REPOSTED = 5
PROMPT_SHOWN = 200


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
        self._approvals, self._records = approvals, records
        self._settings, self._starting = settings, starting
        self._people, self._presence, self._workflows = people, presence, workflows
        self._adapter, self._replies, self._readable = adapter, replies, readable
        self._pages_url = pages_url
        self._placing = settings.placing
        self._commands = Commands(approvals, records, workflows, self._placing)

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
            await self._which(activity, waits.questions)
        elif waits.questions:
            await self._answered(activity, waits.questions[0], waits.cards, wish, actor)
        elif isinstance(wish, Command):
            await self._carry_out(activity, wish, asker, clicker)
        elif isinstance(wish, Start):
            await self._wants(activity, wish, owner)
        elif waits.cards:
            named = [each for each in waits.cards if each.id in activity.words]
            await self._not_by_text(activity, named or waits.cards)
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
            self._replies.spawn(self._repost(activity, waiting))

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
            look, message = self._look(activity), activity.id or ""
            shown = question.id if self._wider_audience(activity) else prompt_of(question)
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
            look, message = self._look(activity), activity.id or ""
            ask = shall_it_start(wish.maybe, activity.words, look, message)
            self._replies.reply(activity, Card(ask, f"Start {wish.maybe.title} with this?"))
            return
        if mine := [session for session in under_way if session.owner == owner.id]:
            self._replies.reply(activity, await self._commands.second_thought(mine))
            return
        choices = workflows_text(self._workflows)
        self._replies.reply(activity, Text(f"{wish.reason}\n\n{choices}"))

    # Answers

    async def _answered(
        self,
        activity: IncomingActivity,
        question: Request,
        cards: Sequence[Request],
        wish: Command | Start | Unclear,
        clicker: Actor,
    ) -> None:
        """The one question that waits here takes the text, unless it may well be something else."""
        said = activity.words
        is_clear = isinstance(wish, Unclear) and not cards
        if len(said) > COMMENT_LIMIT or not (is_clear or fits(said)):
            text = (
                "A question waits for you here, and this is too long for its answer: "
                f"{COMMENT_LIMIT:,} characters are the most. Nothing was sent or started. Please "
                "answer it first."
            )
            self._replies.reply(activity, Text(text))
            self._replies.spawn(self._repost(activity, [question]))
        elif not is_clear:
            ask = is_it_an_answer(question, said, wish, self._look(activity), activity.id or "")
            self._replies.reply(activity, Card(ask, "Is this your answer?"))
            if cards and isinstance(wish, Unclear):
                self._replies.spawn(self._repost(activity, cards))
        else:
            await self._answer(activity, question, said, clicker)

    async def _answer(
        self, activity: IncomingActivity, question: Request, said: str, clicker: Actor
    ) -> None:
        outcome = await receive(
            self._approvals,
            self._records,
            VoteAttempt(
                request_id=question.id,
                actor=clicker,
                verdict=Verdict.APPROVE,
                digest=question.digest,
                comment=said,
                act=act_of(activity),
            ),
        )
        rest = "the agents have it"
        if outcome.counted().status is RequestStatus.PENDING:
            rest = "more people have to answer"
        self._replies.reply(
            activity, Text(f"Taken as your answer to “{_asked(question)}”: {rest}.")
        )

    async def _which(self, activity: IncomingActivity, questions: Sequence[Request]) -> None:
        lines = [
            f"- `{each.id}`: {as_text(cut(prompt_of(each), PROMPT_SHOWN))}" for each in questions
        ]
        text = (
            f"{len(questions)} questions wait for you here, so I cannot tell which one this "
            "answers. Nothing was sent. Please answer each on its card:"
        )
        self._replies.reply(activity, Text("\n".join([text, "", *lines])))
        self._replies.spawn(self._repost(activity, questions))

    async def _not_by_text(self, activity: IncomingActivity, cards: Sequence[Request]) -> None:
        names = [f"**{in_words(each.tool)}** `{each.id}`" for each in cards]
        count = "A card waits" if len(names) == 1 else f"{len(names)} cards wait"
        shown = ", ".join(names[:CARDS_REPOSTED])
        text = (
            f"{count} for you: {shown}. Nothing was decided: only the buttons of a card decide, "
            "not what you write. To start something new, begin with the name of a workflow "
            "(`workflows`)."
        )
        self._replies.reply(activity, Text(text))
        self._replies.spawn(self._repost(activity, cards))

    async def _repost(self, activity: IncomingActivity, waiting: Sequence[Request]) -> None:
        """Post the first waiting cards again, where the person has asked for them; but not where
        more people are than they are shown to."""
        if self._wider_audience(activity):
            return
        look = self._look(activity)
        for request in waiting[:CARDS_REPOSTED]:
            view = await self._records.view(request.id)
            card = request_card(view, look)
            activity_id = await self._adapter.send(
                activity.reference, Card(card, notification(view))
            )
            reference = message_in(activity.reference, activity_id)
            await self._approvals.adopt_delivery(request.id, NAME, reference)

    # Not an answer, after all

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

    def _wider_audience(self, activity: IncomingActivity) -> bool:
        return wider_audience(self._placing, activity.conversation_kind)

    def _look(self, activity: IncomingActivity) -> Look:
        return look_for(
            self._settings, activity.channel_id, readable=self._readable, pages_url=self._pages_url
        )


def _asked(question: Request) -> str:
    return as_text(cut(prompt_of(question), PROMPT_SHOWN))
