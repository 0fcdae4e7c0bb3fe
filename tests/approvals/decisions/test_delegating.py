"""A person says who decides for them while they are away: within its time, on record, revocable."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from countersign.approvals.decisions.delegating import MOST_OPEN, Wanted
from countersign.approvals.directory.given import WithDelegations
from countersign.approvals.errors import (
    ConflictError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
)
from countersign.approvals.models import (
    GIVEN,
    Delegation,
    DelegationId,
    GivenDelegation,
    Principal,
    RequestStatus,
    Result,
)
from countersign.approvals.store import delegations as rows
from countersign.approvals.store.schema import delegations
from countersign.approvals.store.waiting import Waiting
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, ROOT, STRANGER, acting, person
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
DAY = timedelta(days=1)
DOWNTIME = "on leave"


@pytest.fixture(autouse=True)
def people(world: World) -> None:
    """What people give is known to this process."""
    world.directory = WithDelegations(world.directory, world.store)  # type: ignore[assignment]
    world.use(world.rules)


def times(world: World, starts: timedelta | None = None, ends: timedelta = DAY) -> dict[str, Any]:
    now = world.clock.now()
    return {"starts_at": None if starts is None else now + starts, "ends_at": now + ends}


async def give(
    world: World, giver: Principal = BEN, delegate: Principal = ERIN, **more: Any
) -> GivenDelegation:
    given = {**times(world), "delegate": delegate.id, "reason": DOWNTIME, **more}
    return await world.approvals.delegating.give(Wanted.model_validate(given), acting(giver))


async def told(world: World, kind: str) -> list[dict[str, Any]]:
    return [dict(e.body) for e in await world.records.governance() if e.kind == kind]


async def test_whoever_is_named_decides_under_both_names_until_its_end(world: World) -> None:
    given = await give(world)
    (request,) = await world.asked("quote")
    after = await world.vote(request, ERIN)
    (entry,) = await told(world, "delegation_given")
    run = await world.begin(request.session_id)
    claimed = await world.runs.claim(run, request.id, request.arguments)

    assert after.decision is not None
    assert "Erin for Ben" == after.decision.by_name
    assert (given.id, "ben", "erin", DOWNTIME, "teams", "entra:oid-ben") == tuple(
        entry[name] for name in ("delegation", "giver", "delegate", "reason", "via", "identity")
    )
    assert not isinstance(claimed, Result)
    assert (await world.records.verify()).verified
    (late,) = await world.asked("quote")
    world.clock.advance(DAY.total_seconds() - 60)
    (last,) = await world.asked("quote")
    world.clock.advance(60)
    with pytest.raises(NotAuthorisedError):
        await world.vote(last, ERIN)
    assert late.id != last.id


async def test_it_begins_when_it_says_and_is_about_the_roles_that_it_names(world: World) -> None:
    world.directory._directory.put(  # type: ignore[attr-defined]
        BEN.model_copy(update={"roles": frozenset({"manager", "controller"})})
    )
    await give(world, roles=("controller",), **times(world, timedelta(hours=1)))
    (request,) = await world.asked("wire")
    with pytest.raises(NotAuthorisedError):
        await world.vote(request, ERIN)
    world.clock.advance(3600)
    (quote,) = await world.asked("quote")
    with pytest.raises(NotAuthorisedError, match="needs the role manager"):
        await world.vote(quote, ERIN)

    assert RequestStatus.PENDING is (await world.vote(request, ERIN)).status


async def test_what_is_taken_back_counts_no_longer(world: World) -> None:
    given = await give(world)
    (request,) = await world.asked("quote")
    await world.vote(request, ERIN)
    ended = await world.approvals.delegating.revoke(given.id, acting(BEN))
    run = await world.begin(request.session_id)
    result = await world.runs.claim(run, request.id, request.arguments)
    (entry,) = await told(world, "delegation_revoked")
    (again,) = await world.asked("quote")

    assert ("ben", "Ben", world.clock.now()) == (
        ended.revoked_by,
        ended.revoked_by_name,
        ended.revoked_at,
    )
    assert isinstance(result, Result)
    assert "Erin for Ben, who approved this, does not stand in any more." in result.message
    assert (given.id, "ben") == (entry["delegation"], entry["by"])
    with pytest.raises(NotAuthorisedError):
        await world.vote(again, ERIN)
    with pytest.raises(ConflictError, match="Ben has revoked it on 2026"):
        await world.approvals.delegating.revoke(given.id, acting(BEN))
    assert [] == list(await world.records.delegations())
    assert [given.id] == [each.id for each in await world.records.delegations(ended=True)]


@pytest.mark.parametrize("who", [BEN, ERIN, ROOT])
async def test_the_giver_the_delegate_and_administrators_take_it_back(
    world: World, who: Principal
) -> None:
    given = await give(world)

    assert who.id == (await world.approvals.delegating.revoke(given.id, acting(who))).revoked_by


@pytest.mark.parametrize("actor", [acting(CARA), STRANGER])
async def test_nobody_else_does(world: World, actor: Any) -> None:
    given = await give(world)
    with pytest.raises(NotAuthorisedError, match="Only Ben, Erin or an administrator may"):
        await world.approvals.delegating.revoke(given.id, actor)
    with pytest.raises(NotFoundError, match="There is no delegation D-0"):
        await world.approvals.delegating.revoke("D-0", actor)
    (request,) = await world.asked("quote")

    assert RequestStatus.APPROVED is (await world.vote(request, ERIN)).status


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"delegate": "erinn"}, "there is nobody 'erinn'; did you mean erin"),
        ({"delegate": "xyz-1"}, "see `countersign people list`"),
        ({"delegate": "ben"}, "nobody stands in for themselves"),
        ({"roles": ("controller",)}, "Ben does not hold the role controller"),
        ({"reason": "x" * 201}, "reason: at most 200"),
        ({"ends": timedelta()}, "UTC is not after now"),
        ({"starts": 2 * DAY}, "UTC is not after it starts"),
        ({"starts": DAY, "ends": timedelta(days=400)}, "at most 366 days"),
    ],
)
async def test_what_cannot_be_given_is_refused(
    world: World, more: dict[str, Any], says: str
) -> None:
    when = times(world, more.get("starts"), more.get("ends", DAY))
    rest = {name: value for name, value in more.items() if name not in ("starts", "ends")}
    wanted = {"delegate": "erin", **when, **rest}
    with pytest.raises(InvalidError, match=says):
        await world.approvals.delegating.give(Wanted.model_validate(wanted), acting(BEN))

    assert [] == await told(world, "delegation_given")


async def test_strangers_and_people_without_roles_give_nothing(world: World) -> None:
    with pytest.raises(NotAuthorisedError, match="You are not known here"):
        await world.approvals.delegating.give(
            Wanted(delegate="erin", ends_at=world.clock.now() + DAY), STRANGER
        )
    with pytest.raises(InvalidError, match="Erin holds no role"):
        await give(world, ERIN, BEN)


async def test_nobody_gives_more_than_they_can_look_after(world: World) -> None:
    for _ in range(MOST_OPEN):
        await give(world)
    with pytest.raises(InvalidError, match="You have given 20 that hold or will; revoke one"):
        await give(world)


async def test_circles_are_refused_also_with_those_of_the_file(world: World) -> None:
    world.directory._directory.delegations = [  # type: ignore[attr-defined]
        Delegation(giver=CARA.id, delegate=DAVE.id)
    ]
    await give(world, BEN, CARA)
    with pytest.raises(ConflictError, match="dave → ben → cara → dave would stand in for one"):
        await give(world, DAVE, BEN)
    later = times(world, 2 * DAY, 3 * DAY)
    given = await give(world, DAVE, BEN, **later)

    assert "ben" == given.delegate  # Ben's has ended by then


async def test_two_who_give_at_once_make_no_circle(world: World) -> None:
    found = await asyncio.gather(
        give(world, BEN, DAVE), give(world, DAVE, BEN), return_exceptions=True
    )

    assert ["ConflictError", "GivenDelegation"] == sorted(type(each).__name__ for each in found)


async def test_what_another_server_was_told_counts_here_at_the_next_vote(world: World) -> None:
    (request,) = await world.asked("quote")
    other = World(world.store, world.jobs, world.clock)
    other.directory = WithDelegations(  # type: ignore[assignment]
        other.directory, world.store
    )
    other.use(world.rules)
    given = await give(other)

    assert {GIVEN: 0} == world.directory.people().revisions
    assert RequestStatus.APPROVED is (await world.vote(request, ERIN)).status
    await other.approvals.delegating.revoke(given.id, acting(BEN))
    run = await world.begin(request.session_id)
    assert isinstance(await world.runs.claim(run, request.id, request.arguments), Result)


async def test_a_delegate_is_shown_what_waits_once_they_stand_in(world: World) -> None:
    (request,) = await world.asked("quote")
    (other,) = await world.asked(world.question((await world.start()).id))
    await world.vote(other, ANNA, comment="Yes.")
    given = await give(world, **times(world, timedelta(minutes=30)))
    assert not [job for job in world.take() if job.kind == "delegate"]
    world.clock.advance(1800)
    (due,) = [
        DelegationId(id_) for id_ in await world.store.read(lambda c: _untold(c, world.clock.now()))
    ]
    await world.approvals.delegating.tell(due)
    await world.approvals.delegating.tell(due)
    targets = {d.target for d in await world.records.deliveries(request.id)}
    entries = [e for e in await world.records.ledger(request.session_id) if e.kind == "delegated"]

    assert given.id == due
    assert "person:erin" in targets
    assert {"delegation": due, "giver": "ben", "delegate": "erin"}.items() <= entries[
        0
    ].body.items()
    assert [] == await world.store.read(lambda c: _untold(c, world.clock.now()))
    assert (await world.records.verify()).verified


def _untold(connection: Connection, now: datetime) -> list[DelegationId]:
    return rows.untold(connection, now, limit=5)


async def test_one_that_is_over_or_of_nobody_shows_nothing(world: World) -> None:
    (request,) = await world.asked("quote")
    given = await give(world)
    world.directory._directory.remove("ben")  # type: ignore[attr-defined]
    await world.approvals.delegating.tell(given.id)
    await world.approvals.delegating.tell("D-0")

    assert "person:erin" not in {d.target for d in await world.records.deliveries(request.id)}


async def test_one_that_was_taken_back_or_is_decided_shows_nothing(world: World) -> None:
    (request,) = await world.asked("quote")
    given = await give(world)
    await world.approvals.delegating.revoke(given.id, acting(BEN))
    await world.approvals.delegating.tell(given.id)

    assert "person:erin" not in {d.target for d in await world.records.deliveries(request.id)}
    assert "delegated" not in await world.kinds(request.session_id)


async def test_what_is_decided_while_it_is_told_is_not_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (request,) = await world.asked("quote")
    given = await give(world)
    await world.vote(request, CARA)
    monkeypatch.setattr(Waiting, "first", lambda *_, **__: [request])
    await world.approvals.delegating.tell(given.id)

    assert "delegated" not in await world.kinds(request.session_id)


async def test_a_changed_row_is_found(world: World) -> None:
    await give(world, delegate=person("Erin"))
    await world.store.write(
        lambda c: c.execute(delegations.update().values(ends_at="2027-01-01T00:00:00.000000+00:00"))
    )

    assert not (await world.records.verify()).verified
