"""The issuer as a way to sign in: the page that sends people there, and the way back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlencode

import structlog
from aiohttp import web

from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import JsonObject, Principal
from countersign.approvals.ports import Directory
from countersign.bot.http.lanes import Kind, Limits
from countersign.bot.inbox.pages import Pages
from countersign.bot.inbox.shell import HOME, Visit, safe_next, to
from countersign.bot.inbox.words import N_
from countersign.bot.settings.sign_in import OIDC
from countersign.bot.sign_in.attempts import LASTS, Attempt, Purpose, new_secret
from countersign.bot.sign_in.flow import Flow, NotOursError, RefusedByIssuerError
from countersign.bot.sign_in.id_tokens import Named, UntrustedError
from countersign.connectors.system import Route

log = structlog.get_logger(__name__)

START = f"{HOME}/sign-in/oidc"
CALLBACK = f"{HOME}/sign-in/callback"
LEAVE = f"{START}/leave"
METHOD = "oidc"
LONG_AGO = datetime.fromtimestamp(0, UTC)
_KEPT_CLAIMS = ("sid", "acr", "acrs", "amr")

Proven = Callable[[Visit, Attempt, Named], Awaitable[web.StreamResponse]]
"""What is done with a fresh sign-in that is to prove somebody's presence."""


