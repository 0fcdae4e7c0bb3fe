"""Reminders and escalations: each once, when their time has come, while the request waits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from countersign.approvals.errors import NotAuthorisedError, UnavailableError
from countersign.approvals.forms.times import coming, next_step
from countersign.approvals.jobs.due import due_jobs
from countersign.approvals.models import (
    JsonObject,
    Request,
    RequestStatus,
    Result,
    Verdict,
)
from countersign.approvals.ports import Prompt
from tests.approvals.test_told import said
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, acting
from tests.doubles.world import QUOTE, THREAD, World

pytestmark = pytest.mark.asyncio
HOUR_S = 3600
ASK: JsonObject = {"effect": "require_approval", "roles": ["manager"], "deadline": "8h"}
REMIND = {**ASK, "remind": ["1h", "30m before"]}
ESCALATE = {**ASK, "escalate": [{"after": "2h", "roles": ["controller"]}]}
OFFICE = {"office": {"zone": "Europe/Berlin", "hours": "09:00-17:00"}}


async def asked(world: World, rule: JsonObject, **more: Any) -> Request:
    """A request under this rule, shown to everybody who may decide it."""
    world.use({"tools": {"quote": rule}, **more})
    (request,) = await world.submit(await world.begun(THREAD), "quote")
    await work(world)
    return request


async def due(world: World) -> list[str]:
    """What a sweep finds of deadlines and steps."""
    now = world.clock.now()
    jobs = await world.store.read(lambda c: due_jobs(c, now, kinds=["expire"]))
    return [job.id for job in jobs]


async def work(world: World) -> None:
    """Do all that is due or was rung for."""
    world.take()
    now = world.clock.now()
    for request_id in await due(world):
        await world.approvals.expire(request_id)
    for kind, handler in (("remind", world.courier.remind), ("deliver", world.courier.deliver)):
        jobs = await world.store.read(lambda c, of=kind: due_jobs(c, now, kinds=[of]))  # type: ignore[misc]
        for job in jobs:
            await handler(job.id)


async def later(world: World, hours: float) -> None:
    world.clock.advance(hours=hours)
    await work(world)


def prompts(world: World) -> list[tuple[str, Prompt]]:
    """What was said to whom, by number and person."""
    found = [(target, prompt) for _, target, prompt in world.channel.reminded]
    return sorted(found, key=lambda each: (each[1].number, each[0]))


def targets(world: World) -> list[str]:
    return [target for _, target in world.channel.posted]


async def entry(world: World, request: Request, kind: str) -> JsonObject:
    """The newest entry of this kind."""
    found = [e.body for e in await world.records.ledger(request.session_id) if e.kind == kind]
    return found[-1]


async def test_people_are_reminded_when_it_is_time_and_once(world: World) -> None:
    request = await asked(world, REMIND)
    await later(world, 0.9)
    early = prompts(world)
    await later(world, 0.1)
    first = prompts(world)
    await later(world, 1)
    again = prompts(world)
    await later(world, 5.5)
    body = await entry(world, request, "reminded")

    assert [] == early
    both = [("person:ben", Prompt(number=1)), ("person:cara", Prompt(number=1))]
    assert both == first == again
    assert [(who, Prompt(number=2)) for who, _ in both] == prompts(world)[2:]
    assert 2 == (await world.kinds(request.session_id)).count("reminded")
    assert ["teams person:ben", "teams person:cara"] == body["to"]
    assert "tools.quote" == body["rule"]
    assert 2 == len(world.channel.posted)
    assert (await world.records.verify()).verified


async def test_who_has_voted_is_not_reminded(world: World) -> None:
    stages = [{"roles": ["manager"], "quorum": 2}]
    rule = {**REMIND, "roles": [], "stages": stages}
    request = await asked(world, rule)
    await world.vote(request, BEN)
    await later(world, 1)

    assert ["person:cara"] == [who for who, _ in prompts(world)]


@pytest.mark.parametrize("end", ["approve", "reject", "cancel", "expire"])
async def test_what_waits_no_more_brings_nothing(world: World, end: str) -> None:
    request = await asked(world, {**REMIND, **ESCALATE})
    if end == "cancel":
        await world.approvals.cancel(request.session_id, acting(ANNA))
    elif end == "expire":
        world.clock.advance(hours=9)
        await world.approvals.expire(request.id)
    else:
        await world.vote(request, BEN, Verdict(end))
    await later(world, 3)
    kinds = await world.kinds(request.session_id)

    assert [] == prompts(world)
    assert not {"reminded", "escalated"} & set(kinds)
    assert request.id not in await due(world)


async def test_a_reminder_on_its_way_is_dropped_when_it_is_decided(world: World) -> None:
    request = await asked(world, REMIND)
    world.clock.advance(hours=1)
    await world.approvals.expire(request.id)
    (job, *_) = [job for job in world.take() if job.kind == "remind"]
    await world.vote(request, BEN)
    await world.courier.remind(job.id)
    await world.courier.remind(job.id)

    assert [] == prompts(world)


async def test_after_an_outage_one_reminder_is_enough(world: World) -> None:
    await asked(world, {**ASK, "remind": ["1h", "2h", "3h", "30m before"]})
    await later(world, 4)

    assert [("person:ben", Prompt(number=1)), ("person:cara", Prompt(number=1))] == prompts(world)


async def test_after_the_deadline_nobody_is_reminded(world: World) -> None:
    """However late it is found."""
    request = await asked(world, {**REMIND, **ESCALATE})
    await later(world, 20)

    assert RequestStatus.EXPIRED is (await world.now(request)).status
    assert [] == prompts(world)


async def test_escalation_adds_people_and_tells_all_of_them(world: World) -> None:
    request = await asked(world, ESCALATE)
    with pytest.raises(NotAuthorisedError):
        await world.vote(request, DAVE)
    await later(world, 2)
    now = await world.now(request)
    body = await entry(world, request, "escalated")
    decided = await world.vote(now, DAVE)

    assert (("manager", "controller"),) == tuple(stage.roles for stage in now.stages)
    assert request.digest == now.digest
    assert request.expires_at == now.expires_at
    assert ["person:ben", "person:cara", "person:dave"] == targets(world)
    assert [("person:ben", True), ("person:cara", True)] == [
        (who, prompt.escalated) for who, prompt in prompts(world)
    ]
    assert (["dave"], "tools.quote", False) == (body["fresh"], body["rule"], body["at_deadline"])
    assert RequestStatus.APPROVED is decided.status
    assert (await world.records.verify()).verified


async def test_what_the_escalated_approve_runs(world: World) -> None:
    request = await asked(world, ESCALATE)
    await later(world, 2)
    await world.vote(request, DAVE)
    run = await world.begin(request.session_id)
    claimed = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(claimed, Request)


async def test_escalation_is_no_change_of_the_rule(world: World) -> None:
    """Nobody is asked again for it, neither at a restart nor at a vote."""
    request = await asked(world, ESCALATE)
    await later(world, 2)
    world.use(world.rules)

    assert 0 == await world.approvals.ask_again_what_changed()
    assert 1 == (await world.now(request)).revision


async def test_quorum_and_segregation_stay(world: World) -> None:
    world.directory.set_roles("anna", "controller")
    rule = {**ESCALATE, "roles": [], "stages": [{"roles": ["manager"], "quorum": 2}]}
    request = await asked(world, rule)
    await later(world, 2)
    with pytest.raises(NotAuthorisedError, match="You asked for this yourself"):
        await world.vote(request, ANNA)
    one = await world.vote(request, DAVE)
    two = await world.vote(request, BEN)

    assert [RequestStatus.PENDING, RequestStatus.APPROVED] == [one.status, two.status]


async def test_handing_over_takes_others_out_but_not_their_votes(world: World) -> None:
    escalate = [{"after": "2h", "roles": ["controller"], "instead": True}]
    stages = [{"roles": ["manager"], "quorum": 2}]
    request = await asked(world, {**ASK, "roles": [], "stages": stages, "escalate": escalate})
    await world.vote(request, BEN)
    await later(world, 2)
    with pytest.raises(NotAuthorisedError):
        await world.vote(request, CARA)
    await world.vote(request, DAVE)
    run = await world.begin(request.session_id)
    claimed = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(claimed, Request)


async def test_who_lost_the_role_is_out_whatever_was_escalated(world: World) -> None:
    request = await asked(world, ESCALATE)
    await later(world, 2)
    await world.vote(request, DAVE)
    world.directory.set_roles("dave")
    run = await world.begin(request.session_id)
    refused = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(refused, Result)
    assert "Dave, who approved this, no longer holds the role" in refused.message


async def test_nobody_is_taken_out_if_nobody_were_left(world: World) -> None:
    world.directory.set_roles("dave")
    escalate = [{"after": "2h", "roles": ["controller"], "instead": True}]
    request = await asked(world, {**ASK, "escalate": escalate})
    await later(world, 2)
    now = await world.now(request)

    assert (("manager", "controller"),) == tuple(stage.roles for stage in now.stages)
    assert [] == (await entry(world, request, "escalated"))["fresh"]
    assert RequestStatus.APPROVED is (await world.vote(now, BEN)).status


async def test_whoever_asked_is_told_of_both(world: World) -> None:
    request = await asked(world, {**ESCALATE, "remind": ["1h"]})
    await later(world, 1)
    await later(world, 1)
    _, reminded, escalated = await said(world)

    assert reminded == (
        f"**Reminded:** Ben and Cara, of Quote ({request.id}), until 2026-03-02 17:00 UTC; if "
        "nobody decides by then, it does not run."
    )
    assert escalated == (
        f"**Escalated:** nobody has decided Quote ({request.id}), so Dave may, too.\n\n"
        f"Quote ({request.id}) waits for Ben, Cara or Dave, until 2026-03-02 17:00 UTC; if nobody "
        "decides by then, it does not run."
    )


async def test_edit_keeps_those_who_were_asked_later(world: World) -> None:
    request = await asked(world, {**REMIND, **ESCALATE})
    await later(world, 2)
    revised = await world.vote(request, DAVE, Verdict.MODIFY, arguments={**QUOTE, "amount": 50})

    assert RequestStatus.APPROVED is revised.status
    assert ("manager", "controller") == revised.stages[0].roles
    assert revised.timing is not None
    assert 1 == len(revised.timing.escalated)
    assert ["remind"] == [step.kind for step in revised.timing.steps]


async def test_edit_under_another_rule_begins_with_its_people(world: World) -> None:
    small = {"id": "small", "tool": "quote", "when": "args.amount <= 60.0", **ESCALATE}
    rest = {"id": "rest", "tool": "quote", **ASK, "roles": ["manager", "controller"]}
    world.use({"rules": [small, rest]})
    run = await world.begun()
    (request,) = await world.submit(
        run, world.proposal(run.session.id, "quote", {"customer": "C", "amount": 10.0})
    )
    revised = await world.vote(
        request, BEN, Verdict.MODIFY, arguments={"customer": "C", "amount": 100.0}
    )

    assert "rest" == revised.rule_id
    assert revised.timing is None
    assert revised.next_step_at is None


async def test_other_reminders_by_todays_rule_ask_nobody_again(world: World) -> None:
    request = await asked(world, REMIND)
    await later(world, 1)
    world.use(
        {"tools": {"quote": {**ASK, "remind": ["30m", "3h"], "escalate": ESCALATE["escalate"]}}}
    )
    count = await world.approvals.ask_again_what_changed()
    now = await world.now(request)
    body = await entry(world, request, "planned_again")
    again = await world.approvals.ask_again_what_changed()

    assert (0, 0, 1) == (count, again, now.revision)
    assert now.timing is not None
    assert ["escalate", "remind"] == [step.kind for step in now.timing.steps]
    assert 2 == len(body["steps"])
    assert 1 == (await world.kinds(request.session_id)).count("planned_again")
    assert (await world.records.verify()).verified


async def test_what_is_due_right_now_is_not_lost_by_planning_again(world: World) -> None:
    request = await asked(world, REMIND)
    world.clock.advance(hours=1)
    world.use({"tools": {"quote": {**REMIND, "reason": "Another text."}}})
    await world.approvals.ask_again_what_changed()
    await work(world)

    assert 2 == len(prompts(world))
    assert "planned_again" not in await world.kinds(request.session_id)


async def test_rule_without_reminders_takes_them_away_and_one_with_them_brings_them(
    world: World,
) -> None:
    request = await asked(world, REMIND)
    world.use({"tools": {"quote": ASK}})
    await world.approvals.ask_again_what_changed()
    without = await world.now(request)
    await later(world, 1)
    nobody = prompts(world)
    world.use({"tools": {"quote": {**ASK, "remind": ["2h"]}}})
    await world.approvals.ask_again_what_changed()
    await later(world, 1)

    assert without.next_step_at is None
    assert [] == nobody
    assert 2 == len(prompts(world))


async def test_reminders_reach_who_was_asked_by_a_rule_without_any(world: World) -> None:
    """Until when they can decide, and where that is told, stays as it was shown."""
    request = await asked(world, ASK)
    business = {"business": "8h", "calendar": "office"}
    rule = {**ASK, "deadline": business, "remind": ["2h"]}
    world.use({"tools": {"quote": rule}, "calendars": OFFICE})
    await world.approvals.ask_again_what_changed()
    now = await world.now(request)
    await later(world, 2)

    assert request.timing is None
    assert now.timing is not None
    assert (None, "") == (now.timing.rule.deadline_calendar, now.timing.zone)
    assert (1, request.expires_at) == (now.revision, now.expires_at)
    assert ["person:ben", "person:cara"] == [who for who, _ in prompts(world)]


async def test_what_is_decided_meanwhile_is_not_planned_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await asked(world, REMIND)
    world.use({"tools": {"quote": {**ASK, "remind": ["2h"]}}})
    unit = world.store.unit

    async def late(*work: Any) -> Any:
        monkeypatch.undo()
        await world.vote(request, BEN)
        return await unit(*work)

    monkeypatch.setattr(world.store, "unit", late)
    await world.approvals.ask_again_what_changed()
    now = await world.now(request)

    assert (RequestStatus.APPROVED, request.timing) == (now.status, now.timing)
    assert "planned_again" not in await world.kinds(request.session_id)


async def test_what_comes_next_is_told_while_it_waits(world: World) -> None:
    request = await asked(world, {**REMIND, **ESCALATE})
    step, words = next_step(request), coming(request)
    decided = await world.vote(request, BEN)

    assert step is not None
    assert ("remind", request.next_step_at) == (step.kind, step.at)
    assert "If nobody decides, controller is asked as well from 2026-03-02 11:00 UTC." == words
    assert (None, "") == (next_step(decided), coming(decided))


async def test_of_reminders_alone_nobody_is_told_to_come(world: World) -> None:
    assert "" == coming(await asked(world, REMIND))


async def test_a_rule_that_asks_nobody_any_more_plans_nothing(world: World) -> None:
    request = await asked(world, REMIND)
    world.use({"tools": {"quote": "allow"}})
    await world.approvals.ask_again_what_changed()

    assert request.timing == (await world.now(request)).timing


async def test_request_that_is_asked_again_begins_anew(world: World) -> None:
    request = await asked(world, ESCALATE)
    await later(world, 2)
    world.use({"tools": {"quote": {**ESCALATE, "risk": "high"}}})
    await world.approvals.ask_again_what_changed()
    now = await world.now(request)

    assert 2 == now.revision
    assert ("manager",) == now.stages[0].roles
    assert now.timing is not None
    assert (now.timing.escalated, 1) == ((), len(now.timing.steps))


async def test_a_clock_that_was_ahead_has_planned_too_late(world: World) -> None:
    world.clock.advance(hours=24)
    request = await asked(world, {**REMIND, **ESCALATE})
    world.clock.set_back(24 * HOUR_S)
    await work(world)
    await later(world, 1)
    first = len(prompts(world))
    await later(world, 1)

    assert 2 == first
    assert "escalated" in await world.kinds(request.session_id)


async def test_a_clock_that_was_ahead_sets_no_deadline_where_the_rule_has_none(
    world: World,
) -> None:
    world.clock.advance(hours=24)
    rule = {"effect": "require_approval", "roles": ["manager"], "remind": ["1h"]}
    request = await asked(world, rule)
    world.clock.set_back(24 * HOUR_S)
    await work(world)
    await later(world, 1)

    assert (await world.now(request)).expires_at is None
    assert "clock_corrected" in await world.kinds(request.session_id)
    assert ["person:ben", "person:cara"] == [who for who, _ in prompts(world)]


async def test_a_clock_that_is_set_back_reminds_nobody_twice(world: World) -> None:
    await asked(world, REMIND)
    await later(world, 1)
    world.clock.set_back(1800)
    await later(world, 0.5)
    await later(world, 0.1)

    assert 2 == len(prompts(world))


async def test_two_servers_that_find_it_due_do_it_once(world: World) -> None:
    request = await asked(world, {**REMIND, **ESCALATE})
    other = world.composed()
    for _ in range(2):
        world.clock.advance(hours=1)
        servers = (world.approvals, other.approvals) * 5
        await asyncio.gather(*(server.expire(request.id) for server in servers))
    reminders = [job.id for job in world.take() if job.kind == "remind"]
    await asyncio.gather(
        *(c.remind(job) for job in reminders for c in (world.courier, other.courier))
    )
    kinds = await world.kinds(request.session_id)

    assert (1, 1) == (kinds.count("reminded"), kinds.count("escalated"))
    assert len(reminders) == len(set(reminders)) == len(prompts(world)) == 4
    assert (await world.records.verify()).verified


async def test_a_reminder_that_cannot_be_sent_is_tried_again(world: World) -> None:
    await asked(world, REMIND)
    world.channel.failures.append(UnavailableError("Away."))
    await later(world, 1)
    first = len(prompts(world))
    await later(world, 0.1)

    assert (1, 2) == (first, len(prompts(world)))


async def test_times_by_a_calendar_are_told_where_it_is(world: World) -> None:
    """Asked on a Monday at ten in Berlin, in winter."""
    deadline = {"business": "8h", "calendar": "office"}
    request = await asked(world, {**ASK, "deadline": deadline}, calendars=OFFICE)
    (text,) = await said(world)

    assert request.timing is not None
    assert "Europe/Berlin" == request.timing.zone
    assert "until 2026-03-03 09:00 UTC (Tue 3 Mar 2026, 10:00 in Europe/Berlin)" in text


async def test_approval_holds_in_business_hours(world: World) -> None:
    """Approved at ten on Monday, it holds until twelve on Tuesday, not longer."""
    valid = {"business": "10h", "calendar": "office"}
    world.use({"tools": {"quote": {**ASK, "approval_valid_for": valid}}, "calendars": OFFICE})
    for hours, runs in ((26, True), (27, False)):
        run, request = await world.approved()
        await world.runs.release(run)
        begun_at = world.clock.now()
        world.clock.advance(hours=hours)
        run = await world.begin(request.session_id)
        claimed = await world.runs.claim(run, request.id, request.arguments)
        world.clock.set_back((world.clock.now() - begun_at).total_seconds())

        assert isinstance(claimed, Request)
        assert (claimed.status is RequestStatus.EXECUTING) is runs
        if not runs:
            assert "not carried out within 10 business hours of office" in claimed.asked_again
