"""Presence of the bot in conversations, from every verified activity: where, and if it is open."""

from __future__ import annotations

from countersign.approvals.models import Actor, Conversation
from countersign.approvals.ports import Clock, Conversations
from countersign.bot.teams.channel import NAME
from countersign.bot.teams.people import People
from countersign.bot.teams.refusals import REASONS
from countersign.bot.teams.wire import IncomingActivity

REMOVED = REASONS["BotNotInConversationRoster"]


class Presence:
    """Keeps the conversations. An activity of a stranger moves and opens one that is known, and
    makes none."""

    def __init__(self, conversations: Conversations, people: People, clock: Clock) -> None:
        self._conversations, self._people, self._clock = conversations, people, clock

    async def spoke(self, activity: IncomingActivity, sender: Actor) -> None:
        """Somebody whom we know has written: remember where."""
        await self._conversations.save(self._conversation(activity, sender))

    async def heard(self, activity: IncomingActivity) -> None:
        """Whatever it was, it came from there."""
        conversation = self._conversation(activity, self._people.clicker(activity))
        await self._conversations.save(conversation, only_known=True)

    async def arrived(self, activity: IncomingActivity) -> bool:
        """The bot was added; whether for the first time, which of several activities that say so
        at once only one is told."""
        conversation = self._conversation(activity, self._people.clicker(activity))
        return await self._conversations.save(conversation, installed=True)

    async def left(self, activity: IncomingActivity) -> None:
        """The bot was removed, from all of a team if from one."""
        conversation = self._conversation(activity, self._people.clicker(activity))
        await self._conversations.removed(conversation, REMOVED)

    def _conversation(self, activity: IncomingActivity, sender: Actor) -> Conversation:
        is_personal = activity.conversation_kind == "personal"
        return Conversation(
            key=activity.conversation_key,
            channel=NAME,
            kind=activity.conversation_kind,
            principal_id=sender.principal.id if is_personal and sender.principal else None,
            reference=activity.reference,
            updated_at=self._clock.now(),
        )
