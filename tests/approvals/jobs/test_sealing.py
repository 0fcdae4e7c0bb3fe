"""A session that is deleted whole, or set back to an older end, is missed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from countersign.approvals.audit.seals import Unsealed
from countersign.approvals.jobs.sealing import Sealing
from countersign.approvals.store import schema, tree
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
S = schema.ledger_seals


def erased(session_id: str) -> Any:
    """Every row of a session and its ledger are gone."""
    requests = select(schema.requests.c.id).where(schema.requests.c.session_id == session_id)

    def unit(connection: Connection) -> None:
        ids = [row[0] for row in connection.execute(requests)]
        for table in reversed(schema.metadata.sorted_tables):
            if "request_id" in table.c:
                connection.execute(delete(table).where(table.c.request_id.in_(ids)))
            if "session_id" in table.c and table is not schema.ledger_leaves:
                connection.execute(delete(table).where(table.c.session_id == session_id))
        connection.execute(delete(schema.sessions).where(schema.sessions.c.id == session_id))

    return unit


async def problems(world: World) -> tuple[str, ...]:
    return (await world.records.verify()).problems


async def test_session_that_is_gone_with_all_its_rows_is_missed(world: World) -> None:
    sealing = Sealing(world.store, world.clock)
    (request,) = await world.asked()
    await sealing.seal()

    assert () == await problems(world)

    await world.store.write(erased(request.session_id))
    (problem,) = await problems(world)

    assert f"session {request.session_id}: entry 2, which seal 1 of " in problem
    assert problem.endswith("is gone")


async def test_session_that_was_set_back_is_missed(world: World) -> None:
    """Entries, head and tables all say the same, and an older truth."""
    (request,) = await world.asked()
    head = await world.store.read(
        lambda c: (
            c.execute(select(schema.sessions).where(schema.sessions.c.id == request.session_id))
            .mappings()
            .one()
        )
    )
    row = await world.store.read(lambda c: c.execute(select(schema.requests)).mappings().one())
    await world.vote(request)
    await Sealing(world.store, world.clock).seal()

    def back(connection: Connection) -> None:
        connection.execute(delete(schema.votes))
        connection.execute(delete(schema.ledger).where(schema.ledger.c.seq > 2))
        connection.execute(update(schema.requests).values(**row))
        connection.execute(update(schema.sessions).values(**head))

    await world.store.write(back)
    (problem,) = await problems(world)

    assert "entry 4, which seal 1" in problem


async def test_chain_that_was_written_anew_is_not_the_sealed_one(world: World) -> None:
    (request,) = await world.asked()
    await Sealing(world.store, world.clock).seal()
    forged = update(schema.ledger).where(schema.ledger.c.seq == 2).values(hash="0" * 64)
    await world.store.write(lambda c: c.execute(forged))

    assert f"session {request.session_id}: entry 2 is not the one of seal 1" in await problems(
        world
    )


async def test_only_what_moved_is_sealed_again(world: World) -> None:
    sealing = Sealing(world.store, world.clock)
    (one,) = await world.asked()
    await world.asked()
    await sealing.seal()
    await sealing.seal()
    await world.vote(one)
    await sealing.leave()
    rows = await world.store.read(lambda c: list(c.execute(select(S).order_by(S.c.number))))
    leaves = await world.store.read(lambda c: tree.page(c, 0, limit=9))

    assert [(1, 2), (2, 3)] == [(row.number, row.size) for row in rows]
    assert one.session_id == leaves[2][1]
    assert 3 == len(leaves)


async def test_what_a_killed_process_left_is_sealed_by_the_next(world: World) -> None:
    await Sealing(world.store, world.clock).seal()
    (request,) = await world.asked()
    world.store.unsealed.take()  # with the memory of the process
    await Sealing(world.store, world.clock).seal()
    await world.store.write(erased(request.session_id))

    assert 1 == len(await problems(world))


async def test_what_a_killed_process_left_is_sealed_after_older_seals(world: World) -> None:
    await world.asked()
    await Sealing(world.store, world.clock).seal()
    world.clock.advance(60)
    (request,) = await world.asked()
    world.store.unsealed.take()
    await Sealing(world.store, world.clock).seal()
    await world.store.write(erased(request.session_id))

    assert any(request.session_id in problem for problem in await problems(world))


async def test_nothing_is_sealed_where_nothing_is(world: World) -> None:
    await Sealing(world.store, world.clock).seal()

    assert [] == await world.store.read(lambda c: list(c.execute(select(S))))


async def test_what_could_not_be_sealed_is_sealed_the_next_time(world: World) -> None:
    sealing = Sealing(world.store, world.clock)
    await world.asked()
    in_the_way = {"at": "never", "heads": "{}", "prev_hash": "", "hash": ""}
    await world.store.write(lambda c: c.execute(insert(S).values(number=1, **in_the_way)))
    with pytest.raises(ValueError, match="never"):
        await sealing.seal()
    await sealing.leave()
    await world.store.write(lambda c: c.execute(delete(S)))
    await sealing.leave()

    assert 1 == len(await world.store.read(lambda c: list(c.execute(select(S)))))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"number": 7}, "seal 7: follows seal 1; something is missing"),
        ({"prev_hash": "0" * 64}, "seal 2: does not link to the seal before it"),
        ({"hash": "0" * 64}, "seal 2: was changed after it was written"),
        ({"at": "2026-01-01T00:00:00.000000+00:00"}, "seal 2: was changed after it was written"),
        ({"size": 1}, "seal 2: was changed after it was written"),
        ({"size": 0}, "seal 2: was changed after it was written"),
        ({"root": "0" * 64}, "seal 2: its root is not that of the leaves"),
        ({"heads": '{"S":[18014398509481985,"x"]}'}, "seal 2: was changed after it was written"),
        ({"heads": "{} "}, "a seal after 0 was changed and cannot be read"),
        ({"heads": "{ }"}, "a seal after 0 was changed and cannot be read"),
        ({"heads": '{"S":1}'}, "a seal after 0 was changed and cannot be read"),
        ({"at": "never"}, "a seal after 0 was changed and cannot be read"),
    ],
)
async def test_seals_hold_one_another(world: World, change: dict[str, Any], problem: str) -> None:
    sealing = Sealing(world.store, world.clock)
    for _ in range(2):
        await world.asked()
        await sealing.seal()
    await world.store.write(lambda c: c.execute(update(S).where(S.c.number == 2).values(**change)))

    assert any(found.startswith(problem) for found in await problems(world))


async def test_seal_that_was_taken_out_is_missed(world: World) -> None:
    sealing = Sealing(world.store, world.clock)
    for _ in range(2):
        await world.asked()
        await sealing.seal()
    await world.store.write(lambda c: c.execute(delete(S).where(S.c.number == 1)))

    assert "seal 2: follows seal 0; something is missing" in await problems(world)


async def test_later_end_of_a_chain_is_kept() -> None:
    unsealed = Unsealed()
    unsealed.add({"S-1": (3, "c"), "S-2": (1, "a")})
    unsealed.add({"S-1": (2, "b")})

    assert {"S-1": (3, "c"), "S-2": (1, "a")} == unsealed.take()
    assert {} == unsealed.take()
