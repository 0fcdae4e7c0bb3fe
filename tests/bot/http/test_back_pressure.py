"""A vote is either counted or its sender is told to come again; nothing in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from countersign.approvals.tickets import TicketRef
from countersign.bot.http.lanes import Kind, Limits
from countersign.bot.http.settings import LaneLimit, LimitsSettings, RateLimit
from tests.bot.api_world import running

pytestmark = pytest.mark.asyncio
FULL = LaneLimit(at_once=1, queue=0)


class Occupied:
    """The only place of a lane, taken while the block lasts."""

    def __init__(self, kind: Kind):
        self._kind = kind
        self.limits = Limits(LimitsSettings.model_validate({str(kind): FULL}))

    @asynccontextmanager
    async def by_somebody(self) -> AsyncIterator[None]:
        async with self.limits.admitted(self._kind, "somebody"):
            yield


async def test_a_vote_that_is_too_much_is_refused_uncounted_and_counts_when_it_comes_again(
    tmp_path: Path,
) -> None:
    lane = Occupied(Kind.VOTES)
    async with running(tmp_path, limits=lane.limits) as world:
        request = await world.waiting()
        async with lane.by_somebody():
            status, refused = await world.vote(request)
            _, still = await world.call("GET", f"/api/v1/requests/{request['id']}")
        again, decided = await world.vote(request)

    assert (429, "urn:countersign:problem:busy") == (status, refused["type"])
    assert ("pending", []) == (still["status"], still["votes"])
    assert (200, "approved", 1) == (again, decided["status"], len(decided["votes"]))


async def test_a_webhook_that_is_too_much_is_refused_and_leaves_no_hint(tmp_path: Path) -> None:
    ticket = TicketRef(id="1", key="OPS-1", url="https://jira.example")
    lane = Occupied(Kind.WEBHOOKS)
    async with running(tmp_path, limits=lane.limits) as world, lane.by_somebody():
        headers, body = world.tickets.webhook(ticket)
        async with world.client.post("/webhooks/jira", data=body, headers=headers) as response:
            answered = (response.status, response.headers["Retry-After"])

    assert ((429, "2"), []) == (answered, world.hints)


async def test_one_person_who_asks_too_often_is_refused_by_name(tmp_path: Path) -> None:
    person = RateLimit(per_s=0.001, burst=2)
    limits = Limits(LimitsSettings(person=person))
    async with running(tmp_path, limits=limits) as world:
        calls = [await world.call("GET", "/api/v1/sessions", person="alex") for _ in range(3)]
        other = await world.call("GET", "/api/v1/sessions", person="megan")

    assert [200, 200, 429] == [status for status, _ in calls]
    assert 200 == other[0]


async def test_every_operation_documents_that_it_may_say_come_again(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        _, document = await world.call("GET", "/api/openapi.json", person=None)

    operations = [o for path in document["paths"].values() for o in path.values()]
    assert operations
    for operation in operations:
        for status in ("429", "503"):
            assert "Retry-After" in operation["responses"][status]["headers"]
