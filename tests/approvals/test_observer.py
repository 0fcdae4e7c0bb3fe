"""What an observer hears of deliveries, and that hearing nothing costs nothing."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from countersign.approvals.approvals import Approvals
from countersign.approvals.decisions.outbox import OUTCOME_WAIT
from countersign.approvals.delivery.courier import Courier
from countersign.approvals.errors import (
    AlreadyDecidedError,
    ExpiredError,
    NotAuthorisedError,
    NotFoundError,
    UnavailableError,
)
from countersign.approvals.models import (
    Outcome,
    Request,
    Result,
    Verdict,
    Via,
)
from countersign.approvals.observer import SILENT, Observer, Silent
from countersign.approvals.outages import Outages
from countersign.approvals.tickets import ActKey
from tests.doubles.directory import ANNA, BEN, acting
from tests.doubles.jobs_at_work import Handler, at_work, embedded, ring
from tests.doubles.world import THREAD, World


class Heard(Silent):
    """An observer that remembers what it was told."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[str, str]] = []
        self.votes: list[tuple[str, str]] = []
        self.jobs: list[tuple[str, bool]] = []

    def voted(self, request: Request, verdict: Verdict, via: Via, *, began_s: float) -> None:
        self.votes.append((request.status, verdict))

    def vote_refused(self, request_id: str, via: Via, error: Exception) -> None:
        self.votes.append((type(error).__name__, via))

    def expired(self, request_id: str) -> None:
        self.votes.append(("expired", request_id))

    def job_started(self, kind: str, *, waited_s: float) -> None:
        assert waited_s >= 0

    def job_ended(self, kind: str, *, took_s: float, failed: bool) -> None:
        assert took_s >= 0
        self.jobs.append((kind, failed))

    def delivered(self, channel: str, outcome: Any) -> None:
        self.deliveries.append((channel, outcome))


def asking(world: World, heard: Heard) -> Approvals:
    return world.composed(observer=heard).approvals


def listening(world: World, heard: Heard) -> Courier:
    return world.composed(observer=heard).courier


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, "posted"),
        (UnavailableError("away"), "failed"),
        (NotFoundError("gone"), "abandoned"),
    ],
)
async def test_every_attempt_is_heard(world: World, error: Any, expected: str) -> None:
    heard = Heard()
    (request,) = await world.asked("quote")
    (delivery, *_) = await world.records.deliveries(request.id)
    if error is not None:
        world.channel.failures.append(error)
    await listening(world, heard).deliver(delivery.id)

    assert [("teams", expected)] == heard.deliveries


async def test_an_update_is_told_from_a_first_card(world: World) -> None:
    heard = Heard()
    (request,) = await world.asked("quote")
    (delivery, *_) = await world.records.deliveries(request.id)
    courier = listening(world, heard)
    await courier.deliver(delivery.id)
    await world.vote(request)
    world.clock.advance(OUTCOME_WAIT.total_seconds())
    await courier.deliver(delivery.id)

    assert [("teams", "posted"), ("teams", "updated")] == heard.deliveries


async def test_a_text_that_goes_nowhere_is_heard(world: World) -> None:
    heard = Heard()
    run = await world.begun(THREAD)
    await world.runs.fail(run, error="It cannot go on.")
    await listening(world, heard).notify(THREAD)

    assert [("none", "abandoned")] == heard.deliveries


async def test_the_silent_observer_hears_everything_and_keeps_nothing(world: World) -> None:
    (request,) = await world.asked("quote")
    observer: Observer = SILENT
    observer.proposed([request])
    observer.voted(request, Verdict.APPROVE, Via.API, began_s=0.0)
    observer.vote_refused(request.id, Via.API, NotFoundError("x"))
    observer.expired(request.id)
    observer.completed(request, Result(outcome=Outcome.EXECUTED), took_s=1.0)
    observer.refused_beside(session_known=True)
    observer.delivered("teams", "said")
    observer.job_started("run", waited_s=0.0)
    observer.job_ended("run", took_s=0.0, failed=False)
    with observer.span("claim", request) as nothing:
        assert nothing is None
    assert observer.traceparent() is None


