"""What is read from the network: so much, so deep, in so much time, and nothing that is no text."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from countersign.bot.http import bodies
from countersign.bot.http.bodies import (
    HTTP_LIMITS,
    MAX_BODY_BYTES,
    MAX_DEPTH,
    parse_json,
)
from countersign.bot.serving import serving
from tests.bot.api_world import World, running
from tests.bot.test_serving import production

JSON = {"Content-Type": "application/json"}
WHEN_S = 20.0


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as started:
        yield started


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def both(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """On each database."""
    async with running(tmp_path, database=request.param) as started:
        yield started


def nested(levels: int) -> bytes:
    return b"[" * levels + b"1" + b"]" * levels


REFUSED = {
    "deep": nested(MAX_DEPTH + 1),
    "deep objects": b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
    "too deep to parse": nested(100_000),
    "infinite": b'{"a": 1e999}',
    "minus infinite": b'{"a": -1e999}',
    "NaN": b'{"a": NaN}',
    "long integer": b"1" * 5_000,
    "integer that takes long": b"1" * 401,
    "long fraction": b"0." + b"1" * 500,
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "nothing": b"",
    "two values": b"{} {}",
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_json_beyond_the_limits_is_no_json(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^is (not JSON|nested)"):
        parse_json(body)


def test_json_within_the_limits_is_read() -> None:
    value: Any = parse_json(nested(MAX_DEPTH))
    for _ in range(MAX_DEPTH):
        (value,) = value

    assert 1 == value
    assert {"ü": [1.5, 2**53]} == parse_json('\ufeff{"ü": [1.5, 9007199254740992]}'.encode())


def test_name_that_stands_twice_is_refused_where_a_vote_is_read() -> None:
    """Whoever inspects it on its way may see the other one."""
    body = b'{"verdict": "reject", "verdict": "approve"}'

    assert {"verdict": "approve"} == parse_json(body)
    with pytest.raises(ValueError, match="twice"):
        parse_json(body, unique=True)


@given(st.binary(max_size=300) | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_json_or_a_value_error(body: bytes) -> None:
    try:
        value = parse_json(body, unique=True)
    except ValueError:
        return

    assert value == json.loads(json.dumps(value, allow_nan=False))


async def test_vote_with_a_name_twice_counts_for_nothing(world: World) -> None:
    request = await world.waiting()
    body = f'{{"digest": "{request["digest"]}", "verdict": "reject", "verdict": "approve"}}'
    path = f"/api/v1/requests/{request['id']}/votes"
    status, said = await world.call("POST", path, data=body, headers=JSON)
    _, after = await world.call("GET", f"/api/v1/requests/{request['id']}")

    assert (400, "urn:countersign:problem:malformed-json") == (status, said["type"])
    assert request == after


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/v1/sessions/a%00b", 404),
        ("GET", "/api/v1/requests/%00", 404),
        ("POST", "/api/v1/sessions/%00/cancel", 404),
        ("GET", "/api/v1/sessions/NUL" + "a" * 200, 404),
        ("GET", "/api/v1/requests?session=a%00b", 422),
        ("GET", "/api/v1/ledger?session=%00", 422),
        ("GET", "/api/v1/sessions?cursor=" + base64.urlsafe_b64encode(
            b"2026-11-22T12:00:00.000000Z a\0b").decode(), 422),
    ],
)  # fmt: skip
async def test_nul_reaches_no_store(both: World, method: str, path: str, expected: int) -> None:
    """PostgreSQL refuses it, which would be our error."""
    status, body = await both.call(method, path)

    assert expected == status
    assert ("cursor" if "cursor" in path else "NUL") in body["detail"]


async def test_lengths_that_are_documented_are_those_that_hold(world: World) -> None:
    _, api = await world.call("GET", "/api/openapi.json")
    parameters = [
        p for path in api["paths"].values() for o in path.values() for p in o["parameters"]
    ]
    texts = [p["schema"] for p in parameters if p["schema"].get("type") == "string"]
    body = {"workflow": "echo", "task": "x"}
    key = {"Idempotency-Key": "k" * 201}
    status, _ = await world.call("POST", "/api/v1/sessions", json=body, headers=key)

    assert 422 == status
    assert [] == [schema for schema in texts if not {"maxLength", "enum", "format"} & set(schema)]


async def test_nul_in_words_is_kept_as_a_sign_that_there_was_one(both: World) -> None:
    status, body = await both.call(
        "POST", "/api/v1/sessions", json={"workflow": "echo", "task": "a\0b"}
    )
    _, session = await both.call("GET", f"/api/v1/sessions/{body['id']}")

    assert (201, "a\ufffdb") == (status, session["task"])


async def test_nul_in_a_vote_is_kept_where_it_can_be(both: World) -> None:
    """In words as that sign; in arguments as it is, since they are signed."""
    request = await both.waiting()
    changed, revised = await both.vote(
        request, verdict="modify", arguments={"to": "a\0b"}, comment="c\0d"
    )
    _, shown = await both.call("GET", f"/api/v1/requests/{request['id']}")

    assert (200, {"to": "a\0b"}) == (changed, revised["arguments"])
    assert ["c\ufffdd"] == [vote["comment"] for vote in shown["votes"]]


async def test_body_that_stops_halfway_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "READ_TIMEOUT_S", 0.05)

    async def endless() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    sent = {**JSON, "Authorization": "Bearer token-of-alex"}
    async with world.client.post("/api/v1/sessions", data=endless(), headers=sent) as response:
        body = await response.json(content_type=None)

    assert (408, "close") == (response.status, response.headers["Connection"])
    assert "did not arrive in time" in body["detail"]


@pytest.mark.parametrize("packed", [False, True])
async def test_large_body_is_refused_by_what_comes_out_of_it(world: World, packed: bool) -> None:
    body = b'{"task": "' + b"x" * (MAX_BODY_BYTES * 4) + b'"}'
    sent = {**JSON, **({"Content-Encoding": "gzip"} if packed else {})}
    data = BytesIO(gzip.compress(body) if packed else body)
    status, said = await world.call("POST", "/api/v1/sessions", data=data, headers=sent)

    assert (413, f"{MAX_BODY_BYTES:,}" in said["detail"]) == (status, True)


async def raw(url: str, text: bytes, *, more: bytes = b"") -> bytes:
    """The answer to `text`, up to the end of the connection."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(WHEN_S):
            writer.write(text)
            await writer.drain()
            return await reader.read()
    finally:
        writer.close()


