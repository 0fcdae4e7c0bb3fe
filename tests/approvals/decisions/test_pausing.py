"""What is paused does not begin, is not lost, and goes on by itself; who did it is on record."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update

from countersign.approvals.decisions.outbox import TELL_PAUSE
from countersign.approvals.decisions.pausing import AT_ONCE
from countersign.approvals.errors import (
    ConflictError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
)
from countersign.approvals.jobs.due import due_jobs
from countersign.approvals.models import (
    Pause,
    PauseKind,
    PauseScope,
    Request,
    RequestStatus,
    Result,
    SessionStatus,
)
from countersign.approvals.rules.pausing import Known
from countersign.approvals.runs import Run
from countersign.approvals.store import pauses as pause_rows
from countersign.approvals.store.schema import notices, pauses, sessions
from tests.doubles.directory import BEN, ROOT, STRANGER, acting
from tests.doubles.world import RULES, THREAD, World

pytestmark = pytest.mark.asyncio
KNOWN: Known = {
    PauseKind.TOOL: frozenset({"quote", "pay", "look"}),
    PauseKind.WORKFLOW: frozenset({"sales"}),
    PauseKind.AGENT: frozenset({"seller"}),
}
QUOTES = PauseScope(kind=PauseKind.TOOL, name="quote")
ALL = PauseScope(kind=PauseKind.ALL)
REASON = "The price list is wrong."


async def paused(world: World, scope: PauseScope = QUOTES, reason: str = REASON) -> Pause:
    return await world.approvals.pausing.pause(scope, reason, acting(ROOT), KNOWN)


async def resumed(world: World, scope: PauseScope = QUOTES) -> Pause:
    """Ended, and the job that follows has run."""
    pause = await world.approvals.pausing.resume(scope, acting(ROOT))
    await world.approvals.pausing.tell(pause.id)
    return pause


async def claimed(world: World, run: Run, request: Request) -> Request | Result | None:
    return await world.runs.claim(run, request.id, request.arguments)


async def session_row(world: World, request: Request) -> Any:
    query = select(sessions).where(sessions.c.id == request.session_id)
    return await world.store.read(lambda c: c.execute(query).one())


@pytest.mark.parametrize(
    "scope",
    [
        QUOTES,
        PauseScope(kind=PauseKind.WORKFLOW, name="sales"),
        PauseScope(kind=PauseKind.AGENT, name="seller"),
        ALL,
    ],
    ids=lambda scope: scope.kind,
)
async def test_an_approved_call_waits_for_the_end_and_then_runs(
    world: World, scope: PauseScope
) -> None:
    run, request = await world.approved()
    pause = await paused(world, scope)
    held = await claimed(world, run, request)

    assert held is None
    waits = await world.now(request)
    assert (RequestStatus.APPROVED, None) == (waits.status, waits.result)
    row = await session_row(world, request)
    assert (pause.id, None, None) == (row.held_by, row.next_at, row.lease_until)
    assert f"paused by Root since 2026-03-02 09:00 UTC: {REASON}" == row.error
    assert await world.runs.begin(request.session_id) is None
    world.clock.advance(60)
    await resumed(world, scope)
    run = await world.begin(request.session_id)
    begun = await claimed(world, run, run.batch[0])

    assert isinstance(begun, Request)
    assert RequestStatus.EXECUTING is begun.status
    row = await session_row(world, request)
    assert (None, None) == (row.held_by, row.error)
    kinds = await world.kinds(request.session_id)
    assert ["held", "claimed"] == list(kinds[-2:])
    assert () == (await world.records.verify()).problems


@pytest.mark.parametrize("belongs", [{"tools": ["quote"]}, {"workflows": ["sales"]}], ids=str)
async def test_what_belongs_to_a_paused_domain_waits(world: World, belongs: Any) -> None:
    world.use({**RULES, "domains": {"finance": belongs, "other": {"tools": ["pay"]}}})
    world.directory.domains = world.policy.document.domains
    run, request = await world.approved()
    other, finance = (PauseScope(kind=PauseKind.DOMAIN, name=n) for n in ("other", "finance"))
    with pytest.raises(InvalidError, match="no domain 'finanec' here; did you mean finance"):
        await paused(world, PauseScope(kind=PauseKind.DOMAIN, name="finanec"))
    await paused(world, other)
    pause = await paused(world, finance)
    world.take()
    await world.approvals.pausing.tell(pause.id)
    view = await world.records.view(request.id)

    assert await claimed(world, run, request) is None
    assert [finance] == [each.scope for each in view.held]
    mine = {each.id for each in await world.records.deliveries(request.id)}
    assert mine == {job.id for job in world.take() if job.kind == "deliver"}
    await resumed(world, finance)
    run = await world.begin(request.session_id)
    assert RequestStatus.EXECUTING is (await claimed(world, run, run.batch[0])).status  # type: ignore[union-attr]


async def test_what_is_not_in_its_scope_runs(world: World) -> None:
    await paused(world, PauseScope(kind=PauseKind.TOOL, name="pay"))
    run, request = await world.approved()
    begun = await claimed(world, run, request)

    assert isinstance(begun, Request)
    assert RequestStatus.EXECUTING is begun.status


async def test_a_call_that_a_rule_allowed_waits_too(world: World) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, "look")
    await paused(world, ALL)
    held = await claimed(world, run, request)

    assert held is None
    assert RequestStatus.APPROVED is (await world.now(request)).status
    await resumed(world, ALL)
    run = await world.begin(request.session_id)
    assert RequestStatus.EXECUTING is (await claimed(world, run, run.batch[0])).status  # type: ignore[union-attr]


async def test_a_call_that_is_called_again_after_a_crash_waits_too(world: World) -> None:
    run, request = await world.executing(idempotent=True)
    await paused(world)
    world.clock.advance(60)  # the process is gone
    run = await world.begin(run.session.id)
    held = await claimed(world, run, run.batch[0])

    assert held is None
    waits = await world.now(request)
    assert (RequestStatus.EXECUTING, request.executing_epoch) == (
        waits.status,
        waits.executing_epoch,
    )
    await resumed(world)
    run = await world.begin(run.session.id)
    again = await claimed(world, run, run.batch[0])
    assert isinstance(again, Request)
    assert run.epoch == again.executing_epoch
    assert request.execution_token == again.execution_token


async def test_people_can_vote_meanwhile(world: World) -> None:
    (request,) = await world.asked()
    await paused(world)
    voted = await world.vote(request)

    assert RequestStatus.APPROVED is voted.status


async def test_an_approval_that_has_lapsed_meanwhile_is_asked_again(world: World) -> None:
    run, request = await world.approved()
    await paused(world)
    await claimed(world, run, request)
    world.clock.advance(3 * 3600)
    await resumed(world)
    run = await world.begin(request.session_id)
    again = await claimed(world, run, run.batch[0])

    assert isinstance(again, Request)
    assert (RequestStatus.PENDING, 2) == (again.status, again.revision)
    assert SessionStatus.WAITING is (await world.records.session(request.session_id)).status


async def test_two_pauses_have_to_end_both(world: World) -> None:
    run, request = await world.approved()
    await paused(world)
    world.clock.advance(1)  # the one that began first is the one that holds
    await paused(world, ALL, "Incident.")
    await claimed(world, run, request)
    await resumed(world)
    run = await world.begin(request.session_id)
    await claimed(world, run, run.batch[0])

    assert (await session_row(world, request)).error.endswith(": Incident.")
    await resumed(world, ALL)
    run = await world.begin(request.session_id)
    assert RequestStatus.EXECUTING is (await claimed(world, run, run.batch[0])).status  # type: ignore[union-attr]


async def test_who_when_and_why_are_on_the_governance_ledger(world: World) -> None:
    pause = await paused(world)
    world.clock.advance(60)
    ended = await resumed(world)
    began, end = await world.records.governance()

    who = {"by": "root", "via": "teams", "identity": "entra:oid-root"}
    what = {"pause": pause.id, "scope": {"kind": "tool", "name": "quote"}}
    assert began.kind == "pause_began"
    assert {**who, **what, "reason": REASON} == {k: began.body[k] for k in {*who, *what, "reason"}}
    assert ("pause_ended", {**who, **what}) == (end.kind, {k: end.body[k] for k in {*who, *what}})
    assert (began.at, end.at) == (pause.at, ended.ended_at)
    assert ("Root", "root", "teams") == (ended.ended_by_name, ended.ended_by, ended.ended_via)


async def test_rows_are_what_the_governance_ledger_says(world: World) -> None:
    pause = await paused(world)
    change = update(pauses).values(ended_at="2026-03-02T09:00:00.000000+00:00")
    await world.store.write(lambda c: c.execute(change))

    problem = (
        f"the governance ledger, pauses {pause.id}, column ended_at: is not what the ledger says"
    )
    assert (problem,) == (await world.records.verify()).problems


@pytest.mark.parametrize("who", [acting(BEN), STRANGER], ids=["no admin", "a stranger"])
async def test_only_admins_may(world: World, who: Any) -> None:
    pausing = world.approvals.pausing
    pause = await paused(world)
    for attempt in (
        pausing.pause(ALL, REASON, who, KNOWN),
        pausing.resume(QUOTES, who),
        pausing.resume_by_id(pause.id, who),
    ):
        with pytest.raises(NotAuthorisedError):
            await attempt

    assert [pause] == await world.records.pauses()
    assert 1 == len(await world.records.governance())


async def test_the_policy_names_the_roles_of_admins(world: World) -> None:
    world.use({**RULES, "administrators": {"roles": ["manager"]}})
    with pytest.raises(NotAuthorisedError, match="This needs the role manager"):
        await paused(world)

    await world.approvals.pausing.pause(ALL, REASON, acting(BEN), KNOWN)


@pytest.mark.parametrize(
    ("scope", "reason", "says"),
    [
        (
            PauseScope(kind=PauseKind.TOOL, name="qoute"),
            REASON,
            "no tool 'qoute' here; did you mean quote?",
        ),
        (
            PauseScope(kind=PauseKind.WORKFLOW, name="x"),
            REASON,
            "no workflow 'x' here; there are sales.",
        ),
        (PauseScope(kind=PauseKind.AGENT, name=""), REASON, "There is no agent ''"),
        (PauseScope(kind=PauseKind.ALL, name="x"), REASON, "Everything has no name"),
        (QUOTES, "  ", "Say why"),
        (QUOTES, "x" * 501, "Say why"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    world: World, scope: PauseScope, reason: str, says: str
) -> None:
    with pytest.raises(InvalidError) as caught:
        await paused(world, scope, reason)

    assert says in str(caught.value)
    assert [] == await world.records.pauses()


async def test_it_is_paused_once_and_resumed_once(world: World) -> None:
    pausing = world.approvals.pausing
    with pytest.raises(NotFoundError, match="The tool quote is not paused; paused: nothing"):
        await pausing.resume(QUOTES, acting(ROOT))
    with pytest.raises(NotFoundError, match="There is no pause P-1"):
        await pausing.resume_by_id("P-1", acting(ROOT))
    pause = await paused(world)
    with pytest.raises(ConflictError, match="The tool quote is already paused by Root since"):
        await paused(world)
    with pytest.raises(NotFoundError, match="Everything is not paused; paused: the tool quote"):
        await pausing.resume(ALL, acting(ROOT))
    await pausing.resume_by_id(pause.id, acting(ROOT))
    with pytest.raises(ConflictError, match="It was ended by Root on 2026-03-02 09:00 UTC"):
        await pausing.resume_by_id(pause.id, acting(ROOT))
    again = await paused(world)

    assert [again] == await world.records.pauses()
    assert {pause.id, again.id} == {each.id for each in await world.records.all_pauses()}


async def test_views_and_threads_say_who_paused_it_and_why(world: World) -> None:
    run = await world.begun(THREAD)
    (request,) = await world.submit(run, "quote")
    await paused(world)
    pending = await world.records.view(request.id)
    await world.vote(request)
    run = await world.begin(request.session_id)
    await claimed(world, run, run.batch[0])
    approved = await world.records.view(request.id)
    await resumed(world)
    free = await world.records.view(request.id)

    assert [REASON] == [each.reason for each in pending.held]
    assert [REASON] == [each.reason for each in approved.held]
    assert () == free.held
    said = await world.store.read(lambda c: [row.text for row in c.execute(select(notices))])
    assert any(f"**Paused** by Root: Quote ({request.id})" in text for text in said)


async def test_a_question_is_in_no_pause(world: World) -> None:
    run = await world.begun()
    (question,) = await world.submit(run, world.question(run.session.id))
    await paused(world, ALL)
    view = await world.records.view(question.id)

    assert () == view.pauses


async def test_the_sweep_finds_what_was_not_told(world: World) -> None:
    """The doorbell is lost with the process: who waits goes on all the same."""
    run, request = await world.approved()
    pause = await paused(world)
    await claimed(world, run, request)
    now, kinds = world.clock.now(), {TELL_PAUSE}

    async def due() -> list[str]:
        return [j.id for j in await world.store.read(lambda c: due_jobs(c, now, kinds=kinds))]

    assert [pause.id] == await due()
    await world.approvals.pausing.tell(pause.id)
    assert [] == await due()
    await world.approvals.pausing.resume(QUOTES, acting(ROOT))
    assert [pause.id] == await due()
    await world.approvals.pausing.tell(pause.id)
    await world.approvals.pausing.tell(pause.id)
    assert [] == await due()
    await world.begin(request.session_id)


async def test_what_ends_while_its_beginning_is_told_is_told_too(world: World) -> None:
    pause = await paused(world)
    await world.approvals.pausing.resume(QUOTES, acting(ROOT))
    await world.store.write(lambda c: pause_rows.told(c, pause.id, pause_rows.BEGINNING))

    assert [pause.id] == await world.store.read(lambda c: pause_rows.untold(c, limit=5))


async def test_more_than_fit_into_one_transaction_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countersign.approvals.decisions.pausing.AT_ONCE", 2)
    assert AT_ONCE > 2
    waiting = [await world.approved() for _ in range(5)]
    await paused(world)
    for run, request in waiting:
        await claimed(world, run, request)
    await resumed(world)

    for _, request in waiting:
        await world.begin(request.session_id)


async def test_cards_of_what_waits_are_brought_up_to_date(world: World) -> None:
    (request,) = await world.asked("quote")
    (other,) = await world.asked("wire")
    for job in world.take():
        if job.kind == "deliver":
            await world.courier.deliver(job.id)
    pause = await paused(world)
    await world.approvals.pausing.tell(pause.id)
    rung = {job.id for job in world.take() if job.kind == "deliver"}
    mine = {each.id for each in await world.records.deliveries(request.id)}
    others = {each.id for each in await world.records.deliveries(other.id)}

    assert mine
    assert others
    assert mine == rung


async def test_nothing_begins_once_pausing_has_returned(world: World) -> None:
    """Claims and the pause at the same moment: those that came after it wait."""
    waiting = [await world.approved() for _ in range(8)]
    after: list[str] = []

    async def pause() -> None:
        await paused(world)
        begun = await world.records.requests(status=RequestStatus.EXECUTING)
        after.extend(request.id for request in begun.items)

    claims = [claimed(world, run, request) for run, request in waiting]
    await asyncio.gather(*claims[:4], pause(), *claims[4:])
    begun = await world.records.requests(status=RequestStatus.EXECUTING)

    assert set(after) == {request.id for request in begun.items}


async def test_what_waits_for_people_again_is_not_made_due_by_the_end_of_a_pause(
    world: World,
) -> None:
    """Its approval was revoked, and it is asked again, while the pause held its session."""
    run, request = await world.approved()
    await paused(world)
    assert await claimed(world, run, request) is None
    await world.approvals.revoke(request.id, acting(BEN), reason="Wrong.", ask_again=True)
    await resumed(world)
    rows = await world.store.read(lambda c: c.execute(sessions.select()).all())

    ((status, next_at, held_by),) = [(row.status, row.next_at, row.held_by) for row in rows]
    assert (SessionStatus.WAITING, None, None) == (status, next_at, held_by)
