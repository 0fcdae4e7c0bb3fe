"""The inbox of a server in production, with an issuer, on a port that real browsers can reach."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from aiohttp import web
from pydantic import SecretStr

from countersign.approvals.approvals import Approvals
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.compose import compose
from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.jobs.sealing import Sealing
from countersign.approvals.models import JsonObject, Request, RequestId
from countersign.approvals.records import Records
from countersign.approvals.rules.policies import LivePolicy
from countersign.approvals.rules.policy import Policy
from countersign.bot.api.operation import Services
from countersign.bot.clock import SystemClock
from countersign.bot.http.lanes import Limits
from countersign.bot.http.settings import LimitsSettings
from countersign.bot.inbox.app import pages_of
from countersign.bot.pages import open_inbox
from countersign.bot.people import SettingsDirectory, Tokens
from countersign.bot.server.app import Parts, create_app
from countersign.bot.settings.inbox import InboxSettings
from countersign.bot.settings.sections import PersonSettings
from countersign.bot.settings.sign_in import SignInSettings
from countersign.bot.step_up.presence import Presence
from countersign.sandbox.oidc import OidcServer
from tests.bot.api_world import SCHEMA, SEALING_KEY, Chats
from tests.doubles.catalog import FakeCatalog
from tests.doubles.database import empty_store

ALEX = "00000000-0000-0000-0000-0000000000020"
MEGAN = "00000000-0000-0000-0000-0000000000021"
PEOPLE = [
    PersonSettings(
        id="alex", name="Alex Wilber", roles=frozenset({"manager"}), identities={"entra": ALEX}
    ),
    PersonSettings(
        id="megan", name="Megan Bowen", roles=frozenset({"manager"}), identities={"entra": MEGAN}
    ),
    PersonSettings(id="sam", name="Sam Carter"),
]
TOKENS = {person.id: SecretStr(f"token-of-{person.id}") for person in PEOPLE}
ASKS = {"effect": "require_approval", "roles": ["manager"], "deadline": "4h", "step_up": "5m"}


class Browser:
    """A browser without JavaScript: it keeps cookies, follows redirects by itself when told to."""

    def __init__(self, url: str) -> None:
        self.url, self.jar = url, dict[str, str]()
        self.http = httpx.AsyncClient(follow_redirects=False)

    async def get(self, path: str) -> httpx.Response:
        """A page."""
        return self._kept(await self.http.get(self._at(path), headers=self._headers()))

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """A form of a page of the server, with the token that it was drawn with."""
        return self._kept(
            await self.http.post(self._at(path), data=fields, headers=self._headers())
        )

    async def sign_in(self, person: str, path: str = "/inbox/sign-in/oidc") -> httpx.Response:
        """At the issuer, by its button; what the server says to whoever comes back."""
        return await self.get(await self.sent_back(person, path))

    async def sent_back(self, person: str, path: str = "/inbox/sign-in/oidc") -> str:
        """Where the issuer sends the browser."""
        sent = await self.get(path)
        url = sent.headers["Location"]
        form = {**dict(parse_qsl(urlsplit(url).query)), "person": person}
        answer = await self.http.post(url.partition("?")[0], data=form)
        return str(answer.headers["Location"])

    def _at(self, path: str) -> str:
        return path if path.startswith("http") else self.url + path

    def _headers(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        return {"Cookie": cookies} if cookies else {}

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        for line in answer.headers.get_list("Set-Cookie"):
            # SimpleCookie knows no Partitioned before Python 3.14, and then reads nothing.
            pair, *attributes = line.split("; ")
            name, _, value = pair.partition("=")
            self.jar[name] = value.strip('"')
            if "Max-Age=0" in attributes:
                del self.jar[name]
        return answer


@dataclass
class World:
    """A running server, its issuer, and what it knows."""

    url: str
    issuer: OidcServer
    approvals: Approvals
    records: Records
    chats: Chats
    directory: SettingsDirectory
    store: Any
    browsers: list[Browser] = field(default_factory=list)

    def browser(self) -> Browser:
        """Another one, in which nobody is signed in."""
        self.browsers.append(Browser(self.url))
        return self.browsers[-1]

    async def signed_in(self, person: str) -> Browser:
        """Another one, in which this person is."""
        browser = self.browser()
        answer = await browser.sign_in(person)
        assert 303 == answer.status_code, answer.text
        return browser

    async def waiting(self, **arguments: Any) -> Request:
        """A request of Sam's that waits."""
        sam = self.directory.by_id("sam")
        assert sam is not None
        session = await self.chats.start("echo", "send it", sam)
        return await self.chats.propose(session.id, arguments or {"to": "ceo", "amount": 10})

    async def now(self, request: Request) -> Request:
        """As it stands."""
        return await self.records.request(RequestId(request.id))


@asynccontextmanager
async def signing_in(
    tmp_path: Path,
    database: str = "sqlite",
    *,
    rule: JsonObject | None = None,
    public_url: str = "",
    issued: bool = True,
    **sign_in: Any,
) -> AsyncIterator[World]:
    """The server, at localhost, on a fresh database."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://localhost:{listening.getsockname()[1]}"
    public_url = public_url or url
    clock, directory, limits = SystemClock(), SettingsDirectory(PEOPLE), Limits(LimitsSettings())
    policies = LivePolicy(Policy.load({"tools": {"send": rule or ASKS}}, proofs=True))
    async with OidcServer.start() as issuer, empty_store(tmp_path, database) as store:
        presence = Presence(store, clock, public_url)
        domain = compose(
            store,
            clock,
            EmbeddedJobs(store, clock),
            policies,
            directory,
            FakeCatalog({"send": SCHEMA}),
            {},
            proofs=presence,
        )
        chats = Chats(domain.runs)
        services = Services(
            approvals=domain.approvals,
            records=domain.records,
            sessions=chats,
            directory=directory,
            tokens=Tokens(TOKENS),
            trail=AuditTrail(store, domain.records, Sealing(store, clock, SEALING_KEY)),
            limits=limits,
        )
        settings = SignInSettings.model_validate(
            {
                "issuer": issuer.issuer,
                "client_id": issuer.client_id,
                "client_secret": SecretStr(issuer.client_secret),
                "identity": "entra",
                **sign_in,
            }
        )

        async def nothing() -> dict[str, str]:
            return {}

        async def no_hooks(_: web.Request) -> web.StreamResponse:
            raise web.HTTPNotFound

        pages = pages_of(services, store, clock, InboxSettings(), public_url=public_url)
        async with open_inbox(
            pages,
            services,
            store,
            clock,
            presence,
            settings if issued else None,
            local=not issued,
        ) as opened:
            parts = Parts(
                services=services,
                inbox=opened,
                routes=(),
                webhooks=no_hooks,
                checks=nothing,
                systems=nothing,
            )
            runner = web.AppRunner(create_app(parts), access_log=None)
            await runner.setup()
            await web.SockSite(runner, listening).start()
            try:
                world = World(
                    url, issuer, domain.approvals, domain.records, chats, directory, store
                )
                yield world
                for browser in world.browsers:
                    await browser.http.aclose()
            finally:
                await runner.cleanup()
