"""What an observer hears of deliveries, and that hearing nothing costs nothing."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from approvals.delivery import Courier
from approvals.errors import NotFoundError, UnavailableError
from approvals.models import Outcome, Result, Verdict, Via
from approvals.observing import SILENT, Observer, Silent
from approvals.outages import Outages
from tests.doubles.world import THREAD, World


class Heard(Silent):
    """An observer that remembers what it was told."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[str, str]] = []

    def delivered(self, channel: str, outcome: Any) -> None:
        self.deliveries.append((channel, outcome))


def listening(world: World, heard: Heard) -> Courier:
    return Courier(world.store, world.clock, world.service, world.channels, heard)


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
    (delivery, *_) = await world.service.deliveries(request.id)
    if error is not None:
        world.channel.failures.append(error)
    await listening(world, heard).deliver(delivery.id)

    assert [("teams", expected)] == heard.deliveries


async def test_an_update_is_told_from_a_first_card(world: World) -> None:
    heard = Heard()
    (request,) = await world.asked("quote")
    (delivery, *_) = await world.service.deliveries(request.id)
    courier = listening(world, heard)
    await courier.deliver(delivery.id)
    await world.vote(request)
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
    observer.settled(request, Result(outcome=Outcome.EXECUTED), took_s=1.0)
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
