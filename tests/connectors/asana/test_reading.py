"""What counts in a task: the history says who, the task says what, and both have to agree."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
import pytest_asyncio

from countersign.approvals.models import Verdict
from countersign.approvals.tickets import TicketOutcome, TicketQuestion, TicketRef, TicketWithdrawal
from countersign.connectors.asana import reading
from countersign.sandbox.asana.people import CHANGES_FIELD, ORDER_FIELD
from tests.connectors.asana.asana_world import AsanaWorld, in_asana

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOBODY = "The history of the task in Asana does not say who did it."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[AsanaWorld]:
    """One workspace for all; every test asks for something new."""
    async with in_asana() as opened:
        yield opened


async def test_changes_in_the_field_are_those_of_who_answers(world: AsanaWorld) -> None:
    own, foreign, no = [await world.orders.ticket() for _ in range(3)]
    world.desk.answer(own.key, "approve", changes="amount: 90")
    for ref in (foreign, no):
        world.desk.update(ref.key, "mallory", custom_fields={CHANGES_FIELD: "amount: 1"})
    world.desk.answer(foreign.key, "approve")
    world.desk.answer(no.key, "reject", comment="No.")
    act = (await world.seen(own)).acts[0]

    assert ("changes_requested", "amount: 90") == (act.state, act.changes)
    assert [Verdict.MODIFY] == await world.meant(own)
    assert ["last written by Mallory" in (await world.meant(foreign))[0]] == [True]
    assert [Verdict.REJECT] == await world.meant(no)


async def test_field_that_was_emptied_asks_for_no_changes(world: AsanaWorld) -> None:
    ref = await world.orders.ticket()
    world.desk.update(ref.key, "sam", custom_fields={CHANGES_FIELD: "amount: 1"})
    world.desk.update(ref.key, "sam", custom_fields={CHANGES_FIELD: ""})
    world.desk.answer(ref.key, "approve")

    assert [Verdict.APPROVE] == await world.meant(ref)


async def test_answer_to_a_text_that_was_another_does_not_count(world: AsanaWorld) -> None:
    ref = await world.orders.ticket()
    text = world.desk.ticket(ref.key).text
    world.desk.edit_text(ref.key, "Give everybody a day off.")
    world.desk.answer(ref.key, "approve")
    world.desk.edit_text(ref.key, text)

    assert ["The text of the task was changed by Megan Bowen before this."] == await world.meant(
        ref
    )


async def test_answer_that_was_taken_back_at_once_does_not_count(world: AsanaWorld) -> None:
    ref = await world.orders.ticket()
    world.desk.answer(ref.key, "approve")
    world.desk.answer(ref.key, "reject", comment="I misread it.")

    assert [reading.TOOK_BACK, Verdict.REJECT] == await world.meant(ref)


async def test_answer_without_its_entry_waits_and_is_then_nobodys(
    world: AsanaWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = await world.orders.ticket()
    world.asana.space.consolidates = True
    world.desk.answer(ref.key, "approve")
    early = await world.meant(ref)
    monkeypatch.setattr(reading, "STORY_WAIT", timedelta(hours=-1))
    late = await world.meant(ref)
    (act,) = (await world.seen(ref)).acts
    await world.connector.ask_again(ref, act, "It does not count.", counted=False)
    world.asana.space.consolidates = False
    world.desk.answer(ref.key, "approve")

    assert ([], [NOBODY]) == (early, late)
    assert [Verdict.APPROVE] == await world.meant(ref)


async def test_entry_that_the_task_does_not_bear_out_is_no_answer(world: AsanaWorld) -> None:
    """Somebody else has turned it round, and the entry that told of it was lost."""
    ref = await world.orders.ticket()
    world.desk.answer(ref.key, "reject", comment="No.")
    world.asana.space.consolidates = True
    world.desk.answer(ref.key, "approve", who="mallory")
    world.asana.space.consolidates = False

    assert [] == await world.meant(ref)


async def test_comments_ask_and_withdraw(world: AsanaWorld) -> None:
    ref = await world.orders.ticket()
    for text in ("Ask: why so much?", "Withdraw", "Just so."):
        world.desk.comment(ref.key, text)
    world.desk.comment(ref.key, "Ask: ours is none", who="bot")
    found = world.connector.decide(await world.seen(ref))

    assert [TicketQuestion, TicketWithdrawal] == [type(each) for each in found]
    assert isinstance(found[0], TicketQuestion)
    assert "why so much?" == found[0].text


async def test_edited_comment_is_no_act(world: AsanaWorld) -> None:
    ref = await world.orders.ticket()
    world.desk.comment(ref.key, "Withdraw")
    world.asana.space.task(ref.id).stories[-1]["is_edited"] = True

    assert () == (await world.seen(ref)).acts


async def test_what_was_written_for_an_earlier_answer_is_not_read_again(world: AsanaWorld) -> None:
    ref = await world.orders.ticket()
    world.desk.answer(ref.key, "approve", changes="amount: 90", comment="Too much.")
    (act,) = (await world.seen(ref)).acts
    await world.connector.ask_again(ref, act, "It does not count.", counted=False)
    world.desk.answer(ref.key, "approve", comment="Fine.")
    *_, newest = (await world.seen(ref)).acts

    assert ("Fine.", (), "") == (newest.comment, newest.earlier, newest.changes)


async def test_our_own_end_is_no_answer(world: AsanaWorld) -> None:
    ref = await world.orders.ticket()
    await world.connector.close(ref, TicketOutcome.EXECUTED, "Done.")

    assert () == (await world.seen(ref)).acts
    assert "approved" == world.desk.ticket(ref.key).state
    assert f"closed {world.desk.ticket(ref.key).order}" == _field(world, ref.id)


async def test_task_that_ends_without_verdict_becomes_a_completed_one(world: AsanaWorld) -> None:
    ref, other = await world.orders.ticket(), await world.orders.ticket()
    world.desk.answer(other.key, "modify", comment="Changes:\namount: 1")
    await world.connector.close(ref, TicketOutcome.EXPIRED, "Nobody decided in time.")
    await world.connector.close(other, TicketOutcome.EXECUTED, "Done.")

    assert ("task", True) == (world.desk.ticket(ref.key).state, _completed(world, ref.id))
    assert "changes_requested" == world.desk.ticket(other.key).state


async def test_what_asana_refuses_at_the_end_is_left(world: AsanaWorld) -> None:
    ref = await world.orders.ticket()
    await world.connector.close(ref, TicketOutcome.REJECTED, "")
    world.desk.reopen(ref.key)
    world.asana.faults.fail(400, method="PUT")
    await world.connector.close(ref, TicketOutcome.REJECTED, "")

    assert "pending" == world.desk.ticket(ref.key).state


async def test_task_that_was_closed_is_not_asked_again(world: AsanaWorld) -> None:
    ref = await world.orders.ticket()
    world.desk.finish(ref.key)
    (act,) = (await world.seen(ref)).acts
    await world.connector.ask_again(ref, act, "Please answer it.", counted=False)
    asked = world.desk.ticket(ref.key).state
    await world.connector.close(ref, TicketOutcome.CANCELLED, "Called off.")
    await world.connector.ask_again(ref, act, "Please answer it.", counted=False)

    assert ("pending", "task") == (asked, world.desk.ticket(ref.key).state)


async def test_plain_task_is_completed_where_a_verdict_ends_it(world: AsanaWorld) -> None:
    ref = await world.orders.ticket()
    world.desk.update(ref.key, "sam", resource_subtype="default_task")
    for _ in range(2):
        await world.connector.close(ref, TicketOutcome.REJECTED, "Rejected in the chat.")

    assert _completed(world, ref.id)


async def test_expired_token_reads_everything(world: AsanaWorld) -> None:
    ref = await world.orders.ticket()
    first = await world.connector.fetch_decisions(None, _nobody)
    world.desk.answer(ref.key, "approve")
    world.asana.api.oldest = len(world.asana.space.events)
    page = await world.connector.fetch_decisions(first.cursor, _nobody)
    world.asana.api.oldest = 0

    assert ref.id in {seen.ref.id for seen in page.observations if seen.acts}
    assert first.cursor != page.cursor


async def test_task_that_went_while_it_was_read_is_left_out(world: AsanaWorld) -> None:
    ref, other = await world.orders.ticket(), await world.orders.ticket()
    page = await world.connector.fetch_decisions(None, _nobody)
    world.desk.answer(ref.key, "approve")
    world.desk.answer(other.key, "approve")
    world.desk.delete(ref.key)
    after = await world.connector.fetch_decisions(page.cursor, _nobody)

    assert {other.id} == {seen.ref.id for seen in after.observations}


async def _nobody(_: Sequence[str]) -> Sequence[TicketRef]:
    return []


def _field(world: AsanaWorld, gid: str) -> str:
    return world.asana.space.task(gid).texts[ORDER_FIELD]


def _completed(world: AsanaWorld, gid: str) -> bool:
    return world.asana.space.task(gid).completed
