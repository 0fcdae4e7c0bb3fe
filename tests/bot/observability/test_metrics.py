"""What is counted, and that what waits is read from the database, seldom, and never made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from countersign.approvals.errors import (
    AlreadyDecidedError,
    ConflictError,
    ExpiredError,
    InvalidArgumentsError,
    NotAuthorisedError,
    StaleDigestError,
)
from countersign.approvals.models import (
    Cause,
    Outcome,
    RequestId,
    RequestStatus,
    Result,
    Verdict,
    Via,
)
from countersign.approvals.observer import Observer
from countersign.bot.observability.backlog import (
    AGAIN_S,
    READ_TIMEOUT_S,
    REUSE_S,
    SHARE,
    State,
)
from countersign.bot.observability.metrics import Metrics, outcome, refusal
from countersign.bot.observability.observer import ProcessObserver
from tests.doubles.world import World, opened

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def samples(metrics: Metrics) -> Samples:
    body, _ = metrics.text()
    return {
        (sample.name.removeprefix("countersign_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics).get((name, frozenset(labels.items())))


@dataclass
class Scraped:
    """Metrics of a world, with a timer that a test sets."""

    world: World
    now_s: float = 0.0
    took_s: float = 0.0
    checks: dict[str, str] = field(default_factory=lambda: {"store": "ok", "jobs": "stuck"})

    def __post_init__(self) -> None:
        self.state = State(self.world.store, self.world.clock, self._ready, timer=self._timer)
        self.metrics = Metrics(self.state)

    def _timer(self) -> float:
        self.now_s += self.took_s / 2
        return self.now_s

    async def _ready(self) -> dict[str, str]:
        return self.checks


@pytest_asyncio.fixture
async def scraped(tmp_path: Path) -> AsyncIterator[Scraped]:
    async with opened(tmp_path) as world:
        yield Scraped(world)


async def test_what_waits_is_shown_by_rule_and_age(scraped: Scraped) -> None:
    (request,) = await scraped.world.asked("quote")
    scraped.world.clock.advance(timedelta(minutes=10).total_seconds())
    await scraped.state.refresh()

    found, rule = scraped.metrics, request.rule_id
    assert 1 == value(found, "pending_requests", rule=rule)
    assert 600 == value(found, "pending_oldest_age_seconds", rule=rule)
    assert 1 == value(found, "pending_requests_by_age", rule=rule, age="1h")
    assert 0 == value(found, "pending_requests_by_age", rule=rule, age="5m")
    assert 0 == value(found, "in_doubt_requests")
    assert 1 == value(found, "open_sessions", status="waiting")
    assert 600 == value(found, "delivery_oldest_due_seconds", channel="teams")
    assert 600 == value(found, "job_overdue_seconds", kind="deliver")


async def test_what_waits_is_true_for_every_replica(scraped: Scraped) -> None:
    """It is read from the database, so a process that has done nothing shows it, too."""
    (request,) = await scraped.world.asked("quote")
    other = Scraped(scraped.world)
    for one in (scraped, other):
        await one.state.refresh()

        assert 1 == value(one.metrics, "pending_requests", rule=request.rule_id)


async def test_one_reading_is_used_for_seconds_and_says_how_old_it_is(scraped: Scraped) -> None:
    await scraped.state.refresh()
    (request,) = await scraped.world.asked("quote")
    scraped.now_s += REUSE_S - 0.1
    scraped.world.clock.advance(REUSE_S - 0.1)
    await scraped.state.refresh()
    early = value(scraped.metrics, "pending_requests", rule=request.rule_id)
    age_s = value(scraped.metrics, "state_age_seconds")
    scraped.now_s += 0.1
    await scraped.state.refresh()

    assert early is None
    assert pytest.approx(REUSE_S - 0.1) == age_s
    assert 1 == value(scraped.metrics, "pending_requests", rule=request.rule_id)


async def test_a_reading_that_takes_long_is_used_longer(scraped: Scraped) -> None:
    scraped.took_s = 4.0  # two looks at the timer: a reading takes two seconds
    await scraped.state.refresh()
    scraped.took_s = 0.0
    (request,) = await scraped.world.asked("quote")
    began_s = scraped.now_s - 2.0
    scraped.now_s = began_s + SHARE * 2.0 - 0.1
    await scraped.state.refresh()
    early = value(scraped.metrics, "pending_requests", rule=request.rule_id)
    scraped.now_s = began_s + SHARE * 2.0
    await scraped.state.refresh()

    assert early is None
    assert 1 == value(scraped.metrics, "pending_requests", rule=request.rule_id)


async def test_a_database_that_is_away_leaves_no_figures(scraped: Scraped) -> None:
    """Figures of yesterday would look like those of today."""
    await scraped.world.asked("quote")
    await scraped.state.refresh()
    up = value(scraped.metrics, "state_up")
    await scraped.world.store.close()  # type: ignore[attr-defined]
    scraped.now_s += REUSE_S
    await scraped.state.refresh()

    assert (1, 0) == (up, value(scraped.metrics, "state_up"))
    assert not any("pending" in name for name, _ in samples(scraped.metrics))


async def test_a_reading_that_timed_out_is_soon_tried_again(scraped: Scraped) -> None:
    """`state_up == 0` for two minutes is an alert: one bad moment of the database is none."""
    store, read = scraped.world.store, scraped.world.store.read

    async def times_out(_: object) -> None:
        scraped.now_s += READ_TIMEOUT_S
        raise TimeoutError

    store.read = times_out  # type: ignore[method-assign,assignment]
    await scraped.state.refresh()
    down = value(scraped.metrics, "state_up")
    store.read = read  # type: ignore[method-assign]
    scraped.now_s += AGAIN_S
    await scraped.state.refresh()

    assert (0, 1) == (down, value(scraped.metrics, "state_up"))


async def test_readiness_and_figures_are_asked_for_at_the_same_time(scraped: Scraped) -> None:
    """Each may take seconds while the database is away; a scrape takes no more than the longer."""
    asked, answered = asyncio.Event(), asyncio.Event()
    read = scraped.world.store.read

    async def ready() -> dict[str, str]:
        asked.set()
        await answered.wait()
        return {}

    async def reads(unit: Any) -> Any:
        await asked.wait()
        answered.set()
        return await read(unit)

    scraped.world.store.read = reads  # type: ignore[method-assign]
    state = State(scraped.world.store, scraped.world.clock, ready)
    async with asyncio.timeout(5):
        await state.refresh()


async def test_readiness_is_shown_by_check(scraped: Scraped) -> None:
    await scraped.state.refresh()

    assert 1 == value(scraped.metrics, "ready", check="store")
    assert 0 == value(scraped.metrics, "ready", check="jobs")


def test_a_scrape_ends_before_the_scraper_gives_up() -> None:
    """Prometheus waits 10 s unless told otherwise."""
    assert READ_TIMEOUT_S < 10


async def test_decisions_votes_and_refusals_are_counted_by_channel(scraped: Scraped) -> None:
    metrics = scraped.metrics
    metrics.voted(Via("teams"), Verdict.APPROVE)
    metrics.decided(Via("teams"), Verdict.MODIFY)
    metrics.expired()
    metrics.vote_refused(Via("jira"), NotAuthorisedError("no"))

    assert 1 == value(metrics, "votes_total", channel="teams", verdict="approve")
    assert 1 == value(metrics, "decisions_total", channel="teams", verdict="modify")
    assert 1 == value(metrics, "decisions_total", channel="clock", verdict="expired")
    assert 1 == value(metrics, "votes_refused_total", channel="jira", reason="not_authorised")


def test_what_is_stopped_beside_the_gate_is_counted() -> None:
    metrics = Metrics()
    observer: Observer = ProcessObserver(metrics)
    observer.refused_beside(session_known=True)
    observer.refused_beside(session_known=False)
    observer.refused_beside(session_known=False)

    assert 1 == value(metrics, "beside_gate_refused_total", session="known")
    assert 2 == value(metrics, "beside_gate_refused_total", session="unknown")


async def test_jobs_and_deliveries_are_counted(scraped: Scraped) -> None:
    metrics = scraped.metrics
    metrics.job_started("run", 0.2)
    metrics.job_ended("run", 3.0, failed=True)
    metrics.job_ended("run", 3.0, failed=False)
    metrics.delivered("jira", "failed")

    assert 0.2 == value(metrics, "job_wait_seconds_sum", kind="run")
    assert 6.0 == value(metrics, "job_seconds_sum", kind="run")
    assert 1 == value(metrics, "job_failures_total", kind="run")
    assert 1 == value(metrics, "deliveries_total", channel="jira", outcome="failed")


async def test_calls_are_counted_by_what_became_of_them(scraped: Scraped) -> None:
    (request,) = await scraped.world.asked("quote")
    metrics = scraped.metrics
    metrics.proposed([request])
    metrics.completed(request, Result(outcome=Outcome.EXECUTED), 1.5)
    doubt = Result(outcome=Outcome.NOT_EXECUTED, cause=Cause.IN_DOUBT)
    metrics.completed(request, doubt, None)

    assert 1 == value(metrics, "requests_total", rule=request.rule_id, status="pending")
    assert 1 == value(metrics, "tool_calls_total", tool="quote", outcome="executed")
    assert 1 == value(metrics, "tool_calls_total", tool="quote", outcome="in_doubt")
    assert 1 == value(metrics, "tool_seconds_count", tool="quote")


async def test_names_that_a_model_makes_up_are_no_labels(scraped: Scraped) -> None:
    """Each would be a series that stays in memory, here and in Prometheus."""
    run = await scraped.world.begun()
    made_up = [scraped.world.proposal(run.session.id, f"tool_{n}") for n in range(3)]
    misread = scraped.world.proposal(run.session.id, "tool_4", problem="There is no tool tool_4.")
    for request in await scraped.world.submit(run, *made_up, misread):
        assert request.result is not None
        scraped.metrics.completed(request, request.result, None)

    tools = {
        dict(labels)["tool"] for _, labels in samples(scraped.metrics) if "tool" in dict(labels)
    }
    assert {"other"} == tools


def test_every_refusal_has_one_word() -> None:
    errors = [
        NotAuthorisedError("x"),
        AlreadyDecidedError(RequestId("R"), RequestStatus.APPROVED, None),
        StaleDigestError("x"),
        ExpiredError("x"),
        InvalidArgumentsError("t", {}),
        ConflictError("x"),
    ]
    expected = ["not_authorised", "already_decided", "stale_digest", "expired", "invalid", "other"]

    assert expected == [refusal(error) for error in errors]


def test_a_call_that_was_not_run_is_counted_by_its_cause() -> None:
    assert "drift" == outcome(Result(outcome=Outcome.NOT_EXECUTED, cause=Cause.DRIFT))
    assert "cancelled" == outcome(Result(outcome=Outcome.NOT_EXECUTED))
    assert "failed" == outcome(Result(outcome=Outcome.FAILED))