async def test_connection_that_never_ends_its_request_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiohttp would keep it for an hour."""
    monkeypatch.setitem(HTTP_LIMITS, "keepalive_timeout", 0.05)
    async with serving(production(tmp_path), host="127.0.0.1", port=0) as url:
        assert b"" == await raw(url, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ")
        assert b"" == await raw(url, b"")


@pytest.mark.parametrize(
    "head",
    [
        b"X: " + b"x" * 9_000 + b"\r\n",
        b"".join(b"X-%d: x\r\n" % n for n in range(200)),
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Host: y\r\n\x00: z\r\n",
        b"A: b\r\n c: folded\r\n",
    ],
    ids=["long", "many", "smuggled", "two lengths", "NUL", "folded"],
)
async def test_head_that_can_be_read_two_ways_or_is_too_large_is_400(
    world: World, head: bytes
) -> None:
    url = str(world.client.make_url("")).rstrip("/")
    text = b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\n" + head + b"\r\nhello"
    answer = await raw(url, text)

    assert b" 400 " in answer.partition(b"\r\n")[0], answer[:200]


async def test_what_stands_in_a_head_that_cannot_be_read_is_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It may well be somebody's token."""
    async with serving(production(tmp_path), host="127.0.0.1", port=0) as url:
        bad = b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer\r\n canary\r\n\r\n"
        answer = await raw(url, bad)

    assert b" 400 " in answer
    assert "canary" not in caplog.text
    assert ("countersign.bot.http.bodies", "request not read: 400") == (
        caplog.records[-1].name,
        caplog.records[-1].message,
    )


async def test_ordinary_head_is_read(tmp_path: Path) -> None:
    async with (
        serving(production(tmp_path), host="127.0.0.1", port=0) as url,
        aiohttp.ClientSession() as client,
        client.get(f"{url}/healthz", headers={f"X-{n}": "x" for n in range(100)}) as answer,
    ):
        assert 200 == answer.status
