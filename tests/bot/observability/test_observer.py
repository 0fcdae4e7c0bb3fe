"""One line and one count for each thing that happens to a request."""

from __future__ import annotations

import time
from pathlib import Path

from structlog.testing import capture_logs

from countersign.approvals.errors import NotAuthorisedError
from countersign.approvals.models import (
    Cause,
    Outcome,
    Result,
    Verdict,
    Via,
)
from countersign.bot.observability.metrics import Metrics
from countersign.bot.observability.observer import REMEMBERED, ProcessObserver
from tests.bot.observability.test_metrics import value
from tests.doubles.directory import BEN, CARA
from tests.doubles.world import opened


async def test_a_vote_that_decides_nothing_yet_is_told_from_one_that_does(tmp_path: Path) -> None:
    watch = ProcessObserver(Metrics())
    async with opened(tmp_path) as world:
        (request,) = await world.asked("wire")
        first = await world.vote(request, BEN)
        second = await world.vote(request, CARA)
    with capture_logs() as logged:
        for after in (first, second):
            watch.voted(after, Verdict.APPROVE, Via("teams"), began_s=time.time())

    assert ["vote counted", "request decided"] == [line["event"] for line in logged]
    assert {request.id} == {line["request_id"] for line in logged}
    labels = {"channel": "teams", "verdict": "approve"}
    assert 2 == value(watch.metrics, "votes_total", **labels)
    assert 1 == value(watch.metrics, "decisions_total", **labels)


async def test_every_change_of_state_is_one_line(tmp_path: Path) -> None:
    watch = ProcessObserver(Metrics())
    async with opened(tmp_path) as world:
        (request,) = await world.asked("quote")
    with capture_logs() as logged:
        watch.proposed([request])
        watch.vote_refused(request.id, Via("jira"), NotAuthorisedError("Sam may not."))
        watch.expired(request.id)
        doubt = Result(outcome=Outcome.NOT_EXECUTED, cause=Cause.IN_DOUBT)
        watch.completed(request, doubt, took_s=0.1)
        watch.delivered("jira", "failed")
        watch.job_started("run", waited_s=0.1)
        watch.job_ended("run", took_s=0.1, failed=True)

    assert [
        ("request proposed", request.id),
        ("vote refused", request.id),
        ("request expired", request.id),
        ("call completed", request.id),
    ] == [(line["event"], line["request_id"]) for line in logged]
    assert "Sam" not in str(logged)
    assert "in_doubt" == logged[-1]["outcome"]


async def test_a_refusal_that_is_read_again_is_one_line_and_one_count(tmp_path: Path) -> None:
    """A session whose model is away reads the answers of its last batch each time it is tried."""
    watch = ProcessObserver(Metrics())
    async with opened(tmp_path) as world:
        requests = await world.asked("quote", "quote")
    rejected = Result(outcome=Outcome.NOT_EXECUTED, cause=Cause.REJECTED)
    with capture_logs() as logged:
        for request in (*requests, *requests):
            watch.completed(request, rejected)

    assert [r.id for r in requests] == [line["request_id"] for line in logged]
    assert 2 == value(watch.metrics, "tool_calls_total", tool="quote", outcome="rejected")


async def test_no_more_refusals_are_remembered_than_fit(tmp_path: Path) -> None:
    watch = ProcessObserver(Metrics())
    async with opened(tmp_path) as world:
        (request,) = await world.asked("quote")
    rejected = Result(outcome=Outcome.NOT_EXECUTED, cause=Cause.REJECTED)
    for number in range(REMEMBERED + 10):
        watch.completed(request.model_copy(update={"id": f"R-{number}"}), rejected)

    assert REMEMBERED == len(watch._refused)
