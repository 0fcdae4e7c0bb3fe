"""Addresses of conversations: the newest verified one counts whenever something is sent.

The address is looked up each time and never kept with a card. When the channel says that it is the
wrong one, a newer one is tried at once; when the conversation is closed to the bot, that is noted
until it opens again (`approvals.delivery.conversations`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from countersign.approvals.errors import MisdirectedError, NotFoundError, UnreachableError
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import CALLS, Conversation, ConversationKey, JsonObject
from countersign.approvals.ports import Conversations, Directory
from countersign.bot.teams.refusals import REASONS, REFUSES

T = TypeVar("T")

SHARED = {
    "has uninstalled the app": "the app was removed from it",
    "has blocked the bot": "the bot was blocked in it",
    "has blocked or uninstalled the app": "the app was blocked in it or removed from it",
}
"""Of a chat of several people nobody in particular has done it."""


class Places:
    """Sends into conversations by the newest address of each."""

    def __init__(self, conversations: Conversations, directory: Directory) -> None:
        self._conversations, self._directory = conversations, directory

    async def send(self, reference: JsonObject, call: Callable[[JsonObject], Awaitable[T]]) -> T:
        """The value of `call` with the reference of the same conversation as it is now; called
        again if it turns out to be at the wrong address and a newer one has been heard of.

        Raises UnreachableError with whom it is about, and what `call` raises.
        """
        at, known = await self._find(reference)
        while True:
            try:
                sent = await call(at)
            except (NotFoundError, MisdirectedError, UnreachableError) as error:
                newer, known_now = await self._find(reference)
                if newer["serviceUrl"] != at["serviceUrl"]:
                    at, known = newer, known_now
                    continue
                if isinstance(error, UnreachableError):
                    raise await self._closed(known, error) from error
                raise
            if known is not None and known.blocked_at is not None:
                await self._conversations.opened(known.key)
            return sent

    async def _find(self, reference: JsonObject) -> tuple[JsonObject, Conversation | None]:
        """The newest reference; that of the card itself only if its conversation is not known, as
        in a database of an earlier release."""
        known = await self._conversations.get(key_of(reference))
        if known is None or not known.reference.get("serviceUrl"):
            return {"serviceUrl": "", **reference}, known
        return {**reference, **known.reference}, known

    async def _closed(
        self, known: Conversation | None, error: UnreachableError
    ) -> UnreachableError | MisdirectedError:
        """Note it; the error that says whom it is about. If the conversation was heard of
        meanwhile it is one after which it is tried again."""
        if known is not None and not await self._conversations.closed(known, error.reason):
            return MisdirectedError(f"It was heard of while it was tried ({error})")
        return cannot_be_reached(self._who(known), error.reason, str(error))

    def _who(self, known: Conversation | None) -> str:
        if known is not None and known.kind != "personal":
            return "The channel" if known.kind == "channel" else "The group chat"
        principal_id = known.principal_id if known else None
        person = self._directory.by_id(principal_id) if principal_id else None
        return "This chat" if person is None else visible(person.name)


def cannot_be_reached(who: str, reason: str, detail: str = "") -> UnreachableError:
    """For people: who, why, and (for operators) what exactly was answered."""
    why = SHARED.get(reason, reason) if who in ("The channel", "The group chat") else reason
    answered = f" ({detail})" if detail and reason not in REASONS.values() else ""
    return UnreachableError(
        f"{who} cannot be reached in Microsoft Teams: {why or REFUSES}{answered}.", reason=reason
    )


def key_of(reference: JsonObject) -> ConversationKey:
    """Our name for the conversation of a reference; as `IncomingActivity.conversation_key`."""
    chat = reference.get("conversation")
    chat_id = chat.get("id") if isinstance(chat, dict) else None
    return ConversationKey(f"{reference.get('channelId')}:{chat_id}")


def message_in(reference: JsonObject, activity_id: str, *, calls: str = "") -> JsonObject:
    """What a delivery keeps of its message: the conversation by its id, and no address; of one that
    shows several calls, which."""
    names = ("channelId", "conversation")
    kept: JsonObject = {name: reference[name] for name in names if name in reference}
    return {**kept, "activityId": activity_id, **({CALLS: calls} if calls else {})}
