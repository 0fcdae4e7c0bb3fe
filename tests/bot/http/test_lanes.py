"""Lanes: bounded, urgent work first, nobody refused silently, no place lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from countersign.approvals.errors import BusyError
from countersign.bot.http.lanes import Kind, Limits
from countersign.bot.http.rates import Rates
from countersign.bot.http.settings import LaneLimit, LimitsSettings, RateLimit

pytestmark = pytest.mark.asyncio
ONE = LaneLimit(at_once=1, queue=2)


def limits(wait: str = "60s", **lanes: LaneLimit) -> Limits:
    every = {str(kind): ONE for kind in Kind}
    return Limits(LimitsSettings.model_validate({**every, "wait": wait, **lanes}))


async def until(holds: Callable[[], bool]) -> None:
    """Let the other tasks go on until it holds."""
    while not holds():  # noqa: ASYNC110 - nothing tells when a task begins to wait
        await asyncio.sleep(0)


class Worker:
    """Somebody who wants a place and keeps it until told otherwise."""

    def __init__(self, limits: Limits, kind: Kind, order: list[str], name: str):
        self.may_end = asyncio.Event()
        self.inside = asyncio.Event()
        self.task = asyncio.create_task(self._work(limits, kind, order, name))

    async def _work(self, limits: Limits, kind: Kind, order: list[str], name: str) -> None:
        async with limits.admitted(kind, name):
            order.append(name)
            self.inside.set()
            await self.may_end.wait()

    async def end(self) -> None:
        self.may_end.set()
        await self.task


async def waiting(limits: Limits, kind: Kind, order: list[str], name: str) -> Worker:
    """A worker who has got as far as they get now: inside, or in line."""
    before = sum(map(sum, limits.under_way().values()))
    worker = Worker(limits, kind, order, name)
    await until(lambda: sum(map(sum, limits.under_way().values())) != before or worker.task.done())
    return worker


async def test_a_lane_gives_away_its_places_in_the_order_of_arrival() -> None:
    bound, order = limits(), list[str]()
    workers = [await waiting(bound, Kind.VOTES, order, name) for name in "abc"]

    assert (["a"], {"votes": (1, 2)}) == (order, _busy(bound))
    for worker in workers:
        await worker.end()
    assert (["a", "b", "c"], {}) == (order, _busy(bound))


async def test_who_finds_the_line_full_is_told_to_come_again() -> None:
    bound, order = limits(), list[str]()
    workers = [await waiting(bound, Kind.READS, order, name) for name in "abc"]
    with pytest.raises(BusyError, match="Nothing was done; come again in 2 s") as caught:
        async with bound.admitted(Kind.READS, "d"):
            raise AssertionError("there was a fourth place")

    assert 2.0 == caught.value.retry_after_s
    for worker in workers:
        await worker.end()
    assert ["a", "b", "c"] == order


async def test_who_has_waited_long_enough_is_told_to_come_again() -> None:
    bound, order = limits(wait="0.01s"), list[str]()
    first = await waiting(bound, Kind.VOTES, order, "a")
    with pytest.raises(BusyError):
        async with bound.admitted(Kind.VOTES, "b"):
            raise AssertionError("there was a second place")

    assert {"votes": (1, 0)} == _busy(bound)
    await first.end()
    assert {} == _busy(bound)


async def test_a_flood_of_reads_keeps_no_vote_waiting() -> None:
    bound, order = limits(), list[str]()
    reads = [await waiting(bound, Kind.READS, order, f"read-{n}") for n in range(3)]
    vote = await waiting(bound, Kind.VOTES, order, "vote")

    assert ["read-0", "vote"] == order
    for worker in (vote, *reads):
        await worker.end()


async def test_reads_and_starts_stand_back_while_a_vote_is_in_line() -> None:
    bound, order = limits(), list[str]()
    votes = [await waiting(bound, Kind.VOTES, order, f"vote-{n}") for n in range(2)]
    others = [await waiting(bound, kind, order, str(kind)) for kind in (Kind.READS, Kind.STARTS)]

    assert ["vote-0"] == order
    await votes[0].end()
    assert (["vote-0", "vote-1", "starts", "reads"], {"votes": (1, 0)}) == (
        await _settled(order, 4),
        {"votes": bound.under_way()["votes"]},
    )
    for worker in (votes[1], *others):
        await worker.end()


async def test_a_place_that_becomes_free_is_kept_while_a_vote_is_in_line() -> None:
    bound, order = limits(), list[str]()
    reads = [await waiting(bound, Kind.READS, order, f"read-{n}") for n in range(2)]
    votes = [await waiting(bound, Kind.VOTES, order, f"vote-{n}") for n in range(2)]
    await reads[0].end()

    assert {"votes": (1, 1), "reads": (0, 1)} == _busy(bound)
    for worker in (*votes, reads[1]):
        await worker.end()
    assert ["read-0", "vote-0", "vote-1", "read-1"] == order


async def test_who_gives_up_in_line_takes_no_place() -> None:
    bound, order = limits(), list[str]()
    first, second, third = [await waiting(bound, Kind.VOTES, order, name) for name in "abc"]
    second.task.cancel()
    await asyncio.gather(second.task, return_exceptions=True)
    await first.end()
    await third.end()

    assert (["a", "c"], {}) == (order, _busy(bound))


async def test_a_place_given_to_somebody_who_leaves_at_that_moment_is_not_lost() -> None:
    bound, order = limits(), list[str]()
    first, second = [await waiting(bound, Kind.VOTES, order, name) for name in "ab"]
    first.may_end.set()
    # Then the place is second's, who does not know yet.
    await until(lambda: bound.under_way()["votes"] == (1, 0))
    second.task.cancel()
    await asyncio.gather(second.task, return_exceptions=True)

    assert (["a"], {}) == (order, _busy(bound))
    await first.task


async def test_a_place_is_given_back_by_work_that_fails() -> None:
    bound = limits()
    with pytest.raises(ValueError, match="no"):
        async with bound.admitted(Kind.VOTES, "a"):
            raise ValueError("no")

    assert {} == _busy(bound)


async def test_one_principal_who_asks_too_often_is_refused_and_the_others_are_not() -> None:
    now = [0.0]
    rates = Rates(RateLimit(per_s=2, burst=3), lambda: now[0])
    bound = Limits(LimitsSettings(), rates)

    async def ask(who: str) -> float | None:
        try:
            async with bound.admitted(Kind.READS, who):
                return None
        except BusyError as error:
            return error.retry_after_s

    assert [None, None, None, 0.5] == [await ask("robot") for _ in range(4)]
    assert await ask("alex") is None
    now[0] = 0.5
    assert [None, 0.5] == [await ask("robot"), await ask("robot")]


async def test_buckets_do_not_grow_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.bot.http.rates.KEPT", 3)
    rates = Rates(RateLimit(per_s=1, burst=1), lambda: 0.0)
    first = [rates.take(name) for name in "abcd"]

    assert ([0.0] * 4, 0.0, 1.0) == (first, rates.take("a"), rates.take("d"))


def _busy(bound: Limits) -> dict[str, tuple[int, int]]:
    return {kind: counts for kind, counts in bound.under_way().items() if counts != (0, 0)}


async def _settled(order: list[str], length: int) -> list[str]:
    await until(lambda: len(order) == length)
    return order
