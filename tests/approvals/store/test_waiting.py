"""What waits for a person is found by an index, whatever else waits."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, create_engine, delete, select, update

from countersign.approvals.errors import InvalidError
from countersign.approvals.models import Principal, Request, Verdict
from countersign.approvals.rules.wanted import Order, Wanted
from countersign.approvals.store import open_roles as open_role_rows
from countersign.approvals.store import upgrade, waiting
from countersign.approvals.store.migrate import _config
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import open_roles, requests
from countersign.approvals.store.waiting import AT_ONCE
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, EVERYBODY, person
from tests.doubles.world import World, opened

MEGAN = person("Megan", "manager", "controller")
TIERS = {
    "effect": "require_approval",
    "stages": [{"roles": ["manager"]}, {"roles": ["controller"]}],
}


async def many(world: World, count: int, tool: str = "quote") -> Sequence[Request]:
    """Requests of one session of Anna's."""
    run = await world.begun()
    return await world.submit(run, *[tool] * count)


async def found(world: World, who: Principal, **more: Any) -> list[str]:
    return [r.id for r in await world.records.waiting_for(who, **more)]


async def steps(world: World, who: Principal) -> int:
    """How many instructions SQLite needs to find the first twenty."""
    count = 0

    def tick() -> None:
        nonlocal count
        count += 1

    def unit(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(tick, 1)
        try:
            open_role_rows.waiting(connection, who, open_role_rows.BEGINNING, 20)
        finally:
            driver.set_progress_handler(None, 1)

    await world.store.read(unit)
    return count


async def test_one_request_is_found_behind_any_number_of_others(world: World) -> None:
    await many(world, 2 * AT_ONCE + 1)
    world.change_rule("quote", {"effect": "require_approval", "roles": ["controller"]})
    (late,) = await many(world, 1)

    assert [late.id] == await found(world, DAVE)


async def test_what_others_decide_costs_a_person_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:  # SQLite counts its instructions
        await many(world, 10)
        few = await steps(world, DAVE), await steps(world, BEN)
        await many(world, 500)

        assert (few[0], True) == (await steps(world, DAVE), await steps(world, BEN) < 4 * few[1])


@pytest.mark.parametrize(
    ("query", "from_there"),
    [(open_role_rows._WAITING, "created_at>?"), (open_role_rows._NEWEST, "created_at<?")],
)
async def test_a_role_is_read_from_where_a_page_ends(
    tmp_path: Path, query: Prepared, from_there: str
) -> None:
    """Nothing before it is passed by, and nothing is sorted."""
    statement, constants, *_ = query._sqlite
    values = {
        **constants,
        "role": "manager",
        "me": "ben",
        "at": "2026",
        "request": "R-1",
        "most": 20,
    }
    async with opened(tmp_path) as world:
        plan = await world.store.read(
            lambda c: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        )
    steps = [str(row[3]) for row in plan]

    assert f"SEARCH open_roles USING PRIMARY KEY (role=? AND {from_there})" in steps
    assert [] == [step for step in steps if "SCAN" in step or "TEMP B-TREE" in step]


async def test_every_person_has_exactly_what_names_them_as_eligible(world: World) -> None:
    world.directory = type(world.directory)([*EVERYBODY, MEGAN])
    world.change_rule("tiers", TIERS)
    world.directory.set_roles("dave", "controller", "manager")
    world.directory.set_roles("anna", "manager", "sales")
    asked = [*await many(world, 3), *await many(world, 2, "pay"), *await many(world, 2, "wire")]
    asked += [*await many(world, 2, "tiers")]
    (question,) = await world.asked(world.question((await world.start()).id))
    await world.vote(asked[0], BEN)
    await world.vote(asked[3], CARA)
    await world.vote(asked[5], MEGAN)
    await world.vote(asked[1], BEN, Verdict.MODIFY, arguments={"customer": "X", "amount": 1})
    world.directory.set_roles("dave", "controller")

    for who in [*EVERYBODY, MEGAN]:
        who = world.directory.by_id(who.id) or who
        views = [await world.records.view(r.id) for r in [*asked, question]]
        mine = [v.request for v in views if who.id in {p.id for p in v.eligible}]
        mine.sort(key=lambda r: (r.created_at, r.id))
        assert [r.id for r in mine] == await found(world, who)
    assert [question.id] == await found(world, ANNA)


async def test_whoever_is_needed_for_a_later_stage_is_not_asked_for_the_first(
    world: World,
) -> None:
    world.directory = type(world.directory)([ANNA, BEN, MEGAN])
    world.change_rule("tiers", TIERS)
    (request,) = await world.asked("tiers")

    assert [request.id] == await found(world, BEN)
    assert [] == await found(world, MEGAN)


async def test_what_others_have_to_decide_first_does_not_end_the_search(world: World) -> None:
    """More than one step of rows that name a role of hers, and are not hers to decide."""
    world.directory = type(world.directory)([ANNA, BEN, MEGAN])
    world.change_rule("tiers", TIERS)
    await many(world, AT_ONCE, "tiers")
    world.clock.advance(1)
    (mine,) = await many(world, 1, "quote")

    assert [mine.id] == await found(world, MEGAN)


async def test_a_page_looks_at_so_many_and_says_where_it_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "AT_ONCE", 2)
    monkeypatch.setattr(waiting, "SEARCHED", 2)
    world.directory = type(world.directory)([ANNA, BEN, MEGAN])
    world.change_rule("tiers", TIERS)
    await many(world, 3, "tiers")
    world.clock.advance(1)
    (mine,) = await many(world, 1, "quote")
    first = await world.records.mine(MEGAN, limit=5)
    then = await world.records.mine(MEGAN, limit=5, cursor=first.next)

    assert ((), True) == (first.items, first.next is not None)
    assert [mine.id] == [request.id for request in then.items]
    assert [mine.id] == await found(world, MEGAN, limit=5)


