"""Answers to questions in words, and what else of a conversation waits for whoever writes."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.approvals import Approvals
from countersign.approvals.forms.wording import as_text, cut, in_words
from countersign.approvals.models import Actor, Request, RequestStatus, Verdict
from countersign.approvals.records import Records
from countersign.approvals.rules.placing import wider_audience
from countersign.bot.teams.adapter import TeamsAdapter
from countersign.bot.teams.approval import COMMENT_LIMIT
from countersign.bot.teams.asking import fits, is_it_an_answer
from countersign.bot.teams.cards import notification, request_card
from countersign.bot.teams.channel import NAME, look_for
from countersign.bot.teams.messages import Card, Text
from countersign.bot.teams.parts import Look
from countersign.bot.teams.phrases import Command, Start, Unclear
from countersign.bot.teams.places import message_in
from countersign.bot.teams.question import prompt_of
from countersign.bot.teams.replies import Replies
from countersign.bot.teams.settings import TeamsSettings
from countersign.bot.teams.starting import act_of
from countersign.bot.teams.wire import IncomingActivity
from countersign.connectors.receiving import VoteAttempt, receive

CARDS_REPOSTED = 5
PROMPT_SHOWN = 200


class Answering:
    """Takes answers, and posts again what waits."""

    def __init__(
        self,
        settings: TeamsSettings,
        approvals: Approvals,
        records: Records,
        adapter: TeamsAdapter,
        replies: Replies,
        *,
        readable: bool,
        pages_url: str,
    ) -> None:
        self._settings, self._placing = settings, settings.placing
        self._approvals, self._records = approvals, records
        self._adapter, self._replies, self._readable = adapter, replies, readable
        self._pages_url = pages_url

    async def take(
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
            self._replies.spawn(self.repost(activity, [question]))
        elif not is_clear:
            ask = is_it_an_answer(question, said, wish, self.look(activity), activity.id or "")
            self._replies.reply(activity, Card(ask, "Is this your answer?"))
            if cards and isinstance(wish, Unclear):
                self._replies.spawn(self.repost(activity, cards))
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

    async def which(self, activity: IncomingActivity, questions: Sequence[Request]) -> None:
        """Ask which of several questions it answers."""
        lines = [
            f"- `{each.id}`: {as_text(cut(prompt_of(each), PROMPT_SHOWN))}" for each in questions
        ]
        text = (
            f"{len(questions)} questions wait for you here, so I cannot tell which one this "
            "answers. Nothing was sent. Please answer each on its card:"
        )
        self._replies.reply(activity, Text("\n".join([text, "", *lines])))
        self._replies.spawn(self.repost(activity, questions))

    async def not_by_text(self, activity: IncomingActivity, cards: Sequence[Request]) -> None:
        """Say that cards wait, and that no text decides them."""
        names = [f"**{in_words(each.tool)}** `{each.id}`" for each in cards]
        count = "A card waits" if len(names) == 1 else f"{len(names)} cards wait"
        shown = ", ".join(names[:CARDS_REPOSTED])
        text = (
            f"{count} for you: {shown}. Nothing was decided: only the buttons of a card decide, "
            "not what you write. To start something new, begin with the name of a workflow "
            "(`workflows`)."
        )
        self._replies.reply(activity, Text(text))
        self._replies.spawn(self.repost(activity, cards))

    async def repost(self, activity: IncomingActivity, waiting: Sequence[Request]) -> None:
        """Post the first waiting cards again, where the person has asked for them; but not where
        more people are than they are shown to."""
        if self.wider_audience(activity):
            return
        look = self.look(activity)
        for request in waiting[:CARDS_REPOSTED]:
            view = await self._records.view(request.id)
            card = request_card(view, look)
            activity_id = await self._adapter.send(
                activity.reference, Card(card, notification(view))
            )
            reference = message_in(activity.reference, activity_id)
            await self._approvals.adopt_delivery(request.id, NAME, reference)

    def wider_audience(self, activity: IncomingActivity) -> bool:
        """Whether more people are here than requests are shown to."""
        return wider_audience(self._placing, activity.conversation_kind)

    def look(self, activity: IncomingActivity) -> Look:
        """How cards look in this client."""
        return look_for(
            self._settings, activity.channel_id, readable=self._readable, pages_url=self._pages_url
        )


def _asked(question: Request) -> str:
    return as_text(cut(prompt_of(question), PROMPT_SHOWN))
