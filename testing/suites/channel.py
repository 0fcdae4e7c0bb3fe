"""The contract of `approvals.ports.Channel`.

The fixture `channel` is a `ChannelUnderTest`: a channel on a system in which nothing is shown yet,
and a way to look at that system past the channel.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import pytest

from countersign.approvals.errors import NotFoundError, UnavailableError
from countersign.approvals.models import Conversation, Delivery, JsonObject, Notice, Principal
from countersign.approvals.ports import Channel, Prompt, RequestView
from countersign.approvals.rules.placing import targets
from countersign.testing.suites.asked import CUSTOMER, asked, delivery, executed

__all__ = [
    "test_decision_is_shown_once_however_often_it_is_told",
    "test_long_and_hostile_text_can_be_shown",
    "test_notice_is_said_where_there_are_conversations",
    "test_outage_is_unavailable_and_passes",
    "test_post_shows_the_request",
    "test_reminder_is_no_second_request",
    "test_shown_once_for_each_post",
    "test_targets_differ",
    "test_what_is_decided_and_done_is_over",
    "test_what_is_gone_is_not_found",
]
HOSTILE = "*[a|https://evil.example]* <b>x</b> {color:red} @everyone \u202e <!channel> `h`"


class ChannelUnderTest(Protocol):
    """A channel, its people, and the system behind it."""

    @property
    def channel(self) -> Channel:
        """The channel under test."""

    @property
    def approvers(self) -> Sequence[Principal]:
        """Who is asked: two people at least, whom the channel can reach."""

    @property
    def speaks(self) -> bool:
        """Whether it has conversations in which something can be said."""

    async def shown(self) -> Sequence[str]:
        """All that people can read of each request that is shown, the oldest first."""

    async def conversation(self) -> Conversation:
        """One in which something can be said; asked for if it `speaks` only."""

    async def said(self) -> Sequence[str]:
        """What was said in it, the oldest first."""

    async def vanish(self, reference: JsonObject) -> None:
        """Delete what this reference shows, as people there could."""

    def outage(self) -> AbstractContextManager[None]:
        """While it lasts, the system is down."""


def waiting(under_test: ChannelUnderTest, **changes: JsonObject) -> tuple[RequestView, Delivery]:
    view = asked(tuple(under_test.approvers), **changes)
    places = _targets(under_test, view)
    assert places, "nowhere to show it"
    return view, delivery(view, under_test.channel.name, places[0])


async def posted(under_test: ChannelUnderTest) -> tuple[RequestView, Delivery]:
    view, planned = waiting(under_test)
    reference = await under_test.channel.post(planned, view)
    kept = json.loads(json.dumps(reference))  # as the store gives it back
    return view, planned.model_copy(update={"reference": kept})


async def test_post_shows_the_request(channel: ChannelUnderTest) -> None:
    """With the call and why it is asked for."""
    _, live = await posted(channel)
    (text,) = await channel.shown()

    assert live.reference
    assert CUSTOMER in text
    assert "The customer asked for it." in text


async def test_shown_once_for_each_post(channel: ChannelUnderTest) -> None:
    """Updating what still waits shows nothing twice."""
    view, live = await posted(channel)
    await channel.channel.update(live, view)

    assert 1 == len(await channel.shown())


async def test_decision_is_shown_once_however_often_it_is_told(channel: ChannelUnderTest) -> None:
    view, live = await posted(channel)
    by = channel.approvers[0]
    await channel.channel.update(live, executed(view, by))
    (once,) = await channel.shown()
    await channel.channel.update(live, executed(view, by))

    assert "Quote Q-4711 was sent." in once
    assert [once] == list(await channel.shown())


async def test_what_is_gone_is_not_found(channel: ChannelUnderTest) -> None:
    view, live = await posted(channel)
    assert live.reference is not None
    await channel.vanish(live.reference)

    with pytest.raises(NotFoundError):
        await channel.channel.update(live, executed(view, channel.approvers[0]))


async def test_outage_is_unavailable_and_passes(channel: ChannelUnderTest) -> None:
    view, planned = waiting(channel)
    with channel.outage():
        with pytest.raises(UnavailableError):
            await channel.channel.post(planned, view)
        assert not await _works(channel)
    assert await _works(channel)
    assert [] == list(await channel.shown())
    await channel.channel.post(planned, view)

    assert 1 == len(await channel.shown())


async def test_long_and_hostile_text_can_be_shown(channel: ChannelUnderTest) -> None:
    """Of any size and wording: what does not fit is cut, with a way to read all of it."""
    view, planned = waiting(channel, arguments={"customer": HOSTILE * 500, "amount": 1})

    assert await channel.channel.post(planned, view)
    assert 1 == len(await channel.shown())


async def test_reminder_is_no_second_request(channel: ChannelUnderTest) -> None:
    """It is said in words; what can be answered stands there once."""
    view, live = await posted(channel)
    await channel.channel.remind(live, view, Prompt(number=1))
    await channel.channel.remind(live, view, Prompt(number=2))

    assert 1 == len(await channel.shown())


async def test_what_is_decided_and_done_is_over(channel: ChannelUnderTest) -> None:
    view, live = await posted(channel)

    assert not channel.channel.over(live, view)
    assert channel.channel.over(live, executed(view, channel.approvers[0]))


async def test_targets_differ(channel: ChannelUnderTest) -> None:
    """And planning them shows nothing."""
    view = asked(tuple(channel.approvers))

    assert len(set(_targets(channel, view))) == len(_targets(channel, view)) > 0
    assert [] == list(await channel.shown())


async def test_notice_is_said_where_there_are_conversations(channel: ChannelUnderTest) -> None:
    """A channel without any says that it cannot; then nobody waits for it."""
    if not channel.speaks:
        with pytest.raises(NotFoundError):
            await channel.channel.say(_anywhere(channel), _notice("It runs now."))
        return
    where = await channel.conversation()
    await channel.channel.say(where, _notice("It runs now."))

    assert ["It runs now."] == list(await channel.said())


async def _works(under_test: ChannelUnderTest) -> bool:
    try:
        return all(found.ok for found in await under_test.channel.check())
    except UnavailableError:
        return False


def _targets(under_test: ChannelUnderTest, view: RequestView) -> list[str]:
    approvers = tuple(under_test.approvers)
    channel = under_test.channel
    return list(targets(channel.name, channel.placing, view.request, approvers, None))


def _notice(text: str) -> Notice:
    return Notice.model_validate(
        {"id": 1, "session_id": "S-SUITE", "conversation": "anywhere", "text": text}
    )


def _anywhere(under_test: ChannelUnderTest) -> Conversation:
    return Conversation.model_validate(
        {
            "key": "anywhere",
            "channel": under_test.channel.name,
            "kind": "personal",
            "principal_id": under_test.approvers[0].id,
            "reference": {},
            "updated_at": "2026-03-02T09:00:00Z",
        }
    )