class OpenIdWay:
    """Implements `bot.inbox.sign_in.SignInWay`."""

    path, leave_path = START, LEAVE

    def __init__(self, pages: Pages, limits: Limits, directory: Directory, flow: Flow):
        self._pages, self._shell, self._limits = pages, pages.shell, limits
        self._directory, self._flow = directory, flow
        self.proven: Proven | None = None
        secure = self._shell.cookies.secure
        self._cookie = "__Host-countersign-sign-in" if secure else "countersign-sign-in"

    @property
    def words(self) -> str:
        """What its button says."""
        return f"Sign in with {self._flow.issuer.settings.name}"

    def routes(self) -> Sequence[Route]:
        """Its pages."""
        return [
            Route("GET", START, self._pages.open(self.start)),
            Route("GET", CALLBACK, self._pages.open(self.back)),
            Route("GET", LEAVE, self._pages.open(self.leave)),
        ]

    async def start(self, visit: Visit) -> web.StreamResponse:
        """Send the browser to the issuer."""
        going_to = safe_next(visit.request.query.get("next", HOME))
        is_fresh = visit.request.query.get("again") == "1"
        return await self.send(visit, Purpose(next=going_to, is_fresh=is_fresh))

    async def send(self, visit: Visit, purpose: Purpose) -> web.StreamResponse:
        """To the issuer, to sign in for a purpose. Raises BusyError."""
        secret = visit.request.cookies.get(self._cookie) or new_secret()
        try:
            async with self._limits.admitted(Kind.READS, f"guest:{visit.request.remote}"):
                url = await self._flow.begin(secret, purpose)
        except UnavailableError as exc:
            return self.away(visit, exc)
        response = to(url)
        self._remember(response, secret)
        return response

    async def back(self, visit: Visit) -> web.StreamResponse:
        """Whoever comes back from the issuer is signed in, if everything holds."""
        request, secret = visit.request, visit.request.cookies.get(self._cookie, "")
        response: web.StreamResponse
        try:
            async with self._limits.admitted(Kind.READS, f"guest:{request.remote}"):
                attempt, named = await self._flow.complete(secret, dict(request.query))
        except NotOursError:
            return self._begun_elsewhere(visit)
        except RefusedByIssuerError as exc:
            log.info("not signed in", code=exc.code)
            response = self._failed(visit, N_("The issuer has not signed you in."))
        except UntrustedError as exc:
            log.warning("sign-in not believed", reason=str(exc))
            response = self._failed(visit, N_("What the issuer answered cannot be believed."))
        except UnavailableError as exc:
            return self.away(visit, exc)
        else:
            response = await self._believed(visit, attempt, named)
        response.del_cookie(self._cookie, path="/", httponly=True, secure=self._secure)
        return response

    async def leave(self, visit: Visit) -> web.StreamResponse:
        """End the session at the issuer, too, where it has a page for that."""
        back = f"{self._shell.public_url}{HOME}/sign-in"
        try:
            metadata = await self._flow.issuer.metadata()
        except UnavailableError as exc:
            return self.away(visit, exc)
        if metadata.end_session_endpoint is None:
            return to(f"{HOME}/sign-in")
        client_id = self._flow.issuer.settings.client_id
        query = urlencode({"client_id": client_id, "post_logout_redirect_uri": back})
        join = "&" if "?" in metadata.end_session_endpoint else "?"
        return to(f"{metadata.end_session_endpoint}{join}{query}")

    def person(self, named: Named) -> Principal | None:
        """Who that is here. By the id that stays with one person, in the case it is written in."""
        found = self._directory.by_identity(named.kind, named.value)
        if found is None or (
            named.kind == OIDC and found.identities.get(OIDC) != named.value.strip()
        ):
            return None
        return found

    async def _believed(self, visit: Visit, attempt: Attempt, named: Named) -> web.StreamResponse:
        if attempt.purpose.kind == "step_up":
            if self.proven is None:
                raise AssertionError("nobody has asked for a proof")
            return await self.proven(visit, attempt, named)
        person = self.person(named)
        if person is None:
            log.warning("signed in, and not known here", identity=named.identity)
            return self.stranger(visit, named)
        claims: JsonObject = {n: named.claims[n] for n in _KEPT_CLAIMS if n in named.claims}
        token = await self._shell.sessions.begin(
            person.id,
            method=METHOD,
            identity=named.identity,
            replaces=visit.cookie,
            # An issuer that does not say when may have asked nobody.
            authenticated_at=named.authenticated_at or LONG_AGO,
            claims=claims,
        )
        response = to(safe_next(attempt.purpose.next))
        self._shell.cookies.set(response, token)
        return response

    @property
    def _secure(self) -> bool:
        return self._shell.cookies.secure

    def _remember(self, response: web.StreamResponse, secret: str) -> None:
        response.set_cookie(
            self._cookie,
            secret,
            path="/",
            max_age=int(LASTS.total_seconds()),
            httponly=True,
            secure=self._secure,
            samesite="Lax",
        )

    def stranger(self, visit: Visit, named: Named) -> web.Response:
        """A clear no."""
        return self._shell.notice(
            visit,
            N_("You are not known here"),
            N_("You have signed in, but nobody has given you a place here, so you cannot come in."),
            N_("Ask whoever runs this server to add you; they need this:"),
            named.identity,
            status=HTTPStatus.FORBIDDEN,
        )

    def _begun_elsewhere(self, visit: Visit) -> web.Response:
        if visit.person is not None:  # another tab was faster
            return to(HOME)
        return self._shell.notice(
            visit,
            N_("Please sign in once more"),
            N_("This sign-in was not begun in this browser, or too long ago. Nothing was done."),
            status=HTTPStatus.BAD_REQUEST,
        )

    def _failed(self, visit: Visit, why: str) -> web.Response:
        again = N_("Nobody is signed in by that. Try again, or ask whoever runs this server.")
        title = N_("You are not signed in")
        return self._shell.notice(visit, title, why, again, status=HTTPStatus.FORBIDDEN)

    def away(self, visit: Visit, exc: UnavailableError) -> web.Response:
        """Nobody can sign in now."""
        log.warning("nobody can sign in now", error=str(exc))
        return self._shell.notice(
            visit,
            N_("Signing in does not work right now"),
            N_("The issuer that knows who you are does not answer. Try again in a moment."),
            N_("Whoever is signed in already can go on."),
            status=HTTPStatus.SERVICE_UNAVAILABLE,
        )