async def test_more_are_read_while_those_read_are_not_for_this_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SPARE", 0)
    world.directory = type(world.directory)([ANNA, BEN, MEGAN])
    world.change_rule("tiers", TIERS)
    await many(world, 3, "tiers")
    world.clock.advance(1)
    mine = await many(world, 2, "quote")
    page = await world.records.mine(MEGAN, limit=1)

    assert [mine[0].id] == [request.id for request in page.items]
    assert page.next is not None
    assert [] == await found(world, ERIN)
    first = await found(world, BEN, limit=3)
    assert 3 == len(first)


async def test_pages_follow_each_other(world: World) -> None:
    await many(world, 5)
    world.clock.advance(1)
    await many(world, 2)
    everything, pages, cursor = await found(world, BEN), [], None
    while True:
        page = await world.records.mine(BEN, limit=2, cursor=cursor)
        pages.append([r.id for r in page.items])
        cursor = page.next
        if cursor is None:
            break

    assert [everything[0:2], everything[2:4], everything[4:6], everything[6:]] == pages
    with pytest.raises(InvalidError, match="cursor"):
        await world.records.mine(BEN, cursor="x")


async def test_what_waits_is_read_in_the_order_that_is_asked_for(world: World) -> None:
    rule = {"effect": "require_approval", "roles": ["manager"]}
    made = []
    for risk, deadline in (("low", "3h"), ("high", None), ("medium", "2h"), ("high", "4h")):
        times = {} if deadline is None else {"deadline": deadline}
        world.change_rule("quote", {**rule, "risk": risk, **times})
        (request,) = await many(world, 1)
        made.append(request.id)
        world.clock.advance(1)

    async def read(order: Order) -> list[int]:
        numbers: list[int] = []
        cursor = None
        for _ in range(5):
            page = await world.records.search(BEN, Wanted(), order=order, limit=2, cursor=cursor)
            numbers += [made.index(request.id) for request in page.items]
            cursor = page.next
            if cursor is None:
                break
        return numbers

    assert [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [3, 1, 2, 0]] == [
        await read(order) for order in (Order.OLDEST, Order.NEWEST, Order.DUE, Order.RISK)
    ]
    bad = (await world.records.search(BEN, Wanted(), limit=1)).next
    for order in (Order.DUE, Order.RISK):
        with pytest.raises(InvalidError, match="cursor"):
            await world.records.search(BEN, Wanted(), order=order, cursor=bad)


async def test_one_session_can_be_asked_for(world: World) -> None:
    first, second = await many(world, 2)
    await many(world, 3)
    page = await world.records.mine(BEN, session_id=first.session_id, limit=1)
    rest = await world.records.mine(BEN, session_id=first.session_id, cursor=page.next)

    assert ([first.id], [second.id]) == ([r.id for r in page.items], [r.id for r in rest.items])
    assert () == (await world.records.mine(ERIN, session_id=first.session_id)).items


async def test_what_has_expired_waits_for_nobody(world: World) -> None:
    (request,) = await many(world, 1)
    world.clock.advance(7200)

    assert [] == await found(world, BEN)
    assert () == (await world.records.view(request.id)).eligible


async def test_what_was_decided_while_it_is_read_waits_for_nobody(world: World) -> None:
    """The rows of roles are read before the requests: another server may decide in between."""
    (request,) = await many(world, 1)
    await world.store.write(lambda c: c.execute(update(requests).values(status="approved")))

    assert [] == await found(world, BEN)
    assert request.id


async def test_rows_go_with_what_they_are_for(world: World) -> None:
    (request,) = await world.asked("pay")
    await world.vote(request, BEN)
    await world.vote(request, CARA)
    kept = await world.store.read(lambda c: c.execute(select(open_roles.c.role)).scalars().all())
    await world.vote(request, DAVE)
    gone = await world.store.read(lambda c: c.execute(select(open_roles)).all())

    assert (["controller"], []) == (kept, gone)


@pytest.mark.parametrize("lost", [False, True], ids=["asked", "without stages"])
async def test_the_migration_finds_what_waits_already(tmp_path: Path, lost: bool) -> None:
    """The rows that it makes are those that a running server makes."""
    async with opened(tmp_path) as world:
        await world.asked("quote")
        await world.asked("pay")
        await world.asked(world.question((await world.start()).id))
        (done,) = await world.asked("quote")
        await world.vote(done, CARA)
        if lost:
            await world.store.write(lambda c: c.execute(update(requests).values(stages="[]")))
            await world.store.write(lambda c: c.execute(delete(open_roles)))
        every = select(open_roles).order_by(open_roles.c.request_id, open_roles.c.role)
        before = await world.store.read(lambda c: [tuple(row) for row in c.execute(every)])
    old = f"sqlite:///{tmp_path}/old.db"
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection, connection:
        _migrated_to_0009(old)
        connection.execute("ATTACH ? AS now", (str(tmp_path / "countersign.db"),))
        for table in ("sessions", "requests", "votes"):
            columns = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
            names = ", ".join(name for (name,) in columns)
            copy = f"INSERT INTO {table} ({names}) SELECT {names} FROM now.{table}"  # noqa: S608
            connection.execute(copy)
    upgrade(old)
    engine = create_engine(old)
    with engine.connect() as connected:
        after = [tuple(row) for row in connected.execute(every)]
    engine.dispose()

    assert bool(before) is not lost
    assert before == after


def _migrated_to_0009(url: str) -> None:
    config, engine = _config(), create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0009")
    engine.dispose()
