"""`/inbox/teams`: the inbox as a personal tab of Teams, signed in by the token that Teams gives it.

Sources, read 2026-11-30: learn.microsoft.com, "Enable SSO for tab app", "Code configuration to
enable SSO" (the token is for `api://HOST/APP-ID`, asked for by Teams itself), "Access token claims
reference", "Tab requirements" (`frame-ancestors`); developers.google.com, "CHIPS" (`Partitioned`).
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from countersign.approvals.errors import UnavailableError
from countersign.bot.http.lanes import Kind, Limits
from countersign.bot.inbox import guard
from countersign.bot.inbox.pages import Pages
from countersign.bot.inbox.shell import HOME, Visit, safe_next, to
from countersign.bot.inbox.words import N_
from countersign.bot.sign_in.flow import Flow
from countersign.bot.sign_in.id_tokens import Expected, Named, UntrustedError, read
from countersign.bot.sign_in.way import LONG_AGO, OpenIdWay
from countersign.connectors.system import Route

log = structlog.get_logger(__name__)

PATH = f"{HOME}/teams"
METHOD = "teams_tab"
SCOPE = "access_as_user"
TEAMS = ("1fec8e78-bce4-4aaf-ab1b-5451cc387264", "5e3ce6c0-2b1f-4285-8d4b-75ee78787346")
"""Who may have asked for the token: Teams on desktops and phones, and in browsers."""
FRAMED_BY = (
    "https://teams.microsoft.com https://*.teams.microsoft.com https://*.cloud.microsoft "
    "https://*.microsoft365.com https://*.office.com"
)
MAX_FORM = 40_000


def resource_of(public_url: str, client_id: str) -> str:
    """What the token has to be for: the Application ID URI."""
    return f"api://{urlsplit(public_url).hostname}/{client_id}"


class TeamsTab:
    """The page that asks Teams for a token, and the one that takes it."""

    def __init__(self, pages: Pages, limits: Limits, flow: Flow, way: OpenIdWay):
        self._pages, self._shell, self._limits = pages, pages.shell, limits
        self._flow, self._way = flow, way
        client_id = flow.issuer.settings.client_id
        self._expected = Expected(
            audiences=(resource_of(self._shell.public_url, client_id), client_id),
            authorised_parties=TEAMS,
        )
        self._shell.framed_by, self._shell.tab = FRAMED_BY, PATH

    def routes(self) -> Sequence[Route]:
        """Its addresses."""
        return [
            Route("GET", PATH, self._pages.open(self.show)),
            Route("POST", PATH, self._pages.open(self.enter)),
        ]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """The page whose script asks Teams."""
        going_to = safe_next(visit.request.query.get("next", HOME))
        return self._shell.page(visit, "teams.html", next=going_to, path=PATH)

    async def enter(self, visit: Visit) -> web.StreamResponse:
        """Sign in whom the token names."""
        request = visit.request
        if not guard.is_ours(request, self._shell.public_url):
            return self._no(visit, "a form from elsewhere")
        if (request.content_length or 0) > MAX_FORM:
            raise web.HTTPRequestEntityTooLarge(MAX_FORM, request.content_length or 0)
        form = await request.post()
        try:
            async with self._limits.admitted(Kind.READS, f"guest:{request.remote}"):
                named = await self._read(str(form.get("token", "")))
        except UntrustedError as exc:
            return self._no(visit, str(exc))
        except UnavailableError as exc:
            return self._way.away(visit, exc)
        person = self._way.person(named)
        if person is None:
            return self._way.stranger(visit, named)
        token = await self._shell.sessions.begin(
            person.id,
            method=METHOD,
            identity=named.identity,
            replaces=self._shell.cookies.read_tab(request),
            authenticated_at=LONG_AGO,  # a token that Teams has kept does not say when
        )
        response = to(safe_next(str(form.get("next", HOME))))
        self._shell.cookies.set_tab(response, token)
        return response

    async def _read(self, token: str) -> Named:
        named = await read(token, self._flow.issuer, self._expected, self._shell.clock.now())
        if SCOPE not in str(named.claims.get("scp", "")).split():
            raise UntrustedError(f"the token is not for {SCOPE}")
        if "azp" not in named.claims:
            raise UntrustedError("the token does not say who has asked for it")
        return named

    def _no(self, visit: Visit, why: str) -> web.Response:
        log.warning("tab not signed in", reason=why)
        return self._shell.notice(
            visit,
            N_("You are not signed in"),
            N_("What Teams gave us cannot be believed. Open the inbox in a browser instead."),
            status=HTTPStatus.FORBIDDEN,
        )
