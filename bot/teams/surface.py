"""A conversation of Teams in which a message was written, as the place that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from countersign.approvals.approvals import Approvals
from countersign.approvals.forms.together import name_of
from countersign.approvals.models import (
    ConversationKey,
    Delivery,
    Principal,
    PrincipalId,
    Request,
)
from countersign.approvals.records import Records
from countersign.approvals.rules.placing import wider_audience
from countersign.bot.teams.adapter import TeamsAdapter
from countersign.bot.teams.approval import COMMENT_LIMIT
from countersign.bot.teams.asking import fits, is_it_an_answer, shall_it_start
from countersign.bot.teams.cards import notification, request_card
from countersign.bot.teams.channel import NAME, look_for
from countersign.bot.teams.checkpoint import checkpoint_card, checkpoint_title
from countersign.bot.teams.messages import Card, Text
from countersign.bot.teams.parts import Look
from countersign.bot.teams.places import key_of, message_in
from countersign.bot.teams.replies import Replies
from countersign.bot.teams.settings import TeamsSettings
from countersign.bot.teams.starting import Starting
from countersign.bot.teams.wire import IncomingActivity
from countersign.connectors.conversing.phrases import Command, Start, Unclear
from countersign.connectors.conversing.talk import REPOSTED
from countersign.connectors.system import WorkflowInfo


@dataclass(frozen=True)
class Surroundings:
    """What every conversation needs to answer."""

    settings: TeamsSettings
    approvals: Approvals
    records: Records
    starting: Starting
    adapter: TeamsAdapter
    replies: Replies
    readable: bool
    pages_url: str


class TeamsSurface:
    """`connectors.conversing.said.Surface` for one message."""

    shows = "card"
    answer_limit = COMMENT_LIMIT

    def __init__(
        self, around: Surroundings, activity: IncomingActivity, owner: PrincipalId
    ) -> None:
        self._around, self._activity, self._owner = around, activity, owner
        kind = activity.conversation_kind
        self.wider_audience = wider_audience(around.settings.placing, kind)

    def reply(self, text: Text) -> None:
        """Say it."""
        self._around.replies.reply(self._activity, text)

    def repost(self, requests: Sequence[Request]) -> None:
        """Post the first waiting cards again, where the person has asked for them; but not where
        more people are than they are shown to."""
        if not self.wider_audience:
            self._around.replies.spawn(self._repost(requests))

    async def _repost(self, requests: Sequence[Request]) -> None:
        around, reference = self._around, self._activity.reference
        left = list(requests)
        for _ in range(min(REPOSTED, len(left))):
            if not left:
                break
            view = await around.records.view(left[0].id)
            members = around.records.views.in_one_message(view, left)
            left = [each for each in left if each.id not in {one.id for one in members}]
            calls = name_of(members) if members[1:] else ""
            if calls:
                drawn = checkpoint_card(view, calls, self._look())
                card = Card(drawn, checkpoint_title(view, calls))
            else:
                card = Card(request_card(view, self._look()), notification(view))
            activity_id = await around.adapter.send(reference, card)
            message = message_in(reference, activity_id, calls=calls)
            for request in members:
                await around.approvals.adopt_delivery(request.id, NAME, message)

    def can_ask(self, words: str) -> bool:
        """Whether the buttons of a card can carry it."""
        return fits(words)

    def ask_whether_answer(self, question: Request, wish: Command | Start | Unclear) -> None:
        """By a card."""
        said, message = self._activity.words, self._activity.id or ""
        ask = is_it_an_answer(question, said, wish, self._look(), message)
        self._around.replies.reply(self._activity, Card(ask, "Is this your answer?"))

    def ask_whether_start(self, workflow: WorkflowInfo, question: str) -> None:
        """By a card."""
        said, message = self._activity.words, self._activity.id or ""
        ask = shall_it_start(workflow, said, self._look(), message, question=question)
        card = Card(ask, f"Start {workflow.title} with this?")
        self._around.replies.reply(self._activity, card)

    def is_shown(self, deliveries: Sequence[Delivery], person: Principal) -> bool:
        """By where it is meant to be shown: a card may be there a moment before that is on
        record."""
        here: ConversationKey = self._activity.conversation_key
        personal = self._activity.conversation_kind == "personal"
        targets = {f"conversation:{here}", *([f"person:{person.id}"] if personal else ())}
        return any(
            delivery.channel == NAME
            and (delivery.target in targets or key_of(delivery.reference or {}) == here)
            for delivery in deliveries
        )

    async def start(self, wish: Start) -> str:
        """One session for each message."""
        _, text = await self._around.starting.start(self._activity, wish, self._owner)
        return text

    def _look(self) -> Look:
        """How cards look in this client."""
        around = self._around
        return look_for(
            around.settings,
            self._activity.channel_id,
            readable=around.readable,
            pages_url=around.pages_url,
        )
