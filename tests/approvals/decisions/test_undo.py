"""Undos: who may have what was done taken back, when, and how often."""

from __future__ import annotations

import asyncio

import pytest

from countersign.approvals.errors import (
    InvalidError,
    LostLeaseError,
    NotAuthorisedError,
    NotUndoableError,
    PreconditionFailedError,
)
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import (
    Cause,
    Injected,
    Principal,
    Request,
    RequestStatus,
    Result,
    Session,
    Undone,
    UndoOffer,
    UndoState,
    Verdict,
)
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.directory import ANNA, BEN, CARA, ERIN, ROOT, STRANGER, acting
from tests.doubles.world import QUOTE, World

OFFER = UndoOffer(tool="quote", executor="gatekeeper", arguments=QUOTE, within_s=3600)


async def executed(world: World, tool: str = "quote", undo: UndoOffer | None = OFFER) -> Request:
    """What was done, and what would take it back."""
    run = await world.begun()
    (request,) = await world.submit(run, tool)
    if request.status is RequestStatus.PENDING:
        await world.vote(request)
        run = await world.begin(run.session.id)
    await world.runs.claim(run, request.id, request.arguments)
    await world.runs.finish(run, request.id, ok=True, content="Q-1", undo=undo)
    return await world.now(request)


async def undo(world: World, request: Request, who: Principal | None = BEN) -> Session:
    person = STRANGER if who is None else acting(who)
    return await world.approvals.undo(request.id, person, reason=" The wrong one. ")


async def asked(world: World, session: Session, tool: str = "quote") -> Request:
    """The request of an undo, as the session manager hands it in."""
    run = await world.begin(session.id)
    assert (await world.runs.undone_by(session)).undo == OFFER.model_copy(
        update={"until": (await world.runs.undone_by(session)).undo.until}  # type: ignore[union-attr]
    )
    (request,) = await world.submit(run, tool)
    return await world.now(request)


async def state(world: World, request: Request) -> list[UndoState]:
    return [each.state for each in (await world.records.view(request.id)).undos]


async def sound(world: World) -> bool:
    found = await world.records.verify()
    assert found.verified, found.problems
    return True


async def test_the_act_is_a_vote_and_the_undo_runs_once(world: World) -> None:
    request = await executed(world)
    session = await undo(world, request)

    assert (session.undoes, session.owner, session.workflow) == (request.id, ANNA.id, "sales")
    assert session.task == f"Undo Quote ({request.id}): The wrong one."
    assert await state(world, request) == [UndoState.UNDER_WAY]
    with pytest.raises(NotUndoableError, match="Ben has it undone already; that is under way"):
        await undo(world, request, CARA)

    again = await asked(world, session)
    assert again.status is RequestStatus.APPROVED
    assert again.requester == ANNA.id
    assert again.decision is not None
    assert (again.decision.by, again.decision.comment) == (BEN.id, "The wrong one.")
    (vote,) = await world.records.votes(again.id)
    assert (vote.principal_id, vote.via) == (BEN.id, acting(BEN).via)

    run = await world.begin(session.id)
    await world.runs.claim(run, again.id, again.arguments)
    await world.runs.finish(run, again.id, ok=True, content="gone")
    ending = Ending(cause=SessionCause.ANSWERED, answer="gone")
    await world.runs.complete(run, state=NOTHING_SAID, ending=ending)

    assert await state(world, request) == [UndoState.UNDONE]
    with pytest.raises(NotUndoableError, match=f"undone already, for Ben \\(request {again.id}"):
        await undo(world, request)
    ledger = await world.records.ledger(request.session_id)
    assert [e.kind for e in ledger][-2:] == ["undo_asked", "undo_ended"]
    assert ledger[-1].body["undo"] == again.id
    assert ledger[-1].body["status"] == RequestStatus.EXECUTED
    assert await sound(world)


@pytest.mark.parametrize(
    ("who", "tool", "said"),
    [
        (None, "quote", "You are not known here"),
        (ANNA, "quote", "You asked for this yourself"),
        (ERIN, "quote", "This needs"),
        (BEN, "look", "only who asked for it, or an administrator"),
    ],
)
async def test_others_are_refused_and_that_is_on_the_ledger(
    who: Principal | None, tool: str, said: str, world: World
) -> None:
    request = await executed(world, tool)
    with pytest.raises(NotAuthorisedError, match=said):
        await undo(world, request, who)

    assert (await world.kinds(request.session_id))[-1] == "undoing_refused"
    assert await state(world, request) == []


