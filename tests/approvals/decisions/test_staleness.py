"""An approval holds for a time: a call that has not begun by then is asked again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from countersign.approvals.decisions.staleness import IN_VAIN
from countersign.approvals.forms.wording import duration_words
from countersign.approvals.models import (
    Cause,
    JsonObject,
    Request,
    RequestStatus,
    Result,
    SessionStatus,
)
from countersign.approvals.store.schema import requests
from tests.doubles.directory import BEN, CARA, DAVE
from tests.doubles.world import THREAD, World

pytestmark = pytest.mark.asyncio
HOUR_S, DAY_S = 3600, 86400
ASK: JsonObject = {"effect": "require_approval", "roles": ["manager"]}


async def approved(world: World, tool: str = "quote") -> Request:
    """Approved; nobody has the lease."""
    run, request = await world.approved(tool)
    await world.runs.release(run)
    return request


async def later(world: World, request: Request, seconds: float) -> Request | Result:
    """The claim of a run that begins so much later."""
    world.clock.advance(seconds)
    run = await world.begin(request.session_id)
    claimed = await world.runs.claim(run, request.id, request.arguments)
    assert claimed is not None
    return claimed


@pytest.mark.parametrize(
    ("rule", "valid_s"),
    [
        ({**ASK, "approval_valid_for": "30m"}, 1800),
        ({**ASK, "approval_valid_for": "3d", "deadline": "1h"}, 3 * DAY_S),
        ({**ASK, "deadline": "1h"}, HOUR_S),
        ({**ASK, "deadline": "3d"}, DAY_S),
        (ASK, DAY_S),
    ],
)
async def test_approval_holds_as_long_as_the_rule_says_and_not_longer(
    world: World, rule: JsonObject, valid_s: float
) -> None:
    world.change_rule("quote", rule)
    in_time, too_late = await approved(world), await approved(world)
    claimed = await later(world, in_time, valid_s)
    asked = await later(world, too_late, 1)

    assert isinstance(claimed, Request)
    assert isinstance(asked, Request)
    assert (RequestStatus.EXECUTING, RequestStatus.PENDING) == (claimed.status, asked.status)
    assert (2, None) == (asked.revision, asked.decision)
    assert too_late.digest == asked.digest  # of the same call
    assert SessionStatus.WAITING is (await world.records.session(asked.session_id)).status


async def test_it_says_who_approved_it_when_and_for_how_long(world: World) -> None:
    request = await approved(world)
    asked = await later(world, request, HOUR_S + 1)
    entries = await world.records.ledger(request.session_id)
    (lapsed,) = [entry.body for entry in entries if entry.kind == "lapsed"]

    assert isinstance(asked, Request)
    assert (
        "Approved by Ben on 2026-03-02 09:00 UTC, but not carried out within 1 hour."
        == asked.asked_again
    )
    assert ["lapsed", "asked_again"] == [entry.kind for entry in entries][-2:]
    assert (request.id, 1, request.digest) == tuple(
        lapsed[name] for name in ("request", "revision", "digest")
    )
    assert (Cause.EXPIRED, HOUR_S) == (lapsed["cause"], lapsed["valid_for_s"])
    assert (await world.records.verify(request.session_id)).verified


async def test_everybody_who_approved_it_is_named(world: World) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, "pay")
    for who in (BEN, CARA, DAVE):
        request = await world.vote(request, who)
    asked = await later(world, request, 2 * HOUR_S + 1)

    assert isinstance(asked, Request)
    assert asked.asked_again.startswith("Approved by Ben, Cara and Dave on")
    assert 0 == asked.stage


async def test_what_is_approved_again_runs(world: World) -> None:
    request = await approved(world)
    asked = await later(world, request, HOUR_S + 1)
    assert isinstance(asked, Request)
    await world.vote(asked)
    claimed = await later(world, request, HOUR_S)

    assert isinstance(claimed, Request)
    assert RequestStatus.EXECUTING is claimed.status


async def test_what_lapses_again_and_again_is_not_asked_for_ever(world: World) -> None:
    request = await approved(world)
    for _ in range(IN_VAIN - 1):
        asked = await later(world, request, HOUR_S + 1)
        assert isinstance(asked, Request)
        await world.vote(asked)
    told = await later(world, request, HOUR_S + 1)

    assert isinstance(told, Result)
    assert (Cause.EXPIRED, True) == (told.cause, told.retry)
    assert "approved 3 times and could not be carried out" in told.message
    assert RequestStatus.CANCELLED is (await world.now(request)).status


async def test_deadline_begins_anew_with_the_new_revision(world: World) -> None:
    request = await approved(world)
    asked = await later(world, request, HOUR_S + 1)

    assert isinstance(asked, Request)
    assert asked.expires_at is not None
    assert HOUR_S == (asked.expires_at - world.clock.now()).total_seconds()


async def test_rule_of_today_may_shorten_it(world: World) -> None:
    world.change_rule("quote", {**ASK, "approval_valid_for": "4h"})
    request = await approved(world)
    world.change_rule("quote", {**ASK, "approval_valid_for": "10m"})
    asked = await later(world, request, 601)

    assert isinstance(asked, Request)
    assert RequestStatus.PENDING is asked.status
    assert "within 10 minutes" in asked.asked_again
    assert 600 == asked.valid_for_s


async def test_rule_of_today_may_not_prolong_it(world: World) -> None:
    world.change_rule("quote", {**ASK, "approval_valid_for": "10m"})
    request = await approved(world)
    world.change_rule("quote", {**ASK, "approval_valid_for": "4h"})
    asked = await later(world, request, 601)

    assert isinstance(asked, Request)
    assert RequestStatus.PENDING is asked.status


async def test_who_writes_to_the_database_does_not_prolong_it(world: World) -> None:
    request = await approved(world)
    await world.store.write(
        lambda c: c.execute(
            update(requests).where(requests.c.id == request.id).values(valid_for_s=None)
        )
    )
    refused = await later(world, request, HOUR_S + 1)

    assert isinstance(refused, Result)
    assert "column valid_for_s: is not what the ledger says" in refused.message


async def test_what_a_rule_allowed_does_not_lapse(world: World) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, "look")
    await world.runs.release(run)
    claimed = await later(world, request, 30 * DAY_S)

    assert isinstance(claimed, Request)
    assert RequestStatus.EXECUTING is claimed.status


async def test_call_that_has_begun_in_time_is_called_again_whenever(world: World) -> None:
    _, request = await world.executing(idempotent=True)
    claimed = await later(world, request, 30 * DAY_S)

    assert isinstance(claimed, Request)
    assert (RequestStatus.EXECUTING, 2) != (claimed.status, claimed.revision)
    assert request.execution_token == claimed.execution_token


async def test_it_is_shown_anew_and_where_it_was_shown_it_is_kept_up_to_date(
    world: World,
) -> None:
    request = await approved(world)
    await deliver(world, request)
    asked = await later(world, request, HOUR_S + 1)
    await deliver(world, request)

    targets = [target for _, target in world.channel.posted]
    assert ["person:ben", "person:ben", "person:cara", "person:cara"] == sorted(targets)
    assert {2} == {view.request.revision for view in world.channel.cards.values()}
    assert isinstance(asked, Request)
    assert (await world.records.verify(request.session_id)).verified


async def test_what_was_never_shown_is_shown_once(world: World) -> None:
    request = await approved(world)
    await later(world, request, HOUR_S + 1)
    await deliver(world, request)

    assert ["person:ben", "person:cara"] == sorted(target for _, target in world.channel.posted)


async def test_thread_of_the_session_is_told(world: World) -> None:
    run = await world.begun(THREAD)
    (request,) = await world.submit(run, "quote")
    await world.vote(request)
    await later(world, request, HOUR_S + 1)
    told = [text for text in await notices(world) if "Asked again" in text]

    assert 1 == len(told)
    assert "Quote" in told[0]
    assert "not carried out within 1 hour" in told[0]


async def deliver(world: World, request: Request) -> None:
    """What the jobs would do."""
    for delivery in await world.records.deliveries(request.id):
        await world.courier.deliver(delivery.id)


async def notices(world: World) -> list[Any]:
    """What the thread is told."""
    query = "SELECT text FROM notices ORDER BY id"
    return await world.store.read(lambda c: list(c.exec_driver_sql(query).scalars()))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3 * DAY_S, "3 days"),
        (DAY_S, "24 hours"),
        (HOUR_S, "1 hour"),
        (5400, "90 minutes"),
        (60, "1 minute"),
        (90, "90 seconds"),
        (1, "1 second"),
        (0.5, "0.5 seconds"),
    ],
)
async def test_times_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert words == duration_words(seconds)
