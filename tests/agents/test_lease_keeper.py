"""What a process knows of its own leases without asking: how long they last at most."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from countersign import SessionManager
from countersign.agents.leases import SHARE, LeaseKeeper, elapsed_s
from countersign.approvals.errors import LostLeaseError, UnavailableError
from countersign.approvals.models import RequestStatus
from countersign.sandbox.openai import ToolCall
from tests.agents.people import FakeOffice
from tests.agents.teams import GUARDED, Effects, Mode, calls_then, pair
from tests.agents.world import world

MAIL = {"to": "bob@x.test", "subject": "Hi", "body": "Hello"}
SCRIPT = calls_then(ToolCall("send_email", MAIL))


class Ticks:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.steps_s: list[float] = []
        """By how much it moves at each of the next readings."""

    def __call__(self) -> float:
        self.now_s += self.steps_s.pop(0) if self.steps_s else 0.0
        return self.now_s


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


async def _run() -> tuple[FakeOffice, Any]:
    office = FakeOffice((), ())
    session = await office.runs.start(workflow="w", workflow_version="1", task="t", owner="ann")
    run = await office.runs.begin(session.id)
    assert run is not None
    return office, run


async def test_a_lease_ends_by_itself_when_it_is_not_renewed(ticks: Ticks) -> None:
    """Counted from before it was asked for, and a little earlier than the store thinks."""
    office, run = await _run()
    keeper = LeaseKeeper(office.runs, every_s=1000.0, clock_s=ticks)  # type: ignore[arg-type]
    asked_s = keeper.now_s()
    ticks.now_s += 5.0
    with keeper.hold(run, asked_s) as lease:
        lease.require()
        ticks.now_s = asked_s + SHARE * office.runs.lease_s

        with pytest.raises(LostLeaseError, match="run out"):
            lease.require()


async def test_a_renewal_counts_from_before_it_was_asked_for(ticks: Ticks) -> None:
    """What the answer takes is not part of the lease."""
    office, run = await _run()
    renew = office.runs.renew

    async def slow(runs: Any) -> Any:
        ticks.now_s += 20.0
        return await renew(runs)

    office.runs.renew = slow  # type: ignore[method-assign]
    keeper = LeaseKeeper(office.runs, every_s=1000.0, clock_s=ticks)  # type: ignore[arg-type]
    with keeper.hold(run, keeper.now_s()) as lease:
        ticks.now_s += 10.0
        asked_s = ticks.now_s
        await keeper.renew_now()

        assert lease.ends_s == asked_s + SHARE * office.runs.lease_s


async def test_a_store_that_is_away_renews_nothing(ticks: Ticks) -> None:
    office, run = await _run()

    async def away(_: Any) -> Any:
        raise UnavailableError("the disk is full")

    office.runs.renew = away  # type: ignore[method-assign,assignment]
    keeper = LeaseKeeper(office.runs, every_s=1000.0, clock_s=ticks)  # type: ignore[arg-type]
    with keeper.hold(run, keeper.now_s()) as lease:
        before_s = lease.ends_s
        ticks.now_s += 10.0
        await keeper.renew_now()

        assert lease.ends_s == before_s


async def test_a_run_that_was_overtaken_takes_no_lease_from_the_one_after_it(ticks: Ticks) -> None:
    """Its tool may go on for long in this process, which has the session again already."""
    office, overtaken = await _run()
    office.runs.leased.clear()
    run = await office.runs.begin(overtaken.session.id)
    assert run is not None
    keeper = LeaseKeeper(office.runs, every_s=1000.0, clock_s=ticks)  # type: ignore[arg-type]
    with keeper.hold(overtaken, keeper.now_s()) as old, keeper.hold(run, keeper.now_s()) as new:
        await keeper.renew_now()

        assert (True, False) == (old.lost, new.lost)
        new.require()


async def test_every_run_is_renewed_whatever_became_of_the_one_before(ticks: Ticks) -> None:
    """After one that ended before it was renewed, and after one that ended meanwhile."""
    office, run = await _run()
    asked: asyncio.Queue[None] = asyncio.Queue()
    answer = asyncio.Event()

    async def renew(_: Any) -> Any:
        asked.put_nowait(None)
        await answer.wait()
        return frozenset()

    office.runs.renew = renew  # type: ignore[method-assign,assignment]
    keeper = LeaseKeeper(office.runs, every_s=0.001, clock_s=ticks)  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        with keeper.hold(run, keeper.now_s()):
            pass
        with keeper.hold(run, keeper.now_s()):
            await asked.get()
        with keeper.hold(run, keeper.now_s()):
            await asked.get()
            answer.set()
            for _ in range(3):
                await asked.get()
        await asyncio.sleep(0)

    assert [t for t in asyncio.all_tasks() if t.get_name() == "lease renewal"] == []


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="Linux has this clock")
def test_the_clock_counts_the_time_in_which_the_machine_is_suspended() -> None:
    before_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    now_s = elapsed_s()

    assert before_s <= now_s <= time.clock_gettime(time.CLOCK_BOOTTIME)


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize(
    ("steps_s", "status"),
    [
        ([0.0, 0.0], RequestStatus.EXECUTED),
        ([3600.0], RequestStatus.FAILED),
        ([0.0, 3600.0], RequestStatus.FAILED),
    ],
    ids=["never", "before the call", "in the call"],
)
async def test_a_process_frozen_after_its_claim_does_not_call_the_tool(
    steps_s: list[float], status: RequestStatus, mode: Mode, ticks: Ticks, tmp_path: Path
) -> None:
    """The store said yes, then came the freeze: only the clock can tell, directly before."""
    effects = Effects()
    flow = pair(effects, mode=mode)
    async with world(flow, SCRIPT, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        (request,) = await w.requests()
        await w.office.approve(request)
        claim = w.office.runs.claim

        async def claimed(*args: Any) -> Any:
            claim_of_ours = await claim(*args)
            ticks.steps_s = list(steps_s)
            return claim_of_ours

        w.office.runs.claim = claimed
        async with SessionManager(w.office.runs, w.new_registry(), clock_s=ticks) as manager:
            await manager.run(w.session_id)
        (request,) = await w.requests()

        assert len(effects.done) == (1 if status is RequestStatus.EXECUTED else 0)
        assert request.status is status
        if status is RequestStatus.FAILED:
            assert request.result is not None
            assert request.result.content.startswith("It did not begin, and nothing happened. ")