@pytest.mark.parametrize("who", [ANNA, ROOT])
async def test_what_a_rule_let_run_is_undone_by_who_asked_or_an_admin(
    who: Principal, world: World
) -> None:
    """Who asked for it cannot approve the undo as well, if that needs somebody."""
    session = await undo(world, await executed(world, "look"), who)
    request = await asked(world, session)

    assert request.status is RequestStatus.PENDING
    assert [] == await world.records.votes(request.id)
    assert RequestStatus.APPROVED is (await world.vote(request, BEN)).status
    assert await sound(world)


async def test_a_rule_that_wants_more_people_waits_for_them(world: World) -> None:
    session = await undo(world, await executed(world))
    request = await asked(world, session, "wire")

    assert request.status is RequestStatus.PENDING
    assert [vote.principal_id for vote in await world.records.votes(request.id)] == [BEN.id]
    assert RequestStatus.APPROVED is (await world.vote(request, CARA)).status


@pytest.mark.parametrize("lost", ["roles", "all"])
async def test_an_act_of_who_may_no_more_waits_for_others(lost: str, world: World) -> None:
    session = await undo(world, await executed(world))
    if lost == "all":
        world.directory.remove(BEN.id)
    else:
        world.directory.set_roles(BEN.id)
    request = await asked(world, session)

    assert request.status is RequestStatus.PENDING
    assert [] == await world.records.votes(request.id)
    assert ("vote_refused" in await world.kinds(session.id)) is (lost == "roles")


async def test_an_act_whose_reason_is_longer_than_a_comment_may_be_waits(world: World) -> None:
    """A vote that cannot be meant like that counts for nobody, and breaks nothing."""
    session = await undo(world, await executed(world))
    world.directory.put(BEN)
    run = await world.begin(session.id)
    (request,) = await world.submit(run, world.question(session.id))

    assert request.status is RequestStatus.PENDING


async def test_the_counterparty_has_nothing_undone(world: World) -> None:
    rule = {"effect": "require_approval", "roles": ["manager"], "counterparty": "args.customer"}
    world.use({"tools": {"quote": rule}, "reversibility": {"quote": "reversible"}})
    run = await world.begun()
    to_cara = {"customer": "cara@example.com", "amount": 1}
    (request,) = await world.submit(run, world.proposal(run.session.id, "quote", to_cara))
    await world.vote(request)
    run = await world.begin(run.session.id)
    await world.runs.claim(run, request.id, request.arguments)
    await world.runs.finish(run, request.id, ok=True, content="Q-1", undo=OFFER)

    with pytest.raises(NotAuthorisedError, match="You are the counterparty of this call"):
        await undo(world, request, CARA)


async def test_a_check_that_says_no_stops_what_a_rule_allows_as_well(world: World) -> None:
    session = await undo(world, await executed(world, "look"), ANNA)
    run = await world.begin(session.id)
    (request,) = await world.submit(run, "look")
    changed = PreconditionFailedError("The record has changed.")
    result = await world.runs.claim(run, request.id, request.arguments, changed)

    assert isinstance(result, Result)
    assert (result.cause, result.message) == (
        Cause.PRECONDITION,
        "The record has changed. It was approved, and nothing was run.",
    )


async def test_only_what_was_executed_and_has_an_undo_is_undone(world: World) -> None:
    waits = (await world.asked("quote"))[0]
    with pytest.raises(NotUndoableError, match="is pending; only what was executed"):
        await undo(world, waits)
    plain = await executed(world, undo=None)
    with pytest.raises(NotUndoableError, match="Nothing is known that would take back Quote"):
        await undo(world, plain)


@pytest.mark.parametrize(
    "offered",
    [
        OFFER.model_copy(update={"arguments": {**QUOTE, "discount": 0}}),
        OFFER.model_copy(update={"arguments": {}}),
    ],
)
async def test_what_whoever_asked_has_not_read_waits_for_a_vote(
    offered: UndoOffer, world: World
) -> None:
    """The tool fills in more, or other values, than stood beside the button."""
    request = await executed(world, undo=offered)
    session = await undo(world, request)
    run = await world.begin(session.id)
    (asking,) = await world.submit(run, "quote")

    assert RequestStatus.PENDING is (await world.now(asking)).status
    assert [] == list(await world.records.votes(asking.id))


