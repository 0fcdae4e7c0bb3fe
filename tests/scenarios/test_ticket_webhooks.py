"""Webhooks are hints: only signed ones are read, and none of them decides anything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.scenarios.ticket_world import TicketWorld, ticket_world
from tests.scenarios.traffic import reads

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("both_databases")]

SYSTEMS = ["jira", "servicenow"]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=SYSTEMS)
async def app(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, both_databases: None
) -> AsyncIterator[TicketWorld]:
    """A server that hears of nothing but by the webhooks that a test sends: polls are rare."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    connector = {"poll_every": "1h"}
    async with ticket_world(folder, request.param, connector=connector) as world:
        async with world.server():
            await world.seen(1)
            yield world


@pytest_asyncio.fixture(loop_scope="module")
async def asked(app: TicketWorld) -> dict[str, Any]:
    """A request whose ticket Alex has approved, which nobody has told us."""
    request = await app.asked()
    await app.quiet()
    app.system.notify(None)
    app.desk.answer(str(app.key(request)), "approve")
    return request


async def nothing_changed(app: TicketWorld, request: dict[str, Any]) -> bool:
    """Whether it waits as before; then the real webhook comes, and it is decided."""
    now = await app.request(request["id"])
    kinds = await app.kinds(request)
    waits: bool = now["status"] == "pending" and "voted" not in kinds
    assert 202 == await app.hook(*app.desk.webhook(str(app.key(request))))
    await app.over(request["session_id"])
    return waits and (1, 1) == await app.voted(request)


async def test_unsigned_webhook_is_refused(app: TicketWorld, asked: dict[str, Any]) -> None:
    status = await app.hook(*app.desk.webhook(str(app.key(asked)), secret=""))

    assert 401 == status
    assert await nothing_changed(app, asked)


async def test_webhook_with_another_secret_is_refused(
    app: TicketWorld, asked: dict[str, Any]
) -> None:
    status = await app.hook(*app.desk.webhook(str(app.key(asked)), secret="guessed"))

    assert 401 == status
    assert await nothing_changed(app, asked)


async def test_body_that_was_cut_short_is_refused(app: TicketWorld, asked: dict[str, Any]) -> None:
    headers, body = app.desk.webhook(str(app.key(asked)))

    assert 401 == await app.hook(headers, body[:-20])
    assert await nothing_changed(app, asked)


async def test_connection_that_breaks_off_in_the_body_leaves_nothing(
    app: TicketWorld, asked: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    headers, body = app.desk.webhook(str(app.key(asked)))
    host, port = app.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    lines = [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Host: {host}:{port}", f"Content-Length: {len(body)}", "", ""]
    head = "\r\n".join([f"POST /webhooks/{app.desk.name} HTTP/1.1", *lines])
    writer.write(head.encode() + body[:-20])
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    assert await nothing_changed(app, asked)
    assert [] == [record.message for record in caplog.records if record.levelname == "ERROR"]


async def test_three_megabytes_are_too_much(app: TicketWorld, asked: dict[str, Any]) -> None:
    body = b'{"webhookEvent": "' + b"x" * 3_000_000 + b'"}'
    headers, _ = app.desk.webhook(str(app.key(asked)), body=body)
    url = f"{app.url}/webhooks/{app.desk.name}"
    async with aiohttp.ClientSession() as http:
        try:
            async with http.post(url, data=BytesIO(body), headers=headers) as answer:
                status: int | None = answer.status
        except aiohttp.ClientConnectionError:  # refused by its length before all of it was sent
            status = 413

    assert 413 == status
    assert await nothing_changed(app, asked)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b"not json", b"[" * 5_000])
async def test_signed_nonsense_is_ignored(
    app: TicketWorld, asked: dict[str, Any], body: bytes
) -> None:
    status = await app.hook(*app.desk.webhook(str(app.key(asked)), body=body))

    assert 200 == status
    assert await nothing_changed(app, asked)


async def test_webhook_about_a_ticket_of_somebody_else_is_ignored(
    app: TicketWorld, asked: dict[str, Any]
) -> None:
    other = app.desk.make("Lunch")

    assert 200 == await app.hook(*app.desk.webhook(other))
    assert await nothing_changed(app, asked)


async def test_signed_webhook_that_lies_decides_nothing(app: TicketWorld) -> None:
    """It says that Alex has approved; the ticket says that nobody has."""
    request = await app.asked()
    await app.quiet()
    before = reads(app.system)

    assert 202 == await app.hook(*app.desk.webhook(str(app.key(request))))
    await app.read_since(before)

    assert ("pending", (0, 0)) == (
        (await app.request(request["id"]))["status"],
        await app.voted(request),
    )


async def test_replayed_webhook_counts_nothing_twice(
    app: TicketWorld, asked: dict[str, Any]
) -> None:
    """Ten times at once, and again when everything is over."""
    delivery = app.desk.webhook(str(app.key(asked)))

    first = await asyncio.gather(*(app.hook(*delivery) for _ in range(10)))
    await app.closed(asked)
    again = await app.hook(*delivery)
    await app.quiet()

    assert [202] * 11 == [*first, again]
    assert (1, 1) == await app.voted(asked)
    assert "ticket_moved_late" not in await app.kinds(asked)


async def test_webhook_of_an_older_state_that_comes_last_changes_nothing(
    app: TicketWorld, asked: dict[str, Any]
) -> None:
    key = str(app.key(asked))
    newest = app.desk.webhook(key)
    older = dict(newest[0]), newest[1].replace(b'"approved"', b'"requested"')
    if app.desk.name == "servicenow":
        older = app.desk.webhook(key, body=older[1])

    await app.hook(*newest)
    await app.over(asked["session_id"])
    await app.hook(*older)
    await app.quiet()

    assert (1, 1) == await app.voted(asked)
    assert "executed" == (await app.request(asked["id"]))["status"]


async def test_webhook_of_a_system_that_is_not_configured_is_not_found(app: TicketWorld) -> None:
    headers, body = {"Content-Type": "application/json"}, json.dumps({}).encode()
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{app.url}/webhooks/bugzilla", data=body, headers=headers) as answer,
    ):
        assert 404 == answer.status
