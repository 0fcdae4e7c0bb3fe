"""A sealer signs elsewhere what a server has sealed, and only what continues what it has signed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from countersign.approvals.audit.notes import SigningKey
from countersign.approvals.errors import IntegrityError, InvalidError, UnavailableError
from countersign.bot.audit.sealer import Sealer
from tests.bot.api_world import SEALING_KEY, World, running

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path, sealed_elsewhere=True) as found:
        yield found


async def seal(world: World, state: Path, key: SigningKey = SEALING_KEY) -> int | None:
    """What is signed newly."""
    headers = {"Authorization": "Bearer token-of-alex"}

    def work() -> int | None:
        url = str(world.client.make_url("/"))
        with httpx.Client(base_url=url, headers=headers) as client:
            signed = Sealer(client, key, state).seal()
        return None if signed is None else signed.size

    return await asyncio.to_thread(work)


async def more(world: World) -> str:
    """Something happens and is sealed; the request."""
    request = await world.waiting()
    status, _ = await world.call("GET", f"/api/v1/ledger/receipts/{request['id']}")

    assert status == 409  # it is sealed, and not signed yet

    return str(request["id"])


async def test_a_receipt_is_there_once_the_sealer_has_signed(world: World, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert await seal(world, state) is None  # nothing is sealed yet

    request_id = await more(world)
    assert 1 == await seal(world, state)
    assert await seal(world, state) is None
    status, made = await world.call("GET", f"/api/v1/ledger/receipts/{request_id}")

    assert (200, request_id) == (status, made["summary"]["request"])
    await more(world)
    signed = await seal(world, state)
    assert signed is not None
    assert signed > 1


async def test_a_ledger_that_was_set_back_or_replaced_is_not_signed(
    world: World, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    await more(world)
    await more(world)
    assert 2 == await seal(world, state)

    kept = json.loads(state.read_text())
    for wrong, why in (
        ({**kept, "root": "00" * 32}, "no continuation"),
        ({**kept, "size": 9}, "set back"),
    ):
        state.write_text(json.dumps(wrong))
        with pytest.raises(IntegrityError, match=why):
            await seal(world, state)


async def test_an_empty_ledger_is_not_what_was_signed(world: World, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_text(json.dumps({"size": 2, "root": "00" * 32}))
    with pytest.raises(IntegrityError, match="set back"):
        await seal(world, state)


async def test_what_is_wrong_is_said(world: World, tmp_path: Path) -> None:
    state = tmp_path / "state"
    await more(world)
    with pytest.raises(InvalidError, match="is not signed by"):
        await seal(world, tmp_path / "other", SigningKey.new("gate.example/ledger"))
    with pytest.raises(InvalidError, match="cannot be written"):
        await seal(world, tmp_path / "none" / "state")
    state.write_text("no JSON")
    with pytest.raises(InvalidError, match="cannot be read"):
        await seal(world, state)

    def away() -> None:
        with httpx.Client(base_url="http://127.0.0.1:9") as client:
            Sealer(client, SEALING_KEY, tmp_path / "away").seal()

    with pytest.raises(UnavailableError, match="cannot be reached"):
        await asyncio.to_thread(away)
