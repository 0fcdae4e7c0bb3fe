"""Webhooks: signed, noted, answered at once; everything else is refused and leaves no trace."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from io import BytesIO
from pathlib import Path

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from countersign.approvals.tickets import TicketRef, WebhookHint
from countersign.bot.http import bodies
from countersign.bot.server.webhooks import MAX_WEBHOOK_BYTES
from tests.bot.api_world import World, running

OURS, THEIRS = (TicketRef(id=n, key=f"OPS-{n}", url="https://jira.example") for n in ("1", "2"))


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as started:
        yield started


async def sent(world: World, headers: dict[str, str], body: bytes, system: str = "jira") -> int:
    data = BytesIO(body)
    async with world.client.post(f"/webhooks/{system}", data=data, headers=headers) as response:
        return response.status


async def test_signed_webhook_about_our_ticket_is_accepted(world: World) -> None:
    status = await sent(world, *world.tickets.webhook(OURS))

    assert (202, [("jira", "1")]) == (status, world.hints)


async def test_every_ticket_of_a_delivery_is_noted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = WebhookHint(ticket_id="2", also=("1",), delivery_id="d")
    monkeypatch.setattr(type(world.tickets), "verify_webhook", lambda *_: both)

    assert 202 == await sent(world, *world.tickets.webhook(OURS))
    assert [("jira", "2"), ("jira", "1")] == world.hints


async def test_first_delivery_of_a_webhook_is_answered_by_who_wants_that(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def greeting(_: object, headers: Mapping[str, str]) -> Mapping[str, str] | None:
        secret = headers.get("X-Hook-Secret")
        return {"X-Hook-Secret": secret} if secret else None

    monkeypatch.setattr(type(world.tickets), "greeting", greeting, raising=False)
    headers = {"X-Hook-Secret": "b537207f20cbfa02"}
    async with world.client.post("/webhooks/jira", headers=headers) as response:
        answered = response.status, response.headers.get("X-Hook-Secret")

    assert (200, "b537207f20cbfa02") == answered
    assert 401 == await sent(world, {}, b"{}")
    assert [] == world.hints


async def test_signed_webhook_about_another_ticket_is_ignored(world: World) -> None:
    assert 200 == await sent(world, *world.tickets.webhook(THEIRS))


async def test_signed_webhook_about_something_else_is_ignored_unread(world: World) -> None:
    status = await sent(world, *world.tickets.webhook(OURS, event="deleted sprint"))

    assert (200, []) == (status, world.hints)


async def test_webhook_that_is_not_signed_by_us_is_refused_without_its_words(
    world: World,
) -> None:
    headers, body = world.tickets.webhook(OURS)
    forged = [
        ({}, body),
        ({**headers, "X-Signature": "0" * 64}, body),
        (headers, body + b" "),
        (headers, b""),
    ]
    with capture_logs() as logged:
        statuses = [await sent(world, *each) for each in forged]

    assert [401] * 4 == statuses
    assert [] == world.hints
    assert 4 == sum(entry["event"] == "webhook refused" for entry in logged)
    assert all("OPS" not in str(entry) and "ticket" not in entry for entry in logged)


async def test_system_that_is_not_configured_is_not_found(world: World) -> None:
    assert 404 == await sent(world, *world.tickets.webhook(OURS), system="servicenow")


async def test_large_body_is_refused_unread(world: World) -> None:
    headers, _ = world.tickets.webhook(OURS)

    assert 413 == await sent(world, headers, b"x" * (MAX_WEBHOOK_BYTES + 1))

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_WEBHOOK_BYTES // 65536 + 2):
            yield b"x" * 65536

    async with world.client.post("/webhooks/jira", data=endless(), headers=headers) as response:
        status = response.status

    assert 413 == status
    assert [] == world.hints


async def test_jira_sized_body_is_read(world: World) -> None:
    headers, body = world.tickets.webhook(OURS)
    large = body[:-1] + b', "more": "' + b"x" * 600_000 + b'"}'
    signed = {**headers, "X-Signature": world.tickets._signature(large)}

    assert 202 == await sent(world, signed, large)


async def test_body_that_does_not_arrive_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "READ_TIMEOUT_S", 0.05)

    async def endless() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async with world.client.post("/webhooks/jira", data=endless()) as response:
        assert 408 == response.status


async def test_small_body_that_unpacks_to_a_large_one_is_refused(world: World) -> None:
    bomb = gzip.compress(bytes(20 * MAX_WEBHOOK_BYTES))

    assert await sent(world, {"Content-Encoding": "gzip"}, bomb) in (400, 413)
