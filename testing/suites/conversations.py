"""The contract of `approvals.ports.Conversations`.

The fixture `conversations` is the implementation, without any conversation; `keeps` says whether it
remembers any (one for places where nobody can write does not).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from countersign.approvals.models import Conversation, PrincipalId
from countersign.approvals.ports import Conversations

__all__ = [
    "test_closed_conversation_is_open_again_once_something_arrives",
    "test_closing_what_was_heard_of_since_changes_nothing",
    "test_newest_personal_chat_is_that_of_the_person_in_the_channel",
    "test_saved_conversation_is_there_by_its_key",
    "test_saving_again_replaces_the_address",
    "test_unknown_conversation_is_none",
]
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BEN = PrincipalId("ben")


def heard(key: str = "chat-1", *, after_s: float = 0, **changes: Any) -> Conversation:
    given = {
        "key": key,
        "channel": "teams",
        "kind": "personal",
        "principal_id": BEN,
        "reference": {"conversation": {"id": key}},
        "updated_at": AT + timedelta(seconds=after_s),
    }
    return Conversation.model_validate({**given, **changes})


async def test_unknown_conversation_is_none(conversations: Conversations) -> None:
    assert await conversations.get(heard().key) is None
    assert await conversations.personal(BEN, "teams") is None
    await conversations.opened(heard().key)


async def test_saved_conversation_is_there_by_its_key(
    conversations: Conversations, keeps: bool
) -> None:
    await conversations.save(heard())

    assert (heard() if keeps else None) == await conversations.get(heard().key)


async def test_saving_again_replaces_the_address(conversations: Conversations, keeps: bool) -> None:
    await conversations.save(heard())
    moved = heard(after_s=60, reference={"conversation": {"id": "elsewhere"}})
    await conversations.save(moved)
    found = await conversations.get(moved.key)

    assert (moved.reference if keeps else None) == (found and found.reference)


async def test_newest_personal_chat_is_that_of_the_person_in_the_channel(
    conversations: Conversations, keeps: bool
) -> None:
    await conversations.save(heard("chat-2", after_s=60))
    await conversations.save(heard("chat-1"))
    await conversations.save(heard("group", after_s=90, kind="group", principal_id=None))
    await conversations.save(heard("other", after_s=90, channel="elsewhere"))
    await conversations.save(heard("cara", after_s=90, principal_id="cara"))
    found = await conversations.personal(BEN, "teams")

    assert ("chat-2" if keeps else None) == (found and found.key)


async def test_closed_conversation_is_open_again_once_something_arrives(
    conversations: Conversations, keeps: bool
) -> None:
    known = heard()
    await conversations.save(known)
    closed = await conversations.closed(known, "has uninstalled the app")
    found = await conversations.get(known.key)
    await conversations.opened(known.key)
    after = await conversations.get(known.key)

    assert keeps is closed
    assert ("has uninstalled the app" if keeps else None) == (found and found.blocked_reason)
    assert after is None or after.blocked_at is None


async def test_closing_what_was_heard_of_since_changes_nothing(
    conversations: Conversations,
) -> None:
    """Whoever writes again at that moment is not shut out."""
    await conversations.save(heard())
    await conversations.save(heard(after_s=60, reference={"conversation": {"id": "elsewhere"}}))

    assert not await conversations.closed(heard(), "has uninstalled the app")
    found = await conversations.get(heard().key)
    assert found is None or found.blocked_at is None
