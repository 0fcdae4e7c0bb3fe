"""What a message has led to, and whether it can still be taken back."""

from __future__ import annotations

import pytest

from countersign.approvals.errors import ClosedError, ProposedError
from countersign.approvals.models import SessionStatus
from countersign.approvals.tickets import ActKey
from tests.doubles.directory import ANNA, BEN, acting
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio

ACT = ActKey(channel="teams", ticket_id="chat", act_id="message-1")


async def test_session_that_has_proposed_nothing_is_taken_back(world: World) -> None:
    run = await world.begun()
    ended = await world.approvals.cancel(run.session.id, acting(ANNA), unless_proposed=True)

    assert SessionStatus.CANCELLED is ended.status
    with pytest.raises(ClosedError, match="already cancelled"):
        await world.approvals.cancel(run.session.id, acting(ANNA), unless_proposed=True)


@pytest.mark.parametrize("tool", ["look", "quote", "drop"])
async def test_session_that_has_proposed_a_call_goes_on(world: World, tool: str) -> None:
    """Also one that nobody is asked about: it may have run."""
    run = await world.begun()
    await world.submit(run, tool)
    with pytest.raises(ProposedError, match=f"{run.session.id} has proposed calls already"):
        await world.approvals.cancel(run.session.id, acting(ANNA), unless_proposed=True)
    before = (await world.records.session(run.session.id)).status
    await world.approvals.cancel(run.session.id, acting(ANNA))

    assert before in (SessionStatus.RUNNING, SessionStatus.WAITING)
    with pytest.raises(ClosedError):
        await world.approvals.cancel(run.session.id, acting(ANNA), unless_proposed=True)


async def test_session_and_answer_of_a_message_are_found(world: World) -> None:
    session = await world.runs.start(
        workflow="sales",
        workflow_version="1",
        task="Quote",
        owner=ANNA.id,
        idempotency_key="message-1",
    )
    (request,) = await world.asked()
    before = await world.records.acted(ACT)
    await world.vote(request, BEN, act=ACT)
    acted = await world.records.acted(ACT)

    assert session == await world.records.begun_with("message-1")
    assert await world.records.begun_with("message-2") is None
    assert before is None
    assert acted is not None
    assert request.id == acted.request_id
