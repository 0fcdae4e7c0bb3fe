"""What the service knows: conversations, their members, and what each person sees."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from countersign.sandbox.botframework.people import Person

CARD_TYPE = "application/vnd.microsoft.card.adaptive"
MAX_MESSAGES = 5_000
"""Of one conversation; the oldest are forgotten."""
_THREAD = ";messageid="

Kind = Literal["personal", "groupChat", "channel"]


@dataclass
class Message:
    """One activity in a conversation: the latest version, and the card as single people see it."""

    id: str
    conversation_id: str
    activity: dict[str, Any]
    from_bot: bool
    change: int = 0
    """Number of the latest change to it, counted over everything in this world."""
    updates: int = 0
    deleted: bool = False
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By person id: the card an invoke answered with. An update of the message drops it."""

    @property
    def text(self) -> str:
        """The text, empty if it has none."""
        return str(self.activity.get("text") or "")

    def card(self, person: Person | None = None) -> dict[str, Any] | None:
        """The Adaptive Card everybody sees, or the one `person` sees."""
        if person is not None and person.id in self.views:
            return self.views[person.id]
        for attachment in self.activity.get("attachments") or ():
            if attachment.get("contentType") == CARD_TYPE:
                content: dict[str, Any] = attachment["content"]
                return content
        return None

    def as_json(self) -> dict[str, Any]:
        """The same for the control surface."""
        return {
            "id": self.id,
            "conversation_id": self.conversation_id,
            "change": self.change,
            "updates": self.updates,
            "deleted": self.deleted,
            "from_bot": self.from_bot,
            "views": self.views,
            "activity": self.activity,
        }


@dataclass
class Conversation:
    """A 1:1, a group chat, a channel, or a thread in a channel."""

    id: str
    kind: Kind
    members: tuple[Person, ...]
    name: str | None = None
    installed: bool = True
    """Whether the bot is in it; posting into one it is not in is answered 403."""
    refusal: tuple[int, str] | None = None
    """Status and code with which posting and updating are answered, whatever else is so."""
    team: Mapping[str, str] | None = None
    channel: Mapping[str, str] | None = None
    messages: dict[str, Message] = field(default_factory=dict)

    def account(self, tenant_id: str) -> dict[str, Any]:
        """`conversation` as the bot receives it."""
        account: dict[str, Any] = {
            "conversationType": self.kind,
            "tenantId": tenant_id,
            "id": self.id,
        }
        if self.kind != "personal":
            account["isGroup"] = True
        if self.name and self.kind == "groupChat":
            account["name"] = self.name
        return account


class World:
    """All conversations of the tenant. Used from one event loop."""

    def __init__(self, people: Sequence[Person]) -> None:
        everybody = tuple(people)
        self.people = everybody
        self.team = {
            "id": "19:team-contoso-ops@thread.tacv2",
            "name": "Contoso Ops",
            "aadGroupId": "00000000-0000-0000-0000-000000000031",
        }
        channels = {
            "19:team-contoso-ops@thread.tacv2": "General",
            "19:channel-approvals@thread.tacv2": "Approvals",
        }
        self.group_id = "19:group-finance-approvers@thread.v2"
        self.channel_id = "19:channel-approvals@thread.tacv2"
        self.conversations: dict[str, Conversation] = {}
        for person in everybody:
            self._add(Conversation(f"a:1-personal-{person.id}", "personal", (person,)))
        self._add(Conversation(self.group_id, "groupChat", everybody, "Finance approvers"))
        for channel_id, name in channels.items():
            self._add(
                Conversation(
                    channel_id,
                    "channel",
                    everybody,
                    team=self.team,
                    channel={"id": channel_id, "name": name},
                )
            )
        self._ids = itertools.count(int(time.time() * 1000))
        self.changes = 0
        self._changed = asyncio.Event()

    def _add(self, conversation: Conversation) -> Conversation:
        self.conversations[conversation.id] = conversation
        return conversation

    def person(self, who: Person | str) -> Person:
        """The person with this id, object id, address or name. Raises LookupError."""
        if isinstance(who, Person):
            return who
        for person in self.people:
            if who in (person.id, person.aad_object_id, person.email, person.name):
                return person
        raise LookupError(f"nobody here is called {who!r}")

    def personal(self, person: Person) -> Conversation:
        """The 1:1 of the bot with `person`."""
        return self.conversations[f"a:1-personal-{person.id}"]

    def find(self, conversation_id: str) -> Conversation | None:
        """The conversation, or the thread of a channel that is known."""
        found = self.conversations.get(conversation_id)
        channel_id, mark, root = conversation_id.partition(_THREAD)
        if found is None and mark and root and channel_id in self.conversations:
            return self.thread(self.conversations[channel_id], root)
        return found

    def thread(self, channel: Conversation, root_id: str) -> Conversation:
        """The thread below the message `root_id` of a channel."""
        thread_id = f"{channel.id.partition(_THREAD)[0]}{_THREAD}{root_id}"
        if thread_id not in self.conversations:
            self._add(
                Conversation(
                    thread_id,
                    "channel",
                    channel.members,
                    team=channel.team,
                    channel=channel.channel,
                    installed=channel.installed,
                )
            )
        return self.conversations[thread_id]

    def new_id(self) -> str:
        """An activity id as Teams gives them: milliseconds, growing."""
        return str(next(self._ids))

    def post(
        self,
        conversation: Conversation,
        activity: Mapping[str, Any],
        *,
        from_bot: bool,
        id: str | None = None,
    ) -> Message:
        """Append an activity to a conversation."""
        message = Message(id or self.new_id(), conversation.id, dict(activity), from_bot)
        message.activity["id"] = message.id
        conversation.messages[message.id] = message
        while len(conversation.messages) > MAX_MESSAGES:
            del conversation.messages[next(iter(conversation.messages))]
        self.touch(message)
        return message

    def update(self, message: Message, activity: Mapping[str, Any]) -> None:
        """Replace a message for everybody: the cards single people saw are gone."""
        message.activity = {**activity, "id": message.id}
        message.views.clear()
        message.updates += 1
        self.touch(message)

    def touch(self, message: Message) -> None:
        """Count a change and wake whoever waits for one."""
        self.changes += 1
        message.change = self.changes
        self._changed.set()
        self._changed = asyncio.Event()

    def place(self, conversation: Conversation, *, installed: bool) -> None:
        """Add the bot to a conversation or take it out; with a channel, to all of its team."""
        for each in self.conversations.values():
            if each is conversation or (each.team is not None and each.team == conversation.team):
                each.installed = installed

    async def changed(self) -> None:
        """Return after the next change."""
        await self._changed.wait()

    def messages(self, conversation_id: str | None = None) -> list[Message]:
        """What was posted (typing and other signals left out), oldest first."""
        found = [
            message
            for conversation in self.conversations.values()
            if conversation_id is None or conversation.id == conversation_id
            for message in conversation.messages.values()
            if message.activity.get("type") == "message"
        ]
        return sorted(found, key=lambda message: int(message.id))
