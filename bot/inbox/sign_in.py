"""Signing in and out: the page that offers the ways to, and the people picker of local mode."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Protocol

import structlog
from aiohttp import web

from countersign.bot.inbox import guard
from countersign.bot.inbox.pages import Form, Pages
from countersign.bot.inbox.shell import HOME, LANGUAGE_COOKIE, VIA, Visit, safe_next, to
from countersign.bot.inbox.words import LANGUAGES, N_
from countersign.connectors.system import Route

log = structlog.get_logger(__name__)

PICKER = "picker"
YEAR_S = 365 * 24 * 3600


class SignInWay(Protocol):
    """A way to prove who one is. It begins browser sessions by `BrowserSessions.begin`."""

    @property
    def words(self) -> str:
        """What its button says: `Continue with Microsoft`."""

    @property
    def path(self) -> str:
        """Where its button leads, with the page to come back to in `next`."""

    @property
    def leave_path(self) -> str:
        """Where one is signed out of it, too."""

    def routes(self) -> Sequence[Route]:
        """Its own pages."""


class SignIn:
    """The pages of signing in and out."""

    def __init__(self, pages: Pages, *, local: bool, ways: Sequence[SignInWay] = ()):
        self._pages, self._shell, self._local, self._ways = pages, pages.shell, local, ways

    def routes(self) -> Sequence[Route]:
        """Of local mode the picker, too."""
        pages = self._pages
        routes = [
            Route("GET", f"{HOME}/sign-in", pages.open(self.show)),
            Route("GET", f"{HOME}/signed-in", pages.look(self.done)),
            Route("POST", f"{HOME}/sign-out", pages.act(self.leave, guests=True)),
            Route("POST", f"{HOME}/language", pages.act(self.language, guests=True)),
        ]
        if self._local:
            picker = pages.act(self.pick, guests=True)
            routes.append(Route("POST", f"{HOME}/sign-in/local", picker))
        return routes + [route for way in self._ways for route in way.routes()]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """The ways to sign in; where there is none, what to configure."""
        people = self._shell.directory.everybody() if self._local else ()
        ready = bool(people or self._ways)
        return self._shell.page(
            visit,
            "sign_in.html",
            status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE,
            people=people,
            ways=self._ways,
            next=safe_next(visit.request.query.get("next", HOME)),
        )

    async def pick(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Be one of the people of local mode."""
        person = self._shell.directory.by_id(form.text("person"))
        if not self._local or person is None:
            raise web.HTTPNotFound
        token = await self._shell.sessions.begin(
            person.id, method=PICKER, identity=f"{VIA}:{person.id}", replaces=visit.cookie
        )
        response = to(safe_next(form.text("next")))
        self._shell.cookies.set(response, token)
        return response

    async def done(self, visit: Visit) -> web.StreamResponse:
        """For a tab that was opened to sign in beside another one."""
        title, text = N_("You are signed in"), N_("Close this tab and go on in the other one.")
        return self._shell.notice(visit, title, text)

    async def leave(self, visit: Visit, _: Form) -> web.StreamResponse:
        """Sign this browser out."""
        await self._shell.sessions.end(visit.cookie)
        response = to(f"{HOME}/sign-in")
        self._shell.cookies.set(response, guard.guest())
        return response

    async def language(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Choose a language, for a year."""
        response = to(safe_next(form.text("next")))
        chosen = form.text("language")
        if chosen in LANGUAGES:
            secure = self._shell.cookies.secure
            response.set_cookie(
                LANGUAGE_COOKIE,
                chosen,
                path=HOME,
                max_age=YEAR_S,
                httponly=True,
                secure=secure,
                samesite="Lax",
            )
        return response
