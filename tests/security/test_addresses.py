"""Where requests go: to hosts that the operator or Microsoft has named, and no further."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import openai
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from countersign.agents.classic.models import shared_client
from countersign.approvals.errors import CountersignError
from countersign.bot.cli.doctor import _model
from countersign.bot.teams.hosts import (
    CONNECTOR_HOSTS,
    EXACT_HOSTS,
    GOVERNMENT_HOSTS,
    service_url_allowed,
)
from countersign.bot.teams.keys import SigningKeys
from countersign.connectors.jira.connector import JiraConnector
from countersign.connectors.servicenow.connector import ServiceNowConnector
from tests.bot.settings.test_settings import good, load
from tests.connectors.jira.fixtures import settings as jira_settings
from tests.connectors.servicenow.fixtures import settings as servicenow_settings
from tests.doubles.clock import ManualClock

HOST = "smba.trafficmanager.net"
ATTACKS = [
    f"http://{HOST}/",
    f"https://{HOST}./",
    f"https://x.{HOST}/",
    f"https://{HOST}:8443/",
    f"https://{HOST}:0/",
    f"https://{HOST}@evil.example/",
    f"https://evil.example@{HOST}/",
    f"https://@{HOST}/",
    f"https://evil.example\\@{HOST}/",
    f"https://evil.example#@{HOST}/",
    f"https://evil.example?@{HOST}/",
    f"https://{HOST}/?to=evil",
    f"https://{HOST}/#to",
    f"https://{HOST}.evil.example/",
    f"https://evil-{HOST}/",
    "https://evilbotframework.com/",
    f"https://{HOST}\t/",
    "https://smba.traffic\nmanager.net/",
    f" https://{HOST}/",
    f"https://{HOST}/\r\nHost: evil.example",
    f"https:{HOST}/",
    f"https:///{HOST}/",
    f"//{HOST}/",
    f"HTTPS\u200b://{HOST}/",
    "https://\uff53mba.trafficmanager.net/",
    "https://smba。trafficmanager。net/",
    "https://\u0455mba.trafficmanager.net/",
    "https://xn--mba-1ua.trafficmanager.net/",
    "https://smba.trafficmanager.net%2eevil.example/",
    "https://smba.trafficmanager.net%00.evil.example/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://2130706433/",
    "https://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "gopher://smba.trafficmanager.net/",
    "javascript://smba.trafficmanager.net/",
    "",
]


@pytest.mark.parametrize("url", ATTACKS)
def test_service_url_that_only_looks_right_is_refused(url: str) -> None:
    assert not service_url_allowed(url, local=False)


@pytest.mark.parametrize("url", [u for u in ATTACKS if "127.0.0.1/" not in u and "[::1]" not in u])
def test_local_mode_adds_this_machine_and_nothing_else(url: str) -> None:
    assert not service_url_allowed(url, local=True)


@pytest.mark.parametrize(
    "url",
    [
        f"https://{HOST}/teams/",
        f"https://{HOST}/emea/11111111-2222-3333-4444-555555555555/",
        f"https://{HOST}:443/amer/",
        "https://SMBA.TrafficManager.net/apac/",
        "https://smba.infra.gcc.teams.microsoft.com/gcc/",
        "https://directline.botframework.com/",
    ],
)
def test_addresses_of_the_vendor_are_taken(url: str) -> None:
    assert service_url_allowed(url, local=False)


PIECES = st.sampled_from(
    [HOST, "botframework.com", "evil.example", "https://", "http://", "/", "\\", "@", ":", "443",
     "?", "#", ".", "%2e", "\t", "\n", " ", "[", "]", "\u3002", "\uff0f", "a", "127.0.0.1", "xn--"]
)  # fmt: skip


@given(
    st.lists(PIECES, max_size=8).map("".join)
    | st.lists(PIECES).map("".join).map("https://".__add__)
)
def test_whoever_sends_reads_the_address_as_we_do(url: str) -> None:
    """The check is by one parser, the sending by another."""
    if not service_url_allowed(url, local=False):
        return
    sent = URL(url)

    assert ("https", 443, None) == (sent.scheme, sent.port, sent.user)
    assert sent.host in EXACT_HOSTS or any(
        f".{sent.host}".endswith(f".{name}") for name in (*CONNECTOR_HOSTS, *GOVERNMENT_HOSTS)
    )


@dataclass
class Lure:
    """A server that sends everybody elsewhere, and who has gone there."""

    url: str
    asked: list[str] = field(default_factory=list)
    arrived: list[str] = field(default_factory=list)


@pytest_asyncio.fixture(params=[301, 302, 307, 308])
async def lure(request: pytest.FixtureRequest) -> AsyncIterator[Lure]:
    async def trap(incoming: web.Request) -> web.Response:
        found.arrived.append(f"{incoming.path} {incoming.headers.get('Authorization')}")
        return web.json_response({})

    async def point(incoming: web.Request) -> web.Response:
        found.asked.append(incoming.path)
        where = str(elsewhere.make_url(incoming.path))
        return web.Response(status=request.param, headers={"Location": where})

    traps, points = web.Application(), web.Application()
    traps.router.add_route("*", "/{path:.*}", trap)
    points.router.add_route("*", "/{path:.*}", point)
    async with TestServer(traps) as elsewhere, TestServer(points, host="localhost") as here:
        found = Lure(url=str(here.make_url("")).rstrip("/"))
        yield found


async def keys(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        await SigningKeys(f"{url}/keys", session, lambda: 0.0).get("kid")


async def jira(url: str) -> None:
    connector = JiraConnector(jira_settings(url=url))
    try:
        await connector.find("R-1.1.0")
    finally:
        await connector.close_client()


async def servicenow(url: str) -> None:
    await _servicenow(url, {"kind": "basic", "user": "svc", "password": "x"})


async def servicenow_oauth(url: str) -> None:
    await _servicenow(url, {"kind": "oauth", "client_id": "x", "client_secret": "y"})


async def _servicenow(url: str, auth: dict[str, str]) -> None:
    made = servicenow_settings(url=url, auth=auth, user="svc")
    connector = ServiceNowConnector(made, ManualClock())
    try:
        await connector.find("R-1.1.0")
    finally:
        await connector.close_client()


async def model(url: str) -> None:
    def ask() -> None:
        with shared_client() as http:
            client = openai.OpenAI(api_key="sk-1", base_url=url, http_client=http, max_retries=0)
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])

    await asyncio.to_thread(ask)


Visit = Callable[[str], Awaitable[None]]


@pytest.mark.parametrize("visit", [keys, jira, servicenow, servicenow_oauth, model])
async def test_nobody_is_sent_elsewhere_with_our_credentials(lure: Lure, visit: Visit) -> None:
    with pytest.raises((CountersignError, openai.APIError)):
        await visit(lure.url)

    assert lure.asked
    assert [] == lure.arrived


async def test_doctor_is_not_sent_elsewhere_with_the_key(lure: Lure, tmp_path: Path) -> None:
    document = good()
    document["model"] = {"provider": "openai", "base_url": f"{lure.url}/v1"}
    settings = load(tmp_path, document)

    with pytest.raises(CountersignError):
        await _model(settings)
    assert (["/v1/models"], []) == (lure.asked, lure.arrived)


async def test_keys_are_not_fetched_in_the_open() -> None:
    """Metadata that came by https may not point to plain http."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"keys": []})

    app = web.Application()
    app.router.add_get("/keys", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        found = SigningKeys("https://login.example/metadata", session, lambda: 0.0)
        with pytest.raises(ValueError, match="not at an https address"):
            found._safe(str(server.make_url("/keys")))
