"""The door: bounded before anything is read, strangers slowed down, nobody else with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from countersign.bot.http.admission import Door, source
from countersign.bot.http.problems import problems, unauthorised
from countersign.bot.http.rates import Rates
from countersign.bot.http.settings import LimitsSettings, RateLimit

pytestmark = pytest.mark.asyncio


class World:
    """An application behind the door, whose answers wait for the test."""

    def __init__(self, settings: LimitsSettings):
        self.may_answer, self.inside = asyncio.Event(), 0
        strangers = Rates(RateLimit(per_s=0.5, burst=2), lambda: 0.0)
        self.app = web.Application(middlewares=[problems, Door(settings, strangers).middleware])
        self.app.router.add_get("/slow", self.slow)
        self.app.router.add_get("/who", self.who)
        self.app.router.add_get("/readyz", self.slow)
        self.client: TestClient[Any, Any]

    async def slow(self, _: web.Request) -> web.Response:
        self.inside += 1
        await self.may_answer.wait()
        return web.Response(text="done")

    async def who(self, request: web.Request) -> web.Response:
        known = request.headers.get("Authorization") == "Bearer good"
        return web.Response(text="you") if known else unauthorised("Who?")

    async def get(self, path: str, **headers: str) -> tuple[int, str | None]:
        async with self.client.get(path, headers=headers) as response:
            await response.read()
            return response.status, response.headers.get("Retry-After")

    async def begun(self, count: int) -> list[asyncio.Task[tuple[int, str | None]]]:
        """So many requests that wait for their answers."""
        tasks = [asyncio.create_task(self.get("/slow")) for _ in range(count)]
        await self.until_inside(count)
        return tasks

    async def until_inside(self, count: int) -> None:
        while self.inside < count:  # noqa: ASYNC110 - requests arrive through a socket
            await asyncio.sleep(0)


@asynccontextmanager
async def world(**settings: int) -> AsyncIterator[World]:
    running = World(LimitsSettings.model_validate(settings))
    async with TestClient(TestServer(running.app)) as client:
        running.client = client
        yield running


@pytest.mark.parametrize("bound", ["connections", "connections_per_source"])
async def test_more_requests_than_it_takes_are_answered_429_at_once(bound: str) -> None:
    async with world(**{bound: 2}) as door:
        begun = await door.begun(2)

        assert (429, "2") == await door.get("/slow")
        door.may_answer.set()
        assert [(200, None)] * 2 == await asyncio.gather(*begun)
        assert (200, None) == await door.get("/slow")


async def test_probes_are_answered_however_full_it_is() -> None:
    async with world(connections=1) as door:
        begun = await door.begun(1)
        probe = asyncio.create_task(door.get("/readyz"))
        await door.until_inside(2)
        door.may_answer.set()

        assert [(200, None)] * 2 == [await probe, *await asyncio.gather(*begun)]


async def test_a_refusal_is_a_problem_and_closes_the_connection() -> None:
    """Its body was not read, and must not be taken for the next request."""
    async with world(connections=1) as door:
        await door.begun(1)
        async with door.client.get("/slow") as response:
            body = await response.json(content_type="application/problem+json")

        assert ("urn:countersign:problem:busy", 429) == (body["type"], body["status"])
        assert "close" == response.headers["Connection"]
        door.may_answer.set()


async def test_strangers_are_slowed_down_and_those_who_are_known_are_not() -> None:
    async with world() as door:
        guesses = [await door.get("/who", Authorization="Bearer bad") for _ in range(3)]

        assert [(401, None), (401, None), (429, "2")] == guesses
        assert (200, None) == await door.get("/who", Authorization="Bearer good")


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),  # no proxy of ours: it may say anything
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["192.0.2.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["192.0.2.1", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["203.0.113.9, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["2001:db8::1"], "2001:db8::/64"),
        ("2001:db8:0:0:ff::1", [], "2001:db8::/64"),  # whoever has one, has the others, too
        ("::ffff:198.51.100.7", [], "198.51.100.7"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9:50123"], "203.0.113.9"),  # Azure's gateways write the port
        ("10.0.0.1", ["203.0.113.9:50123, 10.0.0.2:443"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::1]:50123"], "2001:db8::/64"),
        ("10.0.0.1", ["203.0.113.9:"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9:x"], "10.0.0.1"),
    ],
)
async def test_where_a_request_comes_from(remote: str, forwarded: list[str], expected: str) -> None:
    from multidict import CIMultiDict

    headers = CIMultiDict([("X-Forwarded-For", line) for line in forwarded])
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=remote)

    assert expected == source(request, [ip_network("10.0.0.0/8")])
