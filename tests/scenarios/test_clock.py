"""Somebody sets the machine's clock, and sets it right again, while a request waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from countersign.bot.clock import DOUBTED_S, SystemClock
from tests.scenarios.world import World, world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]

TASK = "quote for Contoso, 25 seats"
DAY_S = 86_400.0
DEADLINE_S = 4 * 3600.0
"""The rule of the quote says 4h."""
SWEEPS = 2
"""Looks at the clock when nothing else happens: one or two for each sweep."""


class Machine:
    """Its clocks: the one that can be set, and the one that cannot."""

    def __init__(self) -> None:
        self.wall, self.elapsed = datetime.now(UTC), 0.0
        self.looks = 0
        self.clock = SystemClock(self._look, lambda: self.elapsed)

    def _look(self) -> datetime:
        self.looks += 1
        return self.wall

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.elapsed += seconds

    def set(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr("countersign.bot.wiring.base.SystemClock", lambda: made.clock)
    return made


async def swept(app: World, machine: Machine) -> None:
    """The server has looked for rows that are due."""
    before = machine.looks

    async def look() -> Any:
        return True if machine.looks >= before + SWEEPS else None

    await app.eventually(look)


async def status(app: World, request_id: str, wanted: str) -> Any:
    async def look() -> Any:
        request = await app.request(request_id)
        return request if request["status"] == wanted else None

    return await app.eventually(look)


async def test_jump_there_and_back_lets_nothing_expire_and_freezes_no_deadline(
    tmp_path: Path, machine: Machine
) -> None:
    async with world(tmp_path) as app, app.server():
        request = await app.pending(await app.start("sales_quote", TASK))
        machine.set(DAY_S)
        await swept(app, machine)
        during = await app.request(request["id"])
        machine.set(-DAY_S)
        await swept(app, machine)
        after = await app.request(request["id"])
        machine.passes(DEADLINE_S + 1)
        expired = await status(app, request["id"], "expired")

    assert ("pending", "pending", "expired") == (
        during["status"],
        after["status"],
        expired["status"],
    )


async def test_what_was_asked_while_the_clock_was_ahead_has_its_time_from_then_on(
    tmp_path: Path, machine: Machine
) -> None:
    """A day ahead for so long that it is believed."""
    async with world(tmp_path) as app, app.server():
        machine.set(DAY_S)
        machine.clock.now()
        machine.passes(DOUBTED_S)
        session_id = await app.start("sales_quote", TASK)
        request = await app.pending(session_id)
        machine.set(-DAY_S)
        machine.clock.now()
        machine.passes(DOUBTED_S)

        async def look() -> Any:
            found = await app.request(request["id"])
            return found if found["expires_at"] != request["expires_at"] else None

        corrected = await app.eventually(look)
        machine.passes(DEADLINE_S + 1)
        await status(app, request["id"], "expired")
        kinds = [entry["kind"] for entry in await app.ledger(session_id)]

    asked, until = (datetime.fromisoformat(corrected[n]) for n in ("created_at", "expires_at"))
    assert timedelta(seconds=DEADLINE_S) == until - asked
    assert ["clock_corrected", "expired"] == [
        k for k in kinds if k in ("clock_corrected", "expired")
    ]