def test_an_outage_is_said_once_and_its_end_once() -> None:
    outages = Outages("ticket system", key="system")
    with capture_logs() as logged:
        outages.up("jira")
        outages.down("jira", "refused")
        outages.down("jira", "refused")
        outages.down("servicenow", "timed out")
        outages.up("jira")
        outages.up("jira")

    assert [(e["event"], e["system"], e["log_level"]) for e in logged] == [
        ("ticket system unreachable", "jira", "warning"),
        ("ticket system unreachable", "servicenow", "warning"),
        ("ticket system reachable again", "jira", "info"),
    ]


async def test_the_span_of_a_proposal_is_kept_with_its_request(world: World) -> None:
    span = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    run = await world.begun()
    proposal = world.proposal(run.session.id, "quote", traceparent=span)
    (request,) = await world.submit(run, proposal)

    assert span == (await world.now(request)).traceparent


async def test_votes_are_heard_with_what_came_of_them(world: World) -> None:
    heard = Heard()
    (request,) = await world.asked("quote")
    approvals = asking(world, heard)
    for who in (ANNA, BEN, BEN):
        with suppress(NotAuthorisedError, AlreadyDecidedError):
            await approvals.vote(
                request.id, acting(who), verdict=Verdict.APPROVE, digest=request.digest
            )

    via = acting(BEN).via
    assert heard.votes == [
        ("NotAuthorisedError", via),
        ("approved", "approve"),
        ("AlreadyDecidedError", via),
    ]


async def test_an_act_is_heard_once(world: World) -> None:
    heard, act = Heard(), ActKey(channel="jira", ticket_id="1", act_id="9")
    (request,) = await world.asked("quote")
    approvals = asking(world, heard)
    for _ in range(2):
        await approvals.vote(
            request.id, acting(BEN), verdict=Verdict.APPROVE, digest=request.digest, act=act
        )

    assert [("approved", "approve")] == heard.votes


async def test_what_a_channel_refuses_is_heard_once(world: World) -> None:
    heard, act = Heard(), ActKey(channel="jira", ticket_id="1", act_id="9")
    (request,) = await world.asked("quote")
    approvals = asking(world, heard)
    for _ in range(2):
        await approvals.refuse(request.id, acting(BEN), "The text was changed.", act=act)

    assert [("NotAuthorisedError", acting(BEN).via)] == heard.votes


async def test_an_expiry_is_heard_whoever_finds_it(world: World) -> None:
    heard = Heard()
    (first,) = await world.asked("quote")
    (second,) = await world.asked("quote")
    approvals = asking(world, heard)
    await approvals.expire(first.id)
    world.clock.advance(7200)
    await approvals.expire(first.id)
    await approvals.expire(first.id)
    with pytest.raises(ExpiredError):
        await approvals.vote(second.id, acting(BEN), verdict=Verdict.APPROVE, digest=second.digest)

    assert heard.votes == [
        ("expired", first.id),
        ("expired", second.id),
        ("ExpiredError", acting(BEN).via),
    ]


async def test_jobs_are_heard_when_they_end_well_or_not(tmp_path: Path) -> None:
    heard, good, bad = Heard(), Handler(), Handler()
    bad.fails = True
    async with embedded(tmp_path) as world:
        world.jobs.handle("good", good)
        world.jobs.handle("bad", bad)
        async with at_work(world) as jobs:
            jobs.observer = heard
            await ring(world, "a", "good")
            await ring(world, "a", "bad")
            await jobs.until_idle()

    assert {("good", False), ("bad", True)} == set(heard.jobs)


async def test_silence_says_nothing_of_who_can_decide_again(world: World) -> None:
    (request,) = await world.submit(await world.begun(), "quote")
    with capture_logs() as said:
        SILENT.somebody_again(request)

    assert [] == said
