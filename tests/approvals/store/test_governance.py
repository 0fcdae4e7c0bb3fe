"""The governance ledger: its chain holds, is sealed, and what was changed in it is found."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, update

from countersign.approvals.audit.ledger import GENESIS, GOVERNANCE
from countersign.approvals.errors import IntegrityError
from countersign.approvals.jobs.sealing import Sealing
from countersign.approvals.models import PolicyChanged, PolicySource
from countersign.approvals.store import governance as rows
from countersign.approvals.store import tree
from countersign.approvals.store.schema import governance as table
from tests.doubles.world import World, opened

pytestmark = pytest.mark.asyncio


def changed(after: str, before: str | None = None) -> PolicyChanged:
    return PolicyChanged(before=before, after=after, source=PolicySource.FILE, file="c.yaml")


async def told(world: World, *versions: str) -> None:
    """One entry for each, each in a transaction of its own."""
    for version in versions:
        await world.unit(lambda unit, v=version: rows.append(unit, changed(v)))  # type: ignore[misc]


async def problems(world: World) -> tuple[str, ...]:
    return (await world.records.verify()).problems


async def test_entries_are_linked_and_read_in_pages(world: World) -> None:
    await told(world, "v1")
    await world.unit(lambda unit: rows.append(unit, changed("v2", "v1"), changed("v3", "v2")))

    found = await world.records.governance()
    verified = await world.records.verify_governance()

    assert [1, 2, 3] == [entry.seq for entry in found]
    assert [GENESIS, found[0].hash, found[1].hash] == [entry.prev_hash for entry in found]
    assert {"before": "v1", "after": "v2", "source": "file", "file": "c.yaml"} == found[1].body
    assert {("policy_changed", GOVERNANCE)} == {(e.kind, e.session_id) for e in found}
    assert found[1:2] == await world.records.governance(after=1, limit=1)
    assert (3, True) == (verified.entries, verified.verified)
    assert 3 == (await world.records.verify()).entries


async def test_it_is_no_session(world: World) -> None:
    await told(world, "v1")

    assert () == (await world.records.sessions()).items


async def test_those_who_add_at_once_wait_for_each_other(world: World) -> None:
    await asyncio.gather(*(told(world, f"v{n}") for n in range(16)))

    assert (16, ()) == ((await world.records.verify()).entries, await problems(world))


async def test_an_undone_transaction_leaves_no_entry(world: World) -> None:
    def work(unit: Any) -> None:
        rows.append(unit, changed("v1"))
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        await world.unit(work)
    await told(world, "v2")

    assert [(1, "v2")] == [(e.seq, e.body["after"]) for e in await world.records.governance()]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"body": "{}"}, "the governance ledger, entry 2: was changed and cannot be read"),
        ({"kind": "other"}, "the governance ledger, entry 2: was changed after it was written"),
        ({"prev_hash": "0" * 64}, "the governance ledger, entry 2: does not link"),
        ({"hash": "0" * 64}, "the governance ledger, entry 3: does not link"),
        ({"seq": 9}, "the governance ledger, entry 3: follows entry 1; something is missing"),
        ({"at": "never"}, "the governance ledger, entry 2: was changed and cannot be read"),
    ],
)
async def test_a_changed_entry_is_found(world: World, change: dict[str, Any], problem: str) -> None:
    await told(world, "v1", "v2", "v3")
    second = update(table).where(table.c.seq == 2).values(**change)
    await world.store.write(lambda c: c.execute(second))

    assert any(said.startswith(problem) for said in await problems(world))


async def test_a_deleted_and_an_inserted_entry_are_found(world: World) -> None:
    await told(world, "v1", "v2", "v3")

    def forge(connection: Connection) -> None:
        row = connection.execute(select(table).where(table.c.seq == 3)).mappings().one()
        connection.execute(delete(table).where(table.c.seq == 2))
        connection.execute(table.insert().values({**row, "seq": 4}))

    await world.store.write(forge)
    said = await problems(world)

    assert (
        "the governance ledger, entry 3: follows entry 1; something is missing or out of order"
        in said
    )
    assert "the governance ledger, entry 4: was changed after it was written" in said


async def test_an_end_that_was_cut_off_is_not_what_was_sealed(world: World) -> None:
    await told(world, "v1", "v2")
    await Sealing(world.store, world.clock).seal()
    assert () == await problems(world)
    await world.store.write(lambda c: c.execute(delete(table).where(table.c.seq == 2)))

    (problem,) = await problems(world)
    assert problem.startswith("the governance ledger: entry 2, which seal 1 of ")
    assert problem.endswith(" names, is gone")


async def test_a_chain_that_was_written_anew_is_not_the_sealed_one(world: World) -> None:
    await told(world, "v1")
    await Sealing(world.store, world.clock).seal()
    await world.store.write(lambda c: c.execute(delete(table)))
    await told(world, "v2")

    assert ("the governance ledger: entry 1 is not the one of seal 1",) == await problems(world)


async def test_what_a_killed_process_left_is_sealed_by_the_next(world: World) -> None:
    await told(world, "v1")
    world.store.unsealed.take()  # with the memory of the process
    await Sealing(world.store, world.clock).seal()
    await Sealing(world.store, world.clock).seal()  # the margin of clocks: sealed once more
    world.clock.advance(timedelta(minutes=2).total_seconds())
    (request,) = await world.asked()
    await Sealing(world.store, world.clock).seal()
    world.clock.advance(timedelta(minutes=2).total_seconds())
    await Sealing(world.store, world.clock).seal()

    leaves = await world.store.read(lambda c: tree.page(c, 0, limit=9))
    sealed = [row[1] for row in leaves]
    assert [GOVERNANCE, GOVERNANCE, request.session_id, GOVERNANCE, request.session_id] == [
        sealed[0], sealed[1], *sorted(sealed[2:4]), sealed[4]
    ]  # fmt: skip
    await world.store.write(lambda c: c.execute(delete(table)))
    assert 3 == len(await problems(world))  # one of each seal that names it


async def test_what_cannot_be_read_is_said_to_whoever_reads(world: World) -> None:
    await told(world, "v1")
    await world.store.write(lambda c: c.execute(update(table).values(body="{} ")))

    with pytest.raises(IntegrityError, match="The governance ledger was changed"):
        await world.records.governance()


async def test_the_newest_entry_of_a_kind_is_the_last_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        assert await world.unit(lambda unit: rows.newest(unit, PolicyChanged)) is None
        await told(world, "v1", "v2")

        assert changed("v2") == await world.unit(lambda unit: rows.newest(unit, PolicyChanged))
