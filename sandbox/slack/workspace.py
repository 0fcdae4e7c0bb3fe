"""What a workspace of Slack holds: people, conversations, messages, and open modals."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

TEAM, ENTERPRISE, APP, BOT_USER = "T0ACME", "E0CORP", "A0GATE", "U0GATE"
TRIGGER_S = 3.0
"""How long a trigger opens a modal. Source: docs.slack.dev/interactivity/handling-user-interaction,
as known in 2026-11."""


class SlackError(Exception):
    """The API says no: `error` is Slack's word for it."""

    def __init__(self, error: str, *messages: str, **more: Any):
        super().__init__(error)
        self.body: dict[str, Any] = {"ok": False, "error": error, **more}
        if messages:
            self.body["response_metadata"] = {"messages": list(messages)}


@dataclass
class User:
    """Somebody with an account, here or in a workspace that shares a channel with this one."""

    id: str
    login: str
    name: str
    email: str
    team: str = TEAM
    is_bot: bool = False
    deleted: bool = False


@dataclass
class Message:
    """A message, or what one person alone was shown (`only_for`)."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)
    thread_ts: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    only_for: str = ""
    edits: int = 0

    def buttons(self) -> dict[str, dict[str, Any]]:
        """Its buttons, by action; of those with the same action the last."""
        return {each["action_id"]: each for each in self.all_buttons()}

    def all_buttons(self) -> list[dict[str, Any]]:
        """Its buttons, from top to bottom: in another block an action may come again."""
        return [each for b in self.blocks if b["type"] == "actions" for each in b["elements"]]

    def button(self, action: str, of: str = "") -> dict[str, Any] | None:
        """The one with this action, whose value has `of` in it."""
        found = (b for b in self.all_buttons() if b["action_id"] == action)
        return next((b for b in found if of in str(b.get("value", ""))), None)

    def words(self) -> str:
        """All that can be read of it."""
        return "\n".join(texts(self.blocks)) if self.blocks else self.text

    def as_json(self) -> dict[str, Any]:
        """As the API shows it."""
        shown: dict[str, Any] = {
            "type": "message",
            "user": self.user,
            "ts": self.ts,
            "text": self.text,
            "blocks": self.blocks,
        }
        if self.thread_ts:
            shown["thread_ts"] = self.thread_ts
        if self.metadata:
            shown["metadata"] = self.metadata
        return shown


@dataclass
class Conversation:
    """A channel, or a chat of the app with one person."""

    id: str
    name: str
    members: set[str]
    is_im: bool = False
    is_archived: bool = False
    messages: dict[str, Message] = field(default_factory=dict)


@dataclass
class View:
    """A modal that somebody has open."""

    id: str
    user: str
    content: dict[str, Any]
    hash: str
    errors: dict[str, str] = field(default_factory=dict)
    is_open: bool = True

    def as_json(self) -> dict[str, Any]:
        """As the API and payloads show it."""
        own = {"id": self.id, "hash": self.hash, "team_id": TEAM, "app_id": APP}
        return {**self.content, **own, "root_view_id": self.id, "state": {"values": {}}}

    def words(self) -> str:
        """All that can be read of it."""
        return "\n".join(texts(self.content["blocks"]))

    def inputs(self) -> dict[str, dict[str, Any]]:
        """Its inputs, by block."""
        found = (b for b in self.content["blocks"] if b["type"] == "input")
        return {block["block_id"]: block for block in found}


class Workspace:
    """Everything that is there; it starts with one channel, of which everybody is a member."""

    def __init__(self, users: tuple[User, ...], *, enterprise: str = "") -> None:
        self.users = {user.id: user for user in users}
        self.enterprise = enterprise
        members = {user.id for user in users} | {BOT_USER}
        self.conversations = {"C0SALES": Conversation("C0SALES", "sales", members)}
        self.views: dict[str, View] = {}
        self.ephemerals: list[Message] = []
        self._triggers: dict[str, tuple[str, float]] = {}
        self._numbers = itertools.count(1)

    def user(self, user_id: str) -> User:
        """Raises SlackError."""
        if user_id not in self.users:
            raise SlackError("user_not_found")
        return self.users[user_id]

    def conversation(self, channel: str) -> Conversation:
        """Raises SlackError."""
        if channel not in self.conversations:
            raise SlackError("channel_not_found")
        return self.conversations[channel]

    def open_chat(self, user_id: str) -> Conversation:
        """The app's chat with somebody."""
        user = self.user(user_id)
        if user.is_bot:
            raise SlackError("cannot_dm_bot")
        if user.deleted:
            raise SlackError("user_disabled")
        chat_id = f"D{user_id[1:]}"
        chat = Conversation(chat_id, "", {user_id, BOT_USER}, is_im=True)
        return self.conversations.setdefault(chat_id, chat)

    def post(self, message: Message) -> Message:
        """Keep it; `ts` is given here."""
        message.ts = self.number()
        self.conversations[message.channel].messages[message.ts] = message
        return message

    def messages(self) -> list[Message]:
        """All of them, the first one first."""
        found = (m for c in self.conversations.values() for m in c.messages.values())
        return sorted(found, key=lambda message: message.ts)

    def number(self) -> str:
        """A time stamp of Slack's, each later than the one before."""
        return f"{1_790_000_000}.{next(self._numbers):06}"

    def trigger(self, user: str) -> str:
        """What opens one modal for whoever has just clicked."""
        trigger = f"{next(self._numbers)}.trigger"
        self._triggers[trigger] = (user, time.monotonic() + TRIGGER_S)
        return trigger

    def open_view(self, trigger: str, content: dict[str, Any]) -> View:
        """Show a modal. Raises SlackError for a trigger that is none, too old, or used."""
        if trigger not in self._triggers:
            raise SlackError("invalid_trigger_id")
        user, until = self._triggers[trigger]
        if not user:
            raise SlackError("exchanged_trigger_id")
        if until < time.monotonic():
            raise SlackError("expired_trigger_id")
        self._triggers[trigger] = ("", 0.0)
        view = View(f"V{next(self._numbers):06}", user, content, self.number())
        self.views[view.id] = view
        return view

    def update_view(self, view_id: str, content: dict[str, Any]) -> View:
        """Raises SlackError once it is closed."""
        view = self.views.get(view_id)
        if view is None or not view.is_open:
            raise SlackError("not_found")
        view.content, view.hash, view.errors = content, self.number(), {}
        return view


def texts(value: Any) -> Iterator[str]:
    """Every text in blocks, as people read it: entities decoded."""
    if isinstance(value, dict):
        if value.get("type") in ("plain_text", "mrkdwn"):
            yield decoded(value["text"])
        elif value.get("type") == "rich_text_section":  # in which nothing is markup
            yield "".join(each["text"] for each in value["elements"])
        else:
            for inner in value.values():
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def decoded(text: str) -> str:
    """The three entities that Slack knows, as what they stand for."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
