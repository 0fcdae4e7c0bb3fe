"""One poll of a ticket system beside reading its tickets one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from bench import data, run
from bench.__main__ import main
from bench.measure import BenchError
from bench.ours import ticket_systems
from bench.ours.ticket_systems import KINDS, open_system
from bench.ours.tickets import MOST_CALLS, MOST_TICKETS, measure
from bench.results import Results
from bench.table import render
from countersign.approvals.tickets import TicketRef
from countersign.bot.clock import SystemClock
from countersign.testing.suites.ticket_reading import among
from countersign.testing.suites.ticket_system import Outside, Who
from tests.contracts.orders import orders_in
from tests.contracts.tickets_memory import MEMORY

FIGURES = {"calls", "poll_ms", "one_by_one_calls", "one_by_one_ms", "ratio"}


class Meter:
    """Counts what the system in memory is asked, and as much more as it is told to."""

    def __init__(self, outside: Outside, *, more: int = 0):
        self._outside, self._more, self._from = outside, more, 0

    async def forget_calls(self) -> None:
        self._from = self._outside.requests()

    async def calls(self) -> int:
        return self._outside.requests() - self._from + self._more


@pytest_asyncio.fixture
async def outside() -> AsyncIterator[Outside]:
    async with MEMORY.open() as opened:
        yield opened


@pytest_asyncio.fixture
async def refs(outside: Outside, tmp_path: Path) -> Sequence[TicketRef]:
    async with orders_in(tmp_path, outside) as orders:
        return [await orders.ticket() for _ in range(3)]


async def cursor(outside: Outside, refs: Sequence[TicketRef]) -> str:
    return (await outside.connector.fetch_decisions(None, among(refs))).cursor


async def test_a_poll_is_one_call_and_one_by_one_is_one_for_each(
    outside: Outside, refs: Sequence[TicketRef]
) -> None:
    since = await cursor(outside, refs)
    for ref in refs:
        await outside.approve(ref, Who.BEN)
    figures = await measure(outside.connector, Meter(outside), refs, since)

    assert figures["tickets"] == 3
    assert (figures["calls"], figures["one_by_one_calls"]) == (1, 3)
    assert set(figures) == FIGURES | {"tickets"}


async def test_a_decision_that_is_not_found_leaves_no_figures(
    outside: Outside, refs: Sequence[TicketRef]
) -> None:
    since = await cursor(outside, refs)
    await outside.approve(refs[0], Who.BEN)
    await outside.reject(refs[1], Who.BEN)
    await outside.approve(refs[2], Who.BEN)

    with pytest.raises(BenchError, match="poll did not find every decision"):
        await measure(outside.connector, Meter(outside), refs, since)


async def test_a_ticket_that_is_gone_leaves_no_figures(
    outside: Outside, refs: Sequence[TicketRef]
) -> None:
    """The poll may still show it; reading it finds nothing."""
    since = await cursor(outside, refs)
    for ref in refs:
        await outside.approve(ref, Who.BEN)
    outside.lag_index()
    await outside.delete(refs[1])

    with pytest.raises(BenchError, match="one by one, not every decision was found"):
        await measure(outside.connector, Meter(outside), refs, since)


async def test_a_poll_that_takes_more_calls_than_promised_leaves_no_figures(
    outside: Outside, refs: Sequence[TicketRef]
) -> None:
    since = await cursor(outside, refs)
    for ref in refs:
        await outside.approve(ref, Who.BEN)

    with pytest.raises(BenchError, match="took 4 calls, and 3 are promised"):
        await measure(outside.connector, Meter(outside, more=3), refs, since)


def test_the_promise_is_three_calls_for_two_hundred_tickets() -> None:
    assert (MOST_CALLS, MOST_TICKETS) == (3, 200)
    assert 150 in run.LATENCIES_MS


@pytest.mark.parametrize("system", KINDS)
def test_the_leg_does_its_job_in_a_real_system(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "DATA", tmp_path)
    monkeypatch.setattr(run, "SYSTEMS", (system,))
    monkeypatch.setattr(run, "LATENCIES_MS", (0, 20))
    results = Results()
    run.tickets(results, n=3, reps=2, tell=lambda _: None)

    assert results.missing == []
    assert [(row["rep"], row["latency_ms"]) for row in results.service] == [
        (1, 0),
        (1, 20),
        (2, 0),
        (2, 20),
    ]
    for row in results.service:
        assert (row["leg"], row["system"], row["tickets"]) == ("tickets", system, 3)
        assert set(row) >= FIGURES
        assert row["calls"] <= 2 < row["one_by_one_calls"]
        assert row["poll_ms"] >= row["calls"] * row["latency_ms"]
    assert list(tmp_path.iterdir()) == []


async def test_calls_are_not_counted_from_a_record_that_forgets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = TicketRef(id="0" * 32, key="CHG1", url="https://example.com")
    async with open_system("servicenow", SystemClock(), tmp_path / "tickets.db") as system:
        await system.slow_down(0)
        await system.connector.fetch_one(nowhere)

        assert await system.calls() > 0

        monkeypatch.setattr(ticket_systems, "MOST_RECORDED", 1)

        with pytest.raises(BenchError, match=r"called \d+ times or more"):
            await system.calls()


def test_a_system_without_a_connector_is_missing_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "DATA", tmp_path)
    monkeypatch.setattr(run, "SYSTEMS", ("redmine",))
    results = Results()
    run.tickets(results, n=1, reps=1, tell=lambda _: None)

    assert results.service == []
    assert "tickets in redmine: " in results.missing[0]["reason"]
    assert "there is no connector for redmine" in results.missing[0]["reason"]
    assert run.failed(results, [])


def test_the_number_of_tickets_is_chosen_by_variable_and_by_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def tickets(results: Results, *, n: int, reps: int, tell: run.Tell) -> None:
        asked.append(n)

    monkeypatch.setattr(run, "service", lambda *_, **__: None)
    monkeypatch.setattr(run, "sessions", lambda *_, **__: Results())
    monkeypatch.setattr(run, "tickets", tickets)
    output = ["--output", str(tmp_path / "results.json")]
    monkeypatch.delenv("TICKETS", raising=False)
    main(output)
    monkeypatch.setenv("TICKETS", "7")
    main(output)
    main([*output, "--tickets", "9"])
    main([*output, "--no-service"])

    assert asked == [200, 7, 9]


def test_render_shows_the_poll_beside_one_by_one() -> None:
    def row(rep: int, poll_ms: float) -> dict[str, object]:
        return {
            "leg": "tickets",
            "rep": rep,
            "system": "jira",
            "tickets": 200,
            "latency_ms": 150,
            "calls": 2,
            "poll_ms": poll_ms,
            "one_by_one_calls": 200,
            "one_by_one_ms": 4000.0,
            "ratio": 4000.0 / poll_ms,
        }

    text = render({"rows": [], "service": [row(1, 400.0), row(2, 320.0)], "missing": []})

    assert "| 200 | jira | 150 | 2 | 360 (340-380) | 200 | 4,000 | 11.2 (10.6-11.9) |" in text
