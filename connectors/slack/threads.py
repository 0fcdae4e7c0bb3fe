"""Threads: below which message a session goes on.

One that a message has started goes on below that. A form has no message, so there the app writes
one, after the session is stored: whoever needs the thread first writes it, also after a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

from countersign.approvals.forms.wording import as_text, cut_visibly, in_words
from countersign.approvals.models import Conversation, ConversationKey, JsonObject, Session
from countersign.approvals.ports import Clock, Conversations, Store
from countersign.approvals.store import sessions as session_rows
from countersign.connectors.slack.message import NAME
from countersign.connectors.slack.sentences import sentences

FORM = "form/"
"""Before the id of a form or a command, in the key of a session that it has started."""
ROOT = "root"
"""The kind of the conversation that remembers such a message."""
TASK_SHOWN = 2_000
Post = Callable[[str, JsonObject], Awaitable[JsonObject]]
"""Writes a message into a chat; its channel and time stamp. Raises as `SlackChannel.post`."""


class Threads:
    """Finds them, and writes the message where there is none."""

    def __init__(
        self, store: Store, conversations: Conversations, clock: Clock, post: Post
    ) -> None:
        self._store, self._conversations = store, conversations
        self._clock, self._post = clock, post
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def of(self, session_id: str, channel: str) -> str:
        """The time stamp of the message; "" of a session that did not begin in this chat. Raises
        what writing raises."""
        key = await self._store.read(lambda c: session_rows.key_of(c, session_id)) or ""
        chat = f"{key_of(channel)}:"
        if not key.startswith(chat):
            return ""
        began = key.removeprefix(chat)
        if not began.startswith(FORM):
            return began.partition("/")[0]
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = await self._conversations.get(ConversationKey(key))
            if known is not None:
                return str(known.reference["ts"])
            session = await self._store.read(lambda c: session_rows.get(c, session_id))
            return await self._written(ConversationKey(key), session, channel)

    async def _written(self, key: ConversationKey, session: Session, channel: str) -> str:
        task = as_text(cut_visibly(session.task, TASK_SHOWN))
        asked = sentences(f"You asked for **{in_words(session.workflow)}**:\n\n{task}")
        posted = await self._post(channel, asked)
        await self._conversations.save(
            Conversation(
                key=key,
                channel=NAME,
                kind=ROOT,
                principal_id=None,
                reference={"channel": channel, "ts": str(posted["ts"])},
                updated_at=self._clock.now(),
            )
        )
        return str(posted["ts"])


def key_of(channel: str) -> ConversationKey:
    """Our name for a channel."""
    return ConversationKey(f"{NAME}:{channel}")


def form_key(channel: str, form: str) -> str:
    """What a session is started with by this form, or command; Slack's ids of both are unique."""
    return f"{key_of(channel)}:{FORM}{form}"
