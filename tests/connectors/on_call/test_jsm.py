"""Schedules of Jira Service Management's operations over HTTP, against the stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import SecretStr

from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import KnownShift
from countersign.connectors.on_call import jsm
from countersign.connectors.on_call.jsm import JsmSchedule
from countersign.connectors.on_call.settings import JsmSection
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox.jsm_ops.server import CLOUD_ID, EMAIL, TOKEN, JsmOpsServer, Period
from tests.doubles.clock import ManualClock

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ANA, BO, CLEO = "712020:ana", "712020:bo", "712020:cleo"
ID = "f8f2a4ec-54b2-4513-865b-8cb3b81c9544"


@pytest_asyncio.fixture
async def server() -> AsyncIterator[JsmOpsServer]:
    async with JsmOpsServer.start() as server:
        yield server


def schedule(url: str, id_: str, token: str = TOKEN, email: str = EMAIL) -> JsmSchedule:
    section = JsmSection.model_validate(
        {"token": SecretStr(token), "url": url, "cloud_id": CLOUD_ID, "email": email}
    )
    return JsmSchedule("payments", id_, section, ManualClock(NOW))


async def read(of: JsmSchedule) -> list[KnownShift]:
    try:
        return [shift async for page in of.read(None) for shift in page.shifts]
    finally:
        await of.close()


@pytest.mark.parametrize("email", [EMAIL, ""])
async def test_the_final_timeline_is_read_with_its_overrides(
    server: JsmOpsServer, email: str
) -> None:
    rota = server.add_schedule("Payments")
    rota.periods += [
        Period(ANA, NOW - DAY, NOW + DAY),
        Period("", NOW + DAY, NOW + 2 * DAY, "noone"),
        Period("a-team", NOW + 2 * DAY, NOW + 3 * DAY, "team", (ANA, CLEO)),
        Period(ANA, NOW - 40 * DAY, NOW - 36 * DAY),
        Period(ANA, NOW + 60 * DAY, NOW + 61 * DAY),
    ]
    rota.overrides.append(Period(BO, NOW, NOW + DAY))
    of = schedule(server.url, rota.id, email=email)
    (checked,) = await of.check()
    shifts = await read(of)
    (request, *_) = server.recorder.matching("GET", "/timeline")

    assert (True, f"has 4 shifts; on call now: {BO}") == (checked.ok, checked.said)
    assert {
        (ANA, NOW - DAY, NOW),
        (BO, NOW, NOW + DAY),
        (ANA, NOW + 2 * DAY, NOW + 3 * DAY),
        (CLEO, NOW + 2 * DAY, NOW + 3 * DAY),
    } == {(each.person, each.starts_at, each.ends_at) for each in shifts}
    assert 4 == len({each.id for each in shifts})
    assert ("2026-02-13T12:00:00Z", "11", "weeks") == (
        request.query["date"],
        request.query["interval"],
        request.query["intervalUnit"],
    )


async def test_what_is_wrong_with_a_schedule_is_said(server: JsmOpsServer) -> None:
    disabled, team = server.add_schedule("Disabled"), server.add_schedule("Team")
    disabled.enabled, team.flattened = False, False
    team.periods += [
        Period(ANA, NOW - DAY, NOW + DAY),
        Period("a-team", NOW + DAY, NOW + 2 * DAY, "team", (BO,)),
    ]
    said = []
    for id_ in (ID, disabled.id, team.id):
        of = schedule(server.url, id_)
        (checked,) = await of.check()
        assert not checked.ok
        said.append(checked.said)
        await of.close()

    assert "is not there; correct its id in directory.schedules" == said[0]
    assert "is disabled there, so nobody is on call by it" == said[1]
    assert said[2].startswith(f"has 1 shifts; on call now: {ANA}; 1 periods are of a team")


async def test_a_rotation_that_was_deleted_asks_nobody(server: JsmOpsServer) -> None:
    rota = server.add_schedule("Payments")
    rota.periods.append(Period(ANA, NOW - DAY, NOW + DAY))
    rota.deleted = True

    assert [] == await read(schedule(server.url, rota.id))


async def test_refusals_and_outages_are_told_apart(
    server: JsmOpsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rota = server.add_schedule("Payments")
    rota.periods.append(Period(ANA, NOW - DAY, NOW + DAY))
    for email in (EMAIL, ""):
        with pytest.raises(UnavailableError, match="refuses the token"):
            await read(schedule(server.url, rota.id, "wrong", email))
    server.faults.fail(429, retry_after_s=9)
    with pytest.raises(UnavailableError, match="answers 429") as busy:
        await read(schedule(server.url, rota.id))
    assert 9.0 == busy.value.retry_after_s
    with pytest.raises(UnavailableError, match="cannot be reached"):
        await read(schedule("http://127.0.0.1:9", rota.id))
    monkeypatch.setattr(jsm, "MOST_SHIFTS", 0)
    with pytest.raises(UnavailableError, match="more than 0 shifts"):
        await read(schedule(server.url, rota.id))


RANGE = {"startDate": "2026-02-09T00:00:00Z", "endDate": "2026-05-01T00:00:00Z"}
TIMES = {"startDate": "2026-03-20T00:00:00Z", "endDate": "2026-03-21T00:00:00Z"}


def told(*periods: Any) -> dict[str, Any]:
    return {**RANGE, "finalTimeline": {"rotations": [{"periods": list(periods)}]}}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("<html>", "no JSON"),
        ([], "no object"),
        ({}, "a time that is none"),
        ({**RANGE, "endDate": "2026-03-01T00:00:00Z"}, "of another time"),
        (RANGE, "no final timeline"),
        ({**RANGE, "finalTimeline": {"rotations": ["x"]}}, "without its periods"),
        (told("x"), "without its periods"),
        (told({**TIMES, "startDate": None}), "a time that is none"),
        (told({**TIMES, "startDate": "2026-03-20T00:00:00"}), "without its zone"),
        (told(TIMES), "without its responder"),
        (told({**TIMES, "flattenedResponders": "x"}), "without its responder"),
        (told({**TIMES, "responder": {"type": "user"}}), "without an id"),
        (told({**TIMES, "responder": {"type": "user", "id": ANA}}), None),
    ],
)
async def test_answers_of_any_kind(answer: Any, says: str | None) -> None:
    async def tell(_: web.Request) -> web.Response:
        if isinstance(answer, str):
            return web.Response(text=answer)
        return web.json_response(answer)

    app = web.Application()
    app.add_routes([web.get("/{rest:.*}", tell)])
    async with serve(app, host=LOOPBACK, port=0) as url:
        if says is None:
            assert [ANA] == [shift.person for shift in await read(schedule(url, ID))]
            return
        with pytest.raises(UnavailableError, match=says):
            await read(schedule(url, ID))
