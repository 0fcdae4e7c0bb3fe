"""Who gets in, what every answer carries, and whether the document tells the truth."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator

from countersign.bot.server.app import OPERATIONS
from tests.bot.api_world import World, running

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as started:
        yield started


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer  ", "Bearer wrong", "Basic token-of-alex", "Bearer token-of-ale",
     "token-of-alex", "Bearer token-of-alex extra", "Bearer t\udcffken"],
)  # fmt: skip
async def test_every_route_wants_a_valid_token(world: World, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in [(o.method, o.path) for o in OPERATIONS]:
        url = re.sub(r"\{\w+\}", "x", path)
        async with world.client.request(method, url, headers=headers) as response:
            body = await response.json(content_type="application/problem+json")

        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert body["title"] == "Unauthorized"


async def test_every_answer_is_named_and_guarded(world: World) -> None:
    for path in ("/healthz", "/api/v1/sessions", "/nowhere"):
        async with world.client.get(path, headers={"X-Request-Id": "my-id.1"}) as response:
            assert response.headers["X-Request-Id"] == "my-id.1"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cache-Control"] == "no-store"
            assert "aiohttp" not in response.headers["Server"]


async def test_a_request_id_that_is_no_id_is_replaced(world: World) -> None:
    async with world.client.get("/healthz", headers={"X-Request-Id": "a b<script>"}) as response:
        assert len(response.headers["X-Request-Id"]) == 32


async def test_healthz_answers_whenever_the_server_lives(world: World) -> None:
    assert await world.call("GET", "/healthz", person=None) == (200, {"status": "ok"})


async def test_what_was_put_off_is_made_ready_once_somebody_was_answered(tmp_path: Path) -> None:
    awoken: list[str] = []
    async with running(tmp_path, awaken=lambda: awoken.append("here")) as world:
        for path in ("/healthz", "/readyz", "/metrics"):
            await world.call("GET", path, person=None)
        refused = await world.call("GET", "/api/v1/sessions", person=None)
        before = list(awoken)
        await world.call("GET", "/api/v1/sessions")

    assert (401, [], ["here"]) == (refused[0], before, awoken)


async def test_readyz_says_what_is_wrong(world: World) -> None:
    ready = await world.call("GET", "/readyz", person=None)
    world.checks["jobs"] = "not running"
    not_ready = await world.call("GET", "/readyz", person=None)

    checks, systems = {"store": "ok"}, {"jira": "ok"}
    assert ready == (200, {"status": "ready", "checks": checks, "systems": systems})
    assert not_ready[0] == 503
    assert not_ready[1]["checks"]["jobs"] == "not running"


async def test_server_is_ready_while_a_system_around_it_is_not(world: World) -> None:
    world.systems["jira"] = "unreachable: 3 polls failed"
    status, body = await world.call("GET", "/readyz", person=None)

    assert (status, body["systems"]) == (200, {"jira": "unreachable: 3 polls failed"})


async def document(world: World) -> Any:
    _, body = await world.call("GET", "/api/openapi.json", person=None)
    return body


async def test_every_route_of_the_api_is_documented(world: World) -> None:
    api = await document(world)
    app = world.client.server.app  # type: ignore[attr-defined]

    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.method != "HEAD" and route.resource.canonical.startswith("/api/v1")
    }
    documented = {(m.upper(), p) for p, item in api["paths"].items() for m in item}

    assert documented == served


async def test_the_references_of_the_document_resolve(world: World) -> None:
    api = await document(world)

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [r for item in value.values() for r in references(item)]
        return [r for item in value for r in references(item)] if isinstance(value, list) else []

    for reference in references(api):
        assert reference.rpartition("/")[2] in api["components"]["schemas"]
    ids = [o["operationId"] for item in api["paths"].values() for o in item.values()]
    assert len(ids) == len(set(ids))


def validator(api: Any, path: str, method: str, status: int) -> Draft202012Validator:
    content = api["paths"][path][method]["responses"][str(status)]["content"]
    (schema,) = (item["schema"] for item in content.values())
    return Draft202012Validator({**schema, "components": api["components"]})


async def test_real_answers_validate_against_the_document(world: World) -> None:
    api = await document(world)
    request = await world.waiting()
    session = f"/api/v1/sessions/{request['session_id']}"
    one = f"/api/v1/requests/{request['id']}"
    await world.vote(request)
    calls: list[tuple[str, str, str, int, dict[str, Any]]] = [
        ("post", "/api/v1/sessions", "/api/v1/sessions", 201,
         {"json": {"workflow": "echo", "task": "x"}}),
        ("post", "/api/v1/sessions", "/api/v1/sessions", 422, {"json": {}}),
        ("post", "/api/v1/sessions", "/api/v1/sessions", 415, {"data": b"x"}),
        ("get", "/api/v1/sessions", "/api/v1/sessions", 200, {}),
        ("get", "/api/v1/sessions/{id}", session, 200, {}),
        ("get", "/api/v1/sessions/{id}", "/api/v1/sessions/no", 404, {}),
        ("get", "/api/v1/sessions/{id}/transcript", session + "/transcript", 200, {}),
        ("post", "/api/v1/sessions/{id}/cancel", session + "/cancel", 403, {}),
        ("get", "/api/v1/requests", "/api/v1/requests", 200, {}),
        ("get", "/api/v1/requests/{id}", one, 200, {}),
        ("post", "/api/v1/requests/{id}/votes", one + "/votes", 409,
         {"json": {"verdict": "approve", "digest": request["digest"]}}),
        ("get", "/api/v1/ledger", f"/api/v1/ledger?session={request['session_id']}", 200, {}),
        ("get", "/api/v1/ledger", "/api/v1/ledger", 422, {}),
    ]  # fmt: skip
    for method, path, url, expected, options in calls:
        status, body = await world.call(method.upper(), url, **options)

        assert status == expected, (url, body)
        validator(api, path, method, status).validate(body)


async def test_a_bug_is_a_500_that_tells_nothing_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(world.chats, "runs")

    status, body = await world.call(
        "POST", "/api/v1/sessions", json={"workflow": "echo", "task": "x"}
    )

    assert status == 500
    assert "runs" not in str(body)
    assert "X-Request-Id" in body["detail"]


@pytest.mark.parametrize(
    ("local", "host", "expected"),
    [
        (True, "evil.example", 421),
        (True, "evil.example:3978", 421),
        (True, "127.0.0.1.evil.example", 421),
        (True, "localhost:3978", 200),
        (True, "127.0.0.1:3978", 200),
        (False, "approve.example", 200),
    ],
)
async def test_local_mode_answers_to_this_machine_only(
    tmp_path: Path, local: bool, host: str, expected: int
) -> None:
    """Its tokens are well known, and a browser can be led here under another name."""
    async with running(tmp_path, local=local) as world:
        headers = {"Authorization": "Bearer token-of-alex", "Host": host}
        async with world.client.get("/api/v1/requests", headers=headers) as response:
            assert response.status == expected
