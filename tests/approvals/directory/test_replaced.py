"""Directories that are others from now on, while a server runs and another has not yet heard."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign.approvals.directory.given import WithDelegations
from countersign.approvals.store import directories as rows
from tests.approvals.directory.office import EVERY, PLAN, Office
from tests.doubles.directory import BEN, CARA, FakeDirectory
from tests.doubles.source import FakeSource
from tests.doubles.world import World, opened

pytestmark = pytest.mark.asyncio


class Counted(FakeSource):
    """Counts how often it was let go of."""

    closed = 0

    async def close(self) -> None:
        self.closed += 1


async def test_the_next_reading_is_by_the_others_and_of_all(world: World) -> None:
    before, after = Counted(), Counted()
    before.add("ben", "managers")
    after.add("cara", "managers")
    office = Office(world, before)
    await office.sync()
    await office.syncing.replace([after], PLAN, "2")
    await office.syncing.run()
    await office.syncing.close()
    world.clock.advance(EVERY.total_seconds())
    await office.syncing.run()  # there is none any more

    assert [None] == before.asked
    assert [None] == after.asked
    assert ["entra:cara"] == office.names("manager")
    assert (1, 1) == (before.closed, after.closed)


async def test_what_is_just_being_read_counts_no_more_and_is_let_go_of_at_its_end(
    world: World,
) -> None:
    before, after = Counted(), Counted()
    before.add("ben", "managers")
    after.add("cara", "managers")
    office = Office(world, before)
    seen: list[int] = []

    async def replace() -> None:
        await office.syncing.replace([after], PLAN, "2")
        seen.append(before.closed)

    before.between = replace
    await office.sync()
    nobody = office.names("manager")
    await office.syncing.run()

    assert ([0], 1) == (seen, before.closed)
    assert ([], ["entra:cara"]) == (nobody, office.names("manager"))


async def test_whoever_has_read_its_file_later_reads_unless_it_does_not_for_long(
    world: World,
) -> None:
    office = Office(world)
    office.source.add("ben", "managers")
    await office.sync()
    another = office.job()
    await another.know("2")
    await office.syncing.run()
    left_to_it = list(office.source.asked)
    world.clock.advance(EVERY.total_seconds())
    await office.syncing.run()  # the other one has died
    alone = list(office.source.asked)
    await another.know("2")
    await another.run()

    assert [None] == left_to_it
    assert [None, None] == alone
    assert [None, None, None] == office.source.asked


async def test_what_people_have_given_stays_when_others_are_known(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        directory = WithDelegations(FakeDirectory([BEN]), world.store)
        before = directory.people()
        directory.follow(FakeDirectory([BEN, CARA]))

    assert None is before.by_id(CARA.id)
    assert CARA == directory.people().by_id(CARA.id)
    assert CARA == directory.by_id(CARA.id)


async def test_a_reading_is_begun_by_anybody_who_does_not_say_by_which_settings(
    world: World,
) -> None:
    now = world.clock.now()
    await world.store.write(lambda c: rows.know(c, "entra", "1", now))
    begun = await world.store.write(
        lambda c: rows.begin(c, "entra", now, whole_every=PLAN.whole_every)
    )

    assert begun is not None