async def test_what_the_workflow_sets_beside_it_has_not_been_read(world: World) -> None:
    session = await undo(world, await executed(world))
    run = await world.begin(session.id)
    sets = world.proposal(session.id, "quote", injected=(Injected(name="account", value="7"),))
    (asking,) = await world.submit(run, sets)

    assert RequestStatus.PENDING is (await world.now(asking)).status


async def test_after_its_time_it_is_refused(world: World) -> None:
    request = await executed(world)
    world.clock.advance(3600)
    with pytest.raises(NotUndoableError, match="It could be undone until"):
        await undo(world, request)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 4_001])
async def test_a_reason_is_given(reason: str, world: World) -> None:
    request = await executed(world)
    with pytest.raises(InvalidError, match="why this has to be undone"):
        await world.approvals.undo(request.id, acting(BEN), reason=reason)


async def test_an_undo_that_was_turned_down_can_be_asked_for_again(world: World) -> None:
    request = await executed(world)
    first = await undo(world, request)
    asking = await asked(world, first, "wire")
    turned = await world.vote(asking, CARA, Verdict.REJECT, comment="It is right.")
    assert await state(world, request) == [UndoState.NOT_UNDONE]

    await world.approvals.cancel(first.id, acting(ANNA))
    assert (await world.kinds(request.session_id))[-1] == "undo_ended"
    world.clock.advance(1)
    second = await undo(world, request, CARA)
    assert await state(world, request) == [UndoState.NOT_UNDONE, UndoState.UNDER_WAY]
    await world.approvals.cancel(second.id, acting(ANNA))

    view = await world.records.view(request.id)
    assert [each.state for each in view.undos] == [UndoState.NOT_UNDONE] * 2
    assert [each.why_not for each in view.undos] == ["It is right.", "Cancelled by Anna."]
    assert [each.by for each in view.undos] == ["Ben", "Cara"]
    assert turned.status is RequestStatus.REJECTED
    assert await sound(world)


async def test_an_undo_in_doubt_is_looked_into_first(world: World) -> None:
    request = await executed(world)
    session = await undo(world, request)
    again = await asked(world, session)
    run = await world.begin(session.id)
    await world.runs.claim(run, again.id, again.arguments)
    await world.runs.unknown(run, again.id, message="The line broke.")
    with pytest.raises(NotUndoableError, match="not known whether it was undone for Ben"):
        await undo(world, request, CARA)

    await world.approvals.resolve(again.id, acting(CARA), happened=False, note="It is there.")
    assert await state(world, request) == [UndoState.NOT_UNDONE]
    assert (await undo(world, request, CARA)).undoes == request.id


async def test_of_two_at_once_one_has_it_undone(world: World) -> None:
    request = await executed(world)
    both = await asyncio.gather(
        undo(world, request, BEN), undo(world, request, CARA), return_exceptions=True
    )

    assert [type(each) for each in both].count(NotUndoableError) == 1
    assert len(await state(world, request)) == 1


async def test_an_error_offers_nothing(world: World) -> None:
    run, request = await world.executing()
    await world.runs.finish(run, request.id, ok=False, content="no", undo=OFFER)
    assert (await world.now(request)).undo is None


async def test_an_outcome_that_came_too_late_for_its_lease_keeps_its_undo(world: World) -> None:
    run, request = await world.executing()
    world.clock.advance(100)
    with pytest.raises(LostLeaseError):
        await world.runs.finish(run, request.id, ok=True, content="Q-1", undo=OFFER)
    assert (await world.now(request)).undo is not None


def test_an_attempt_of_which_nothing_is_said(one: Undone) -> None:
    """Rows in which the words were erased still say how it stands."""
    assert (one.by, one.why_not, one.state) == ("somebody", "", UndoState.UNDER_WAY)


@pytest.fixture
def one() -> Undone:
    session = {
        "id": "S-1", "workflow": "w", "workflow_version": "1", "task": "t", "owner": "anna",
        "status": "running", "conversation": None, "created_at": "2026-03-02T09:00:00Z",
        "updated_at": "2026-03-02T09:00:00Z", "undoes": "R-1",
    }  # fmt: skip
    return Undone(session=Session.model_validate(session), request=None)
