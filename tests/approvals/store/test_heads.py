"""A unit remembers the heads of the chains that it locks, and nothing of what another has read."""

from __future__ import annotations

import asyncio

import pytest

from countersign.approvals.audit.seals import Head
from countersign.approvals.models import JsonObject, SessionId
from countersign.approvals.ports import Unit
from countersign.approvals.store import leases, requests, sessions
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

    def undone(unit: Unit) -> None:
        ledger_rows.append(unit, session.id, NOTED)
        raise GaveUpError

    def kept(unit: Unit) -> None:
        ledger_rows.append(unit, session.id, NOTED)

    ended = await asyncio.gather(
        *(world.unit(work) for work in (undone, kept, undone, kept)),
        return_exceptions=True,
    )

    assert [GaveUpError, type(None)] * 2 == [type(value) for value in ended]
    assert (await world.records.verify()).verified
    assert 3 == (await stored_head(world, session.id))[0]


async def test_a_unit_follows_its_own_entries(world: World) -> None:
    session = await world.start()

    def work(unit: Unit) -> tuple[Head, Head, Head]:
        sessions.lock(unit, session.id)
        ledger_rows.append(unit, session.id, NOTED, NOTED)
        ledger_rows.append(unit, session.id, NOTED)
        before = ledger_rows.head(unit.connection, session.id)
        ledger_rows.end(unit)
        return unit.heads[session.id], before, ledger_rows.head(unit.connection, session.id)

    remembered, before, stored = await world.unit(work)

    assert (await world.records.verify()).verified
    assert 4 == (await stored_head(world, session.id))[0]
    assert 1 == before[0]
    assert remembered == stored


async def test_a_unit_that_locks_again_follows_its_own_entries(world: World) -> None:
    """They are written, and where they end is not yet."""
    run = await world.begun()

    def work(unit: Unit) -> None:
        for _ in range(2):
            sessions.lock(unit, run.session.id)
            leases.require_lease(unit, run.session.id, run.epoch)
            ledger_rows.append(unit, run.session.id, NOTED)

    await world.unit(work)

    assert (await world.records.verify()).verified
    assert 3 == (await stored_head(world, run.session.id))[0]


async def test_lock_of_a_request_that_there_is_not_remembers_nothing(world: World) -> None:
    await world.start()

    def work(unit: Unit) -> dict[str, Head]:
        requests.lock(unit, "R-nowhere")
        sessions.lock(unit, "S-nowhere")
        return unit.heads

    assert {} == await world.unit(work)
