"""No answer of a ticket system fills our memory or holds a thread for ever."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import requests
from aiohttp import web

from countersign.connectors import bounded_answers
from countersign.connectors.bounded_answers import BoundedAdapter, TooLargeError
from countersign.sandbox._serve import serve

LIMIT = 100_000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def site(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/", handler)
    async with serve(app, host="127.0.0.1", port=0) as url:
        yield url


def got(url: str) -> bytes:
    """What a session of ours reads there."""
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", BoundedAdapter())
        return session.get(url, timeout=5).content


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_answers, "MAX_ANSWER_BYTES", LIMIT)


async def test_an_answer_of_the_limit_is_read_whole() -> None:
    async def says(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * LIMIT)

    async with site(says) as url:
        assert b"x" * LIMIT == await asyncio.to_thread(got, url)


@pytest.mark.parametrize("packed", [False, True])
async def test_a_larger_one_is_not_read_to_its_end(packed: bool) -> None:
    async def says(_: web.Request) -> web.Response:
        body = b"x" * (LIMIT + 1)
        headers = {"Content-Encoding": "gzip"} if packed else {}
        return web.Response(body=gzip.compress(body) if packed else body, headers=headers)

    async with site(says) as url:
        with pytest.raises(TooLargeError):
            await asyncio.to_thread(got, url)


async def test_one_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_answers, "READ_S", 0.05)

    async def drips(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.01)

    async with site(drips) as url:
        with pytest.raises(requests.ReadTimeout):
            await asyncio.to_thread(got, url)


async def test_both_connectors_read_through_it() -> None:
    from countersign.connectors.jira.session import _unconnected
    from countersign.connectors.servicenow.client import _session
    from tests.connectors.jira.fixtures import settings as jira
    from tests.connectors.servicenow.fixtures import settings as servicenow

    mounted = [_unconnected(jira(), print)._session, _session(servicenow())]

    for session in mounted:
        assert isinstance(session.get_adapter("https://site.example"), BoundedAdapter)
        assert isinstance(session.get_adapter("http://127.0.0.1"), BoundedAdapter)
