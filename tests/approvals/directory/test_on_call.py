"""Whoever is on call when they vote decides; the schedule is asked at the vote and at the claim."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from countersign.approvals.decisions import shift_changes
from countersign.approvals.directory.linking import ScheduleRules
from countersign.approvals.errors import HeldError, NotAuthorisedError
from countersign.approvals.forms.on_call import on_call_words
from countersign.approvals.models import (
    KnownShift,
    PrincipalId,
    Request,
    RequestStatus,
    Result,
    Scope,
    Verdict,
)
from countersign.approvals.store import deliveries
from tests.approvals.directory.office import MAX_AGE, Office
from tests.doubles.clock import START
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, EVERYBODY
from tests.doubles.source import FakeSource
from tests.doubles.world import World

RULES = {
    "tools": {
        "quote": {
            "effect": "require_approval",
            "stages": [{"on_call": "payments"}],
            "deadline": "2d",
        },
        "pay": {
            "effect": "require_approval",
            "stages": [{"roles": ["controller"], "on_call": ["payments"]}],
            "deadline": "2d",
        },
    }
}
FROM = "on_call.payments"


def shift(email: str, starts_h: float, ends_h: float, **more: Any) -> KnownShift:
    """Hours from the beginning of time."""
    return KnownShift(
        id=f"{email} {starts_h}",
        person=more.pop("person", email),
        email=email,
        starts_at=START + timedelta(hours=starts_h),
        ends_at=START + timedelta(hours=ends_h),
        **more,
    )


class Rota(Office):
    """The people of the file, and one schedule."""

    def __init__(self, world: World, *shifts: KnownShift, **more: Any):
        rules = ScheduleRules(name="payments", source=FROM, zone="Europe/Berlin", **more)
        source = FakeSource(FROM, lists_everybody=False)
        source.shifts = shifts
        world.rules = RULES
        super().__init__(world, source, listed=EVERYBODY, schedules=[rules], grants={})
        self.rules.clear()
        self.directory = self.another()
        world.directory = self.directory  # type: ignore[assignment]
        world.use(RULES)

    def words(self, name: str = "payments") -> str:
        """Who is on call, as cards say it."""
        (found,) = self.directory.people().at(self.world.clock.now()).duties([name])
        return on_call_words(found)


async def test_who_is_on_call_at_the_vote_decides_and_who_was_before_does_not(
    world: World,
) -> None:
    rota = Rota(world, shift("ben@example.com", -1, 1), shift("CARA@example.com", 1, 9))
    await rota.sync()
    run = await world.begun()
    (request,) = await world.submit(run, "quote")
    await world.domain.shift_changes.run()
    waits = await world.records.waiting_for(BEN), await world.records.waiting_for(CARA)
    with pytest.raises(NotAuthorisedError) as early:
        await world.vote(request, CARA)
    world.clock.advance(hours=1)
    await rota.sync()
    await world.domain.shift_changes.run()
    with pytest.raises(NotAuthorisedError) as late:
        await world.vote(request, BEN)
    decided = await world.vote(request, CARA)
    world.clock.advance(hours=9)  # the shift is over before the call runs, which does not matter
    await rota.sync()
    run = await world.begin(run.session.id)
    claimed = await world.runs.claim(run, request.id, request.arguments)
    entries = await world.records.ledger(run.session.id)

    assert [[request.id], []] == [[each.id for each in found] for found in waits]
    assert (
        "This needs the on-call duty payments. On call for payments: Ben until "
        "2026-03-02 10:00 UTC (Mon 2 Mar 2026, 11:00 in Europe/Berlin)." == str(early.value)
    )
    assert "On call for payments: Cara until 2026-03-02 18:00 UTC" in str(late.value)
    assert RequestStatus.APPROVED is decided.status
    assert isinstance(claimed, Request)
    (voted,) = [each.body for each in entries if each.kind == "voted"]
    assert ["payments"] == voted["on_call"]
    shown = [each.body for each in entries if each.kind == "on_call"]
    assert [["ben"], ["cara"]] == [each["people"] for each in shown]
    assert ["person:ben", "person:cara"] == await targets(world, request)


async def targets(world: World, request: Request) -> list[str]:
    """To whom it is shown."""
    found = await world.store.read(lambda c: deliveries.of_request(c, request.id))
    return sorted(each.target for each in found)


async def test_a_shift_that_was_taken_back_for_that_time_takes_its_vote_along(
    world: World,
) -> None:
    rota = Rota(world, shift("ben@example.com", -1, 5))
    await rota.sync()
    run = await world.begun()
    (request,) = await world.submit(run, "quote")
    await world.vote(request, BEN)
    rota.source.shifts = (shift("cara@example.com", -1, 5),)
    await rota.sync()
    run = await world.begin(run.session.id)
    claimed = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(claimed, Result)
    assert "Ben, who approved this at 2026-03-02 09:00 UTC, was not on call for payments then" in (
        claimed.message
    )


async def test_a_schedule_that_was_read_too_long_ago_lets_nobody_decide_and_nothing_run(
    world: World,
) -> None:
    rota = Rota(world, shift("ben@example.com", -1, 500))
    unread = rota.directory.people().at(START).schedule_outdated("payments", START)
    await rota.sync()
    run = await world.begun()
    (request,) = await world.submit(run, "quote")
    (other,) = await world.asked("pay")
    await world.vote(request, BEN)
    world.clock.advance(MAX_AGE.total_seconds() + 1)
    with pytest.raises(NotAuthorisedError) as refused:
        await world.vote(other, BEN)
    run = await world.begin(run.session.id)
    with pytest.raises(HeldError) as held:
        await world.runs.claim(run, request.id, request.arguments)
    by_role = await world.vote(other, DAVE)  # who is asked without it
    said = rota.words()
    await rota.sync()
    claimed = await world.runs.claim(run, request.id, request.arguments)

    assert "The schedule payments was not read yet." == unread
    assert "The schedule payments was last read at 2026-03-02 09:00 UTC" in str(refused.value)
    assert "It runs once that directory has been read again." in str(held.value)
    assert RequestStatus.APPROVED is by_role.status
    assert "Nobody can decide by it before it has been read." in said
    assert isinstance(claimed, Request)


async def test_while_nobody_is_on_call_the_others_are_asked_and_that_is_said(
    world: World,
) -> None:
    night = shift("ben@example.com", 8, 16)
    rota = Rota(world, night, otherwise=frozenset({"controller"}))
    await rota.sync()
    (request,) = await world.asked("quote")
    with capture_logs() as logs:
        await world.domain.shift_changes.run()
        await world.domain.shift_changes.run()  # once
    said = rota.words()
    view = await world.records.view(request.id)
    decided = await world.vote(request, DAVE)
    after = await world.records.view(request.id)

    assert ["warning"] == [
        each["log_level"] for each in logs if each["event"] == "shift has changed"
    ]
    assert (
        "Nobody is on call for payments now, so controller is asked instead. Ben is from "
        "2026-03-02 17:00 UTC (Mon 2 Mar 2026, 18:00 in Europe/Berlin)." == said
    )
    assert [DAVE.id] == [person.id for person in view.eligible]
    assert [("controller",)] == [each.otherwise for each in view.on_call]
    assert RequestStatus.APPROVED is decided.status
    assert () == after.on_call


async def test_nobody_on_call_and_nobody_else_is_told_and_ends_with_the_next_shift(
    world: World,
) -> None:
    rota = Rota(world, shift("ben@example.com", -1, 1), shift("ben@example.com", 8, 16))
    await rota.sync()
    (request,) = await world.asked("quote")
    kinds = []
    for hours in (0, 1, 7):
        world.clock.advance(hours=hours)
        await rota.sync()
        await world.domain.shift_changes.run()
        kinds.append(await world.kinds(request.session_id))
    world.clock.advance(hours=8)
    await rota.sync()
    (refused,) = await world.asked("quote")  # nobody could decide it

    assert "nobody_left" not in kinds[0]
    assert "nobody_left" in kinds[1]
    assert "somebody_again" in kinds[2]
    assert RequestStatus.REJECTED is refused.status
    assert refused.result is not None
    assert "Nobody is on call for payments now." in refused.result.message


async def test_somebody_who_is_on_call_again_decides(world: World) -> None:
    rota = Rota(world, shift("ben@example.com", -1, 1), shift("ben@example.com", 8, 16))
    await rota.sync()
    (request,) = await world.asked("quote")
    world.clock.advance(hours=8)
    await rota.sync()

    assert RequestStatus.APPROVED is (await world.vote(request, BEN)).status


async def test_whoever_the_schedule_names_and_nobody_knows_is_named(world: World) -> None:
    rota = Rota(world, shift("zed@elsewhere.org", -1, 5, name="Zed"))
    await rota.sync()

    assert (
        "Zed is on call for payments until 2026-03-02 14:00 UTC (Mon 2 Mar 2026, 15:00 in "
        "Europe/Berlin), but is not known here. Nobody who is known here is on call for payments "
        "now." == rota.words()
    )

    named = {"zed": PrincipalId("erin"), "gone": PrincipalId("nobody")}
    rota = Rota(world, shift("", -1, 5, name="Zed"), shift("x", -1, 5, person="Gone"), people=named)
    await rota.sync()

    assert rota.words().startswith("On call for payments: Erin until")
    assert "x is on call for payments" in rota.words()


async def test_a_schedule_that_knows_people_by_another_identity_means_those_who_have_it(
    world: World,
) -> None:
    """An address that it tells as well decides nothing."""
    ben, cara = BEN.identities["jira"], "cara@example.com"
    by_id = shift("", -1, 5, person=ben.upper()), shift(cara, -1, 5, person="712020:zed")
    rota = Rota(world, *by_id, identity="jira")
    await rota.sync()

    assert rota.words().startswith("On call for payments: Ben until")
    assert "cara@example.com is on call for payments" in rota.words()


async def test_shifts_that_overlap_are_both_on_call_and_those_that_follow_are_one(
    world: World,
) -> None:
    rota = Rota(
        world,
        shift("ben@example.com", -2, 1),
        shift("ben@example.com", 1, 3),
        shift("ben@example.com", 2, 4),
        shift("cara@example.com", -1, 2),
    )
    await rota.sync()
    people = rota.directory.people().at(world.clock.now())

    assert [BEN.id, CARA.id] == [p.id for p in people.on_call(["payments", "other"])]
    assert (
        "On call for payments: Ben until 2026-03-02 13:00 UTC (Mon 2 Mar 2026, 14:00 in "
        "Europe/Berlin) and Cara until 2026-03-02 11:00 UTC (Mon 2 Mar 2026, 12:00 in "
        "Europe/Berlin)." == rota.words()
    )


async def test_whoever_asked_decides_nothing_although_they_are_on_call(world: World) -> None:
    rota = Rota(world, shift("anna@example.com", -1, 5), shift("cara@example.com", -1, 5))
    await rota.sync()
    (request,) = await world.asked("quote")
    view = await world.records.view(request.id)
    with pytest.raises(NotAuthorisedError, match="You asked for this yourself"):
        await world.vote(request, ANNA)

    assert (CARA,) == tuple(p.model_copy(update={"on_call": frozenset()}) for p in view.eligible)


async def test_of_requests_that_wait_those_decided_meanwhile_are_left_alone(world: World) -> None:
    rota = Rota(world, shift("ben@example.com", -1, 5))
    await rota.sync()
    requests = [(await world.asked("quote"))[0] for _ in range(2)]
    found = (await world.records.view(requests[0].id)).on_call[0]
    await world.vote(requests[0], BEN, verdict=Verdict.REJECT)
    await world.unit(lambda unit: world.domain.shift_changes._shown(unit, requests[0].id, found))

    assert "on_call" not in await world.kinds(requests[0].session_id)


async def test_more_than_one_page_is_shown_and_without_schedules_nothing_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.domain.shift_changes.run()
    rota = Rota(world, shift("ben@example.com", -1, 5))
    await rota.sync()
    requests = [(await world.asked("quote"))[0] for _ in range(2)]
    monkeypatch.setattr(shift_changes, "AT_ONCE", 1)
    await world.domain.shift_changes.run()

    assert all(["on_call" in await world.kinds(each.session_id) for each in requests])


async def test_a_role_that_is_held_for_some_calls_stands_in_for_nobody(world: World) -> None:
    some = {"controller": (Scope(tools=frozenset({"pay"})),)}
    limited = DAVE.model_copy(update={"scopes": some})
    rota = Rota(world, otherwise=frozenset({"controller"}))
    rota.listed = [ANNA, BEN, limited]
    rota.directory = rota.another()
    await rota.sync()

    assert [] == rota.directory.people().at(world.clock.now()).on_call(["payments"])


async def test_without_a_moment_nobody_is_on_call(world: World) -> None:
    rota = Rota(world, shift("ben@example.com", -1, 5))
    await rota.sync()
    people = rota.directory.people()

    assert () == people.duties(["payments"])
    assert [] == people.on_call(["payments"])
    assert "Nobody" in rota.words("payments") or "Ben" in rota.words("payments")
    assert rota.words("gone").startswith("There is no schedule gone any more.")
    assert people.was_on_call(BEN, ["payments"], START)
    assert not people.was_on_call(ERIN, ["payments"], START)
    assert not people.was_on_call(BEN, ["payments"], START - timedelta(days=9))
