"""PagerDuty over HTTP, against the stand-in."""

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
from countersign.connectors.on_call import pagerduty
from countersign.connectors.on_call.pagerduty import PagerDutySchedule
from countersign.connectors.on_call.settings import PagerDutySection
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox.pagerduty.server import TOKEN, PagerDutyServer
from tests.doubles.clock import ManualClock

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[PagerDutyServer]:
    async with PagerDutyServer.start() as server:
        yield server


def schedule(url: str, id_: str, token: str = TOKEN) -> PagerDutySchedule:
    section = PagerDutySection.model_validate({"token": SecretStr(token), "url": url})
    return PagerDutySchedule("payments", id_, section, ManualClock(NOW))


async def read(of: PagerDutySchedule) -> list[KnownShift]:
    try:
        return [shift async for page in of.read(None) for shift in page.shifts]
    finally:
        await of.close()


async def test_each_shift_is_read_however_many_policies_use_its_schedule(
    server: PagerDutyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagerduty, "PAGE", 3)
    ana = server.add_user("Ana Li", "ana@example.com")
    rota, other = server.add_schedule("Payments", policies=2), server.add_schedule("Other")
    rota.shifts += [
        (ana, NOW - DAY, NOW),
        (ana, NOW, NOW + DAY),
        (ana, NOW + 60 * DAY, NOW + 61 * DAY),
    ]
    other.shifts.append((ana, NOW, NOW + DAY))
    of = schedule(server.url, rota.id)
    (checked,) = await of.check()
    shifts = await read(of)
    (request, *_) = server.recorder.matching("GET", "/oncalls")

    assert "has 4 shifts; on call now: Ana Li" == checked.said
    assert {("Ana Li", "ana@example.com", ana)} == {(s.name, s.email, s.person) for s in shifts}
    assert [NOW - DAY, NOW] == sorted({s.starts_at for s in shifts})
    assert 2 == len({s.id for s in shifts})
    assert ("users", rota.id) == (request.query["include[]"], request.query["schedule_ids[]"])


async def test_what_is_wrong_with_a_schedule_is_said(server: PagerDutyServer) -> None:
    unused = server.add_schedule("Unused", policies=0)
    said = []
    for id_ in ("PGONE", unused.id):
        of = schedule(server.url, id_)
        (checked,) = await of.check()
        said.append((checked.ok, checked.said))
        await of.close()

    assert (False, "is not there; correct its id in directory.schedules") == said[0]
    assert "is used by no escalation policy" in said[1][1]


async def test_refusals_and_outages_are_told_apart(
    server: PagerDutyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rota = server.add_schedule("Payments")
    with pytest.raises(UnavailableError, match="refuses the token"):
        await read(schedule(server.url, rota.id, "wrong"))
    server.faults.fail(429, retry_after_s=9)
    with pytest.raises(UnavailableError, match="answers 429") as busy:
        await read(schedule(server.url, rota.id))
    assert 9.0 == busy.value.retry_after_s
    with pytest.raises(UnavailableError, match="cannot be reached"):
        await read(schedule("http://127.0.0.1:9", rota.id))
    monkeypatch.setattr(pagerduty, "MOST_PAGES", 0)
    with pytest.raises(UnavailableError, match="more than 0 shifts"):
        await read(schedule(server.url, rota.id))


SHIFT = {"user": {"id": "PU1"}, "schedule": {"id": "PS1"}}
TIMES = {"start": "2026-03-20T00:00:00Z", "end": "2026-03-21T00:00:00Z"}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("<html>", "no JSON"),
        ([], "no object"),
        ({"oncalls": 1}, "no list"),
        ({"oncalls": ["x"]}, "without an id"),
        ({"oncalls": [{**SHIFT, "start": None, "end": None}]}, "a time that is none"),
        ({"oncalls": [{**SHIFT, **TIMES, "start": "2026-03-20T00:00:00"}]}, "without its zone"),
        ({"oncalls": [{**SHIFT, **TIMES}, {**SHIFT, **TIMES, "schedule": None}]}, None),
    ],
)
async def test_answers_of_any_kind(answer: Any, says: str | None) -> None:
    async def tell(_: web.Request) -> web.Response:
        if isinstance(answer, str):
            return web.Response(text=answer, headers={"ratelimit-reset": "3"})
        return web.json_response(answer)

    app = web.Application()
    app.add_routes([web.get("/oncalls", tell)])
    async with serve(app, host=LOOPBACK, port=0) as url:
        if says is None:
            (shift,) = await read(schedule(url, "PS1"))
            assert ("PU1", "PU1", "") == (shift.person, shift.name, shift.email)
            return
        with pytest.raises(UnavailableError, match=says):
            await read(schedule(url, "PS1"))
