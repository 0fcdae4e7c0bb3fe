"""A unit remembers the heads of the chains that it locks, and nothing of what another has read."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection

from countersign.approvals.audit.seals import Head
from countersign.approvals.models import JsonObject, SessionId
from countersign.approvals.store import head_cache, requests, sessions
from countersign.approvals.store import ledger as ledger_rows
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
NOTED: tuple[str, JsonObject] = ("noted", {"what": "nothing"})


class GaveUpError(Exception):
    """A unit that thought better of it."""


async def stored_head(world: World, session_id: SessionId) -> Head:
    """What the session's row says."""
    return await world.store.read(lambda c: ledger_rows.head(c, session_id))


async def test_entries_of_a_unit_that_was_undone_are_not_followed(world: World) -> None:
    """Also where both units share one commit."""
    session = await world.start()
    now = world.clock.now()

    def undone(connection: Connection) -> None:
        ledger_rows.append(connection, session.id, now, NOTED)
        raise GaveUpError

    def kept(connection: Connection) -> None:
        ledger_rows.append(connection, session.id, now, NOTED)

    ended = await asyncio.gather(
        *(world.store.write(unit) for unit in (undone, kept, undone, kept)),
        return_exceptions=True,
    )

    assert [GaveUpError, type(None)] * 2 == [type(value) for value in ended]
    assert (await world.records.verify()).verified
    assert 3 == (await stored_head(world, session.id))[0]


async def test_a_unit_follows_its_own_entries(world: World) -> None:
    session = await world.start()

    def unit(connection: Connection) -> tuple[Head | None, Head | None]:
        sessions.lock(connection, session.id)
        ledger_rows.append(connection, session.id, world.clock.now(), NOTED, NOTED)
        ledger_rows.append(connection, session.id, world.clock.now(), NOTED)
        return head_cache.known(connection, session.id), ledger_rows.head(connection, session.id)

    remembered, stored = await world.store.write(unit)

    assert (await world.records.verify()).verified
    assert 4 == (await stored_head(world, session.id))[0]
    assert remembered == stored


async def test_lock_of_a_request_that_there_is_not_remembers_nothing(world: World) -> None:
    session = await world.start()

    def unit(connection: Connection) -> Head | None:
        requests.lock(connection, "R-nowhere")
        sessions.lock(connection, "S-nowhere")
        return head_cache.known(connection, session.id)

    assert await world.store.write(unit) is None


async def test_outside_of_units_nothing_is_remembered(world: World) -> None:
    session = await world.start()

    def unit(connection: Connection) -> tuple[Head, Head | None]:
        connection.info.clear()
        head = ledger_rows.head(connection, session.id, lock=True)
        head_cache.move(connection, session.id, head)
        return head, head_cache.known(connection, session.id)

    head, remembered = await world.store.write(unit)

    assert 1 == head[0]
    assert remembered is None
