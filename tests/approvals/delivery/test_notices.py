"""Messages for threads: in order, with back-off, dropped at last."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from countersign.approvals.backoff import BACKOFF_MAX_S
from countersign.approvals.delivery.notices import NOTICE_ATTEMPTS, UPDATE_ATTEMPTS
from countersign.approvals.errors import NotFoundError, UnavailableError
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import Conversation
from countersign.approvals.store import notices as notice_rows
from countersign.approvals.store import schema
from countersign.approvals.store.notices import RUNNING_CHARACTERS
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.directory import ANNA, acting
from tests.doubles.world import THREAD, World


def thread(**changes: Any) -> Conversation:
    values = {
        "key": THREAD,
        "channel": "teams",
        "kind": "channel",
        "principal_id": None,
        "reference": {"serviceUrl": "https://example.com"},
        "updated_at": "2026-03-02T09:00:00Z",
    }
    return Conversation.model_validate({**values, **changes})


async def unsent(world: World) -> list[str]:
    query = select(schema.notices.c.text).where(schema.notices.c.next_at.is_not(None))
    return await world.store.read(lambda c: [row[0] for row in c.execute(query)])


async def test_notices_go_out_in_order_until_one_fails(world: World) -> None:
    await world.conversations.save(thread())
    run = await world.begun(THREAD)
    for text in ("one", "two", "three"):
        await world.runs.submit(run, [], state=NOTHING_SAID, progress=[text])
    await world.courier.notify(THREAD)
    world.channel.failures.append(UnavailableError("down", retry_after_s=60))
    await world.runs.submit(run, [], state=NOTHING_SAID, progress=["four"])
    await world.runs.submit(run, [], state=NOTHING_SAID, progress=["five"])
    await world.courier.notify(THREAD)
    await world.courier.notify(THREAD)
    before = [text for _, text in world.channel.said]
    world.clock.advance(60)
    await world.courier.notify(THREAD)

    assert ["one", "two", "three"] == before
    assert ["one", "two", "three", "four", "five"] == [text for _, text in world.channel.said]


async def test_an_error_that_nobody_foresaw_is_tried_again(world: World) -> None:
    await world.conversations.save(thread())
    run = await world.begun(THREAD)
    await world.runs.submit(run, [], state=NOTHING_SAID, progress=["one"])
    world.channel.failures.append(RuntimeError("a library's own"))
    await world.courier.notify(THREAD)
    assert ["one"] == await unsent(world)
    world.clock.advance(BACKOFF_MAX_S)
    await world.courier.notify(THREAD)

    assert ["one"] == [text for _, text in world.channel.said]


async def test_conversation_is_due_when_its_first_notice_is(world: World) -> None:
    await world.conversations.save(thread())
    run = await world.begun(THREAD)
    await world.runs.submit(run, [], state=NOTHING_SAID, progress=["one"])
    world.channel.failures.append(UnavailableError("down", retry_after_s=60))
    await world.courier.notify(THREAD)
    await world.runs.submit(run, [], state=NOTHING_SAID, progress=["two"])

    async def due() -> list[str]:
        now = world.clock.now()
        return await world.store.read(lambda c: notice_rows.conversations_due(c, now, limit=10))

    early = await due()
    world.clock.advance(60)

    assert [] == early
    assert [THREAD] == await due()


async def test_progress_is_one_message_until_people_are_called(world: World) -> None:
    world.channel.updates = True
    await world.conversations.save(thread())
    run, other = await world.begun(THREAD), await world.begun(THREAD)
    for runs, text in ((run, "one"), (other, "else"), (run, "two")):
        await world.runs.submit(runs, [], state=NOTHING_SAID, progress=[text])
        await world.courier.notify(THREAD)
    await world.runs.limited(run, ("limit", {}), notice="Look here.")
    await world.runs.submit(run, [], state=NOTHING_SAID, progress=["three"])
    await world.courier.notify(THREAD)

    assert ["one\ntwo", "else", "**At a limit.** Look here.", "three"] == world.channel.messages


async def test_progress_that_its_message_does_not_take_is_posted_by_itself(world: World) -> None:
    world.channel.updates = True
    await world.conversations.save(thread())
    run = await world.begun(THREAD)
    for text in ("one", "two"):
        await world.runs.submit(run, [], state=NOTHING_SAID, progress=[text])
        await world.courier.notify(THREAD)
    await world.runs.submit(run, [], state=NOTHING_SAID, progress=["three"])
    for _ in range(UPDATE_ATTEMPTS):
        world.channel.failures.append(UnavailableError("this message is refused"))
        await world.courier.notify(THREAD)
        world.clock.advance(BACKOFF_MAX_S)
    await world.courier.notify(THREAD)

    assert ["one\ntwo", "three"] == world.channel.messages


async def test_progress_that_is_too_long_for_one_message_goes_on_in_another(world: World) -> None:
    world.channel.updates = True
    await world.conversations.save(thread())
    run = await world.begun(THREAD)
    for text in ("a", "b" * RUNNING_CHARACTERS, "c"):
        await world.runs.submit(run, [], state=NOTHING_SAID, progress=[text])
        await world.courier.notify(THREAD)

    assert ["a", "b" * RUNNING_CHARACTERS, "c"] == world.channel.messages


async def test_notice_is_given_up_after_many_attempts_and_the_next_one_goes_on(
    world: World,
) -> None:
    await world.conversations.save(thread())
    run = await world.begun(THREAD)
    await world.runs.submit(run, [], state=NOTHING_SAID, progress=["one"])
    await world.runs.submit(run, [], state=NOTHING_SAID, progress=["two"])
    for _ in range(NOTICE_ATTEMPTS):
        world.channel.failures.append(UnavailableError("down"))
        await world.courier.notify(THREAD)
        world.clock.advance(BACKOFF_MAX_S)
    await world.courier.notify(THREAD)

    assert [(THREAD, "two")] == world.channel.said
    assert [] == await unsent(world)


@pytest.mark.parametrize("known", [True, False])
async def test_notice_for_nowhere_is_dropped(world: World, known: bool) -> None:
    if known:
        await world.conversations.save(thread(channel="other"))
    await world.approvals.cancel((await world.start(THREAD)).id, acting(ANNA))
    await world.courier.notify(THREAD)

    assert [] == await unsent(world)


async def test_conversation_that_is_gone_drops_its_notice(world: World) -> None:
    await world.conversations.save(thread())
    await world.approvals.cancel((await world.start(THREAD)).id, acting(ANNA))
    world.channel.failures.append(NotFoundError("The chat was deleted."))
    await world.courier.notify(THREAD)

    assert [] == await unsent(world)
    assert [] == world.channel.said


async def test_last_words_and_causes_of_agents_are_text_in_the_thread(world: World) -> None:
    """Only the first words are formatting, and they are ours."""
    await world.conversations.save(thread())
    done, failed = await world.begun(THREAD), await world.begun(THREAD)
    ending = Ending(cause=SessionCause.ANSWERED, answer="# Approved\n**by** Alex")
    await world.runs.complete(done, state=NOTHING_SAID, ending=ending)
    await world.runs.fail(failed, error="*x*")
    said = "\n".join(await unsent(world))

    assert "**Finished.** &#35; Approved\n\n&#42;&#42;by&#42;&#42; Alex" in said
    assert "**Stopped.** &#42;x&#42;" in said


async def test_failure_that_nobody_has_foreseen_is_tried_again_and_not_told(world: World) -> None:
    await world.conversations.save(thread())
    run = await world.begun(THREAD)
    await world.runs.submit(run, [], state=NOTHING_SAID, progress=["one"])
    world.channel.failures.append(RuntimeError("token abc"))
    with capture_logs() as logs:
        await world.courier.notify(THREAD)
    world.clock.advance(BACKOFF_MAX_S)
    await world.courier.notify(THREAD)

    assert "notice cannot be posted" in [each["event"] for each in logs]
    assert [(THREAD, "one")] == world.channel.said
