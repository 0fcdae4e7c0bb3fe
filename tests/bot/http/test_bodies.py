"""Bodies of strangers are read only as far as there is room for all of them together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from countersign.bot.http.bodies import (
    READ_AGAIN_S,
    SMALL_BYTES,
    STRANGERS_BYTES,
    Room,
    read_body,
)
from countersign.bot.http.problems import problems
from countersign.bot.server.webhooks import MAX_WEBHOOK_BYTES

LARGE = b"x" * (4 * SMALL_BYTES)
Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def reading(room: Room, entered: asyncio.Event | None = None) -> AsyncIterator[Client]:
    """A server that reads what it is sent, and says how much that was."""

    async def read(request: web.Request) -> web.Response:
        if entered is not None:
            entered.set()
        return web.Response(text=str(len(await read_body(request, MAX_WEBHOOK_BYTES, room))))

    app = web.Application(middlewares=[problems])
    app.router.add_post("/", read)
    async with TestClient(TestServer(app)) as client:
        yield client


@asynccontextmanager
async def stalled(client: Client, first: bytes) -> AsyncIterator[None]:
    """Somebody sends the first part of a body, and no more."""
    rest = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield first
        await rest.wait()

    sending = asyncio.create_task(client.post("/", data=body()))
    try:
        yield
    finally:
        rest.set()
        (await sending).close()


async def status(client: Client, body: bytes) -> int:
    async with client.post("/", data=body) as answer:
        return answer.status


async def test_large_body_is_told_to_come_again_while_others_take_the_room() -> None:
    room = Room(len(LARGE))
    with room.share() as grow:
        grow(SMALL_BYTES + len(LARGE))
        async with reading(room) as client, client.post("/", data=LARGE) as answer:
            said = (answer.status, answer.headers["Retry-After"], answer.headers["Connection"])

    assert (429, str(READ_AGAIN_S), "close") == said


async def test_small_body_is_read_whatever_others_take() -> None:
    room = Room(0)
    async with reading(room) as client:
        assert 200 == await status(client, LARGE[:SMALL_BYTES])
        assert 429 == await status(client, LARGE)


async def test_room_is_given_back_when_a_body_has_been_read_or_has_not_come() -> None:
    room, entered = Room(len(LARGE)), asyncio.Event()
    async with reading(room, entered) as client:
        async with stalled(client, LARGE):
            await entered.wait()
        for _ in range(3):
            assert 200 == await status(client, LARGE)


def test_room_is_never_lent_twice() -> None:
    room = Room(SMALL_BYTES)
    with room.share() as one, room.share() as other:
        one(2 * SMALL_BYTES)
        with pytest.raises(web.HTTPTooManyRequests):
            other(SMALL_BYTES + 1)
    with room.share() as third:
        third(2 * SMALL_BYTES)


def test_largest_body_finds_room_on_a_quiet_server() -> None:
    assert MAX_WEBHOOK_BYTES <= STRANGERS_BYTES
