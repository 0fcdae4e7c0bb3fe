"""Who may read the metrics, and how requests are measured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from countersign.bot.observability.metrics import Metrics
from countersign.bot.server.metrics import MetricsPage, from_this_machine, measured

Client = TestClient[web.Request, web.Application]
TOKEN = "a-token-for-the-scraper"


@asynccontextmanager
async def served(metrics: Metrics, token: str | None = None) -> AsyncIterator[Client]:
    async def fresh() -> None:
        return None

    async def fine(_: web.Request) -> web.Response:
        return web.Response()

    async def crash(_: web.Request) -> web.Response:
        raise RuntimeError("a bug")

    async def gone(_: web.Request) -> web.Response:
        raise web.HTTPGone

    page = MetricsPage(metrics, fresh, None if token is None else SecretStr(token))
    app = web.Application(middlewares=[measured(metrics, None)])
    app.router.add_get("/metrics", page.get)
    app.router.add_get("/api/v1/requests/{id}", fine)
    app.router.add_get("/crash", crash)
    app.router.add_get("/gone", gone)
    async with TestClient(TestServer(app)) as client:
        yield client


async def status(client: Client, headers: Mapping[str, str]) -> int:
    async with client.get("/metrics", headers=headers) as response:
        return response.status


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),
        ({"Host": "localhost:3978"}, 200),
        ({"Host": "countersign.example.com"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "["}, 403),
        ({"X-Forwarded-For": "203.0.113.9"}, 403),
        ({"Forwarded": "for=203.0.113.9"}, 403),
        ({"X-Real-IP": "203.0.113.9"}, 403),
        ({"Via": "1.1 proxy"}, 403),
    ],
)
async def test_without_a_token_only_this_machine_reads(
    headers: Mapping[str, str], expected: int
) -> None:
    """A reverse proxy on this machine asks for others, and is not let in for them."""
    async with served(Metrics()) as client:
        assert expected == await status(client, headers)


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("127.0.0.1", True),
        ("127.0.0.9", True),
        ("::1", True),
        ("203.0.113.9", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_another_machine_may_say_what_it_wants(remote: str, expected: bool) -> None:
    request = make_mocked_request("GET", "/metrics", headers={"Host": "localhost"})

    assert expected is from_this_machine(request.clone(remote=remote))


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        ("Bearer another", 401),
        (f"Bearer {TOKEN}x", 401),
        ("Bearer ", 401),
        (f"Basic {TOKEN}", 401),
        ("", 401),
    ],
)
async def test_with_a_token_everybody_needs_it(authorization: str, expected: int) -> None:
    """Also this machine, where a proxy may run that says nothing of whom it asks for."""
    async with served(Metrics(), TOKEN) as client:
        assert expected == await status(client, {"Authorization": authorization})


async def test_both_formats_can_be_parsed() -> None:
    async with served(Metrics()) as client:
        async with client.get("/metrics") as response:
            plain, said = await response.text(), response.headers["Content-Type"]
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        async with client.get("/metrics", headers=accept) as response:
            openmetrics = response.headers["Content-Type"]
            text = await response.text()

    assert said.startswith("text/plain")
    assert "countersign_build_info" in {f.name for f in text_string_to_metric_families(plain)}
    assert openmetrics.startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")


def answers(metrics: Metrics) -> set[tuple[str, str, str]]:
    body, _ = metrics.text()
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"])
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name == "countersign_http_request_seconds_count"
    }


async def test_requests_are_measured_by_route_and_never_by_path() -> None:
    metrics = Metrics()
    async with served(metrics) as client:
        for method, path in (
            ("GET", "/api/v1/requests/R-1"),
            ("GET", "/api/v1/requests/R-2"),
            ("GET", "/crash"),
            ("GET", "/gone"),
            ("GET", "/what/a/stranger/chose"),
            ("PURGE", "/cache"),
        ):
            async with client.request(method, path) as response:
                await response.read()

    assert answers(metrics) == {
        ("GET", "/api/v1/requests/{id}", "200"),
        ("GET", "/crash", "500"),
        ("GET", "/gone", "410"),
        ("GET", "unmatched", "404"),
        ("other", "unmatched", "404"),
    }
