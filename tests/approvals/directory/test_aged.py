"""What a directory said too long ago lets nobody decide, and lets nothing run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from countersign.approvals.directory.synced import SyncedDirectory
from countersign.approvals.errors import HeldError, NotAuthorisedError, PeopleChangedError
from countersign.approvals.models import (
    Account,
    Actor,
    DirectoryPage,
    Membership,
    People,
    Principal,
    Reading,
    Request,
    RequestStatus,
    Result,
    Verdict,
    Via,
)
from countersign.approvals.runs import HELD
from tests.approvals.directory.office import MAX_AGE, Office
from tests.doubles.directory import BEN
from tests.doubles.world import World

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


async def staffed(world: World) -> Office:
    office = Office(world)
    office.source.add("ben", "managers")
    office.source.add("cara", "managers")
    await office.sync()
    return office


def acting(directory: SyncedDirectory, name: str) -> Actor:
    who = directory.by_id(f"entra:{name}")
    return Actor(principal=who, via=Via("teams"), identity=f"entra:{name}")


async def voted(office: Office, request: Request, name: str = "ben") -> Request:
    return await office.world.approvals.vote(
        request.id,
        acting(office.directory, name),
        verdict=Verdict.APPROVE,
        digest=request.digest,
    )


async def test_a_vote_by_what_was_said_too_long_ago_is_refused_and_counts_later(
    world: World,
) -> None:
    world.use({"tools": {"quote": {"effect": "require_approval", "roles": ["manager"]}}})
    office = await staffed(world)
    (request,) = await world.asked("quote")
    world.clock.advance(MAX_AGE.total_seconds() + 1)
    with pytest.raises(NotAuthorisedError) as refused:
        await voted(office, request)

    assert "Entra, from which Ben is known, was last read at" in str(refused.value)
    assert "Decide again once it has been read" in str(refused.value)
    assert RequestStatus.PENDING is (await world.now(request)).status

    await office.sync()

    assert RequestStatus.APPROVED is (await voted(office, request)).status


async def test_an_approval_waits_at_the_claim_and_goes_on_after_the_next_reading(
    world: World,
) -> None:
    world.use({"tools": {"quote": {"effect": "require_approval", "roles": ["manager"]}}})
    office = await staffed(world)
    run = await world.begun()
    (request,) = await world.submit(run, "quote")
    await voted(office, request)
    world.clock.advance(MAX_AGE.total_seconds() + 1)
    run = await world.begin(run.session.id)
    with pytest.raises(HeldError) as held:
        await world.runs.claim(run, request.id, request.arguments)
    await world.runs.park(run, error=str(held.value), attempts=None, waits_for=HELD)

    assert RequestStatus.APPROVED is (await world.now(request)).status
    assert await world.runs.begin(run.session.id) is None
    assert "held" in await world.kinds(run.session.id)

    await office.sync()
    run = await world.begin(run.session.id)
    claimed = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(claimed, Request)
    assert RequestStatus.EXECUTING is claimed.status


async def test_who_was_deactivated_meanwhile_has_approved_nothing(world: World) -> None:
    office = await staffed(world)
    run = await world.begun()
    (request,) = await world.submit(run, "quote")
    await voted(office, request)
    run = await world.begin(run.session.id)
    office.source.changes = [DirectoryPage(accounts=(Account(id="ben", active=False),))]
    await office.sync()
    claimed = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(claimed, Result)
    assert "Ben, who approved this, is no longer known" in claimed.message


async def test_a_process_that_has_not_looked_yet_goes_by_what_another_one_has_read(
    world: World,
) -> None:
    office = await staffed(world)
    (request,) = await world.asked("quote")
    other = office.another()
    await other.refresh()
    world.directory = other  # type: ignore[assignment]
    world.use(world.rules)
    office.source.changes = [
        DirectoryPage(memberships=(Membership(group_id="managers", member_id="ben", is_gone=True),))
    ]
    await office.sync()  # by the first process
    before = acting(other, "ben")
    with pytest.raises(NotAuthorisedError):
        await world.approvals.vote(
            request.id, before, verdict=Verdict.APPROVE, digest=request.digest
        )

    assert before.principal is not None
    assert "manager" in before.principal.roles


async def test_a_unit_gives_up_when_people_change_without_end(world: World) -> None:
    begun = []

    def work(unit: object) -> None:
        begun.append(unit)
        raise PeopleChangedError("Again.")

    with pytest.raises(PeopleChangedError):
        await world.moments.unit(world.store, work)

    assert 3 == len(begun)


def test_ages() -> None:
    named = Principal(id=BEN.id, name="Ben", directories=("entra",))
    none = People([named])
    unread = People([named], readings={"entra": Reading("Entra", None, MAX_AGE)})

    assert none.outdated(BEN, NOW) is None
    assert "Ben is known from entra, which is not read any more." == none.outdated(named, NOW)
    assert "Entra, from which Ben is known, was not read yet." == unread.outdated(named, NOW)
