"""`/inbox/me`: one's own passkeys, and the browsers in which one is signed in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import quote

from aiohttp import web

from countersign.approvals.errors import InvalidError
from countersign.bot.inbox.pages import Form, Pages
from countersign.bot.inbox.shell import HOME, Visit, to
from countersign.bot.sign_in.way import START, OpenIdWay
from countersign.bot.step_up.passkeys import Passkeys
from countersign.connectors.system import Route

ROUTE = f"{HOME}/me"
FRESH = timedelta(minutes=10)
"""Whoever adds a passkey has proved who they are so recently: a browser that was left alone must
not become a way to prove presence."""


class MyPage:
    """The page and its buttons."""

    def __init__(self, pages: Pages, passkeys: Passkeys, way: OpenIdWay | None):
        self._pages, self._shell, self._passkeys, self._way = pages, pages.shell, passkeys, way

    def routes(self) -> Sequence[Route]:
        """Its addresses."""
        pages = self._pages
        return [
            Route("GET", ROUTE, pages.look(self.show)),
            Route("GET", f"{ROUTE}/passkeys/options", pages.look(self.options)),
            Route("POST", f"{ROUTE}/passkeys", pages.act(self.add)),
            Route("POST", f"{ROUTE}/passkeys/remove", pages.act(self.remove)),
            Route("POST", f"{ROUTE}/sign-out-everywhere", pages.act(self.leave)),
        ]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """The page."""
        return await self._drawn(visit)

    async def options(self, visit: Visit) -> web.StreamResponse:
        """What the browser asks the device for. Raises InvalidError."""
        self._require_fresh(visit)
        known = await self._passkeys.of(visit.reader)
        return web.Response(
            text=self._passkeys.to_add(visit, known), content_type="application/json"
        )

    async def add(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Keep a passkey that the device has made."""
        try:
            self._require_fresh(visit)
            if form.is_kept:
                raise InvalidError("You were signed out meanwhile. Add it once more.")
            await self._passkeys.add(visit, form.text("answer"), form.text("name"))
        except InvalidError as exc:
            return await self._drawn(visit, str(exc), status=HTTPStatus.UNPROCESSABLE_ENTITY)
        return to(ROUTE)

    async def remove(self, visit: Visit, form: Form) -> web.StreamResponse:
        """A passkey counts no longer."""
        if not form.is_kept:
            await self._passkeys.remove(visit.actor, form.text("passkey"))
        return to(ROUTE)

    async def leave(self, visit: Visit, _: Form) -> web.StreamResponse:
        """Sign out of every browser, this one too."""
        await self._shell.sessions.end_all(visit.reader.id)
        return to(f"{HOME}/sign-in")

    def _is_fresh(self, visit: Visit) -> bool:
        at = None if visit.session is None else visit.session.authenticated_at
        return at is not None and self._shell.clock.now() - at <= FRESH

    def _require_fresh(self, visit: Visit) -> None:
        if not self._is_fresh(visit):
            raise InvalidError(
                "You signed in too long ago to add a passkey. Sign in again, then add it."
            )

    async def _drawn(
        self, visit: Visit, wrong: str = "", *, status: HTTPStatus = HTTPStatus.OK
    ) -> web.StreamResponse:
        party, back = self._passkeys.party, quote(ROUTE, safe="")
        again = f"{HOME}/sign-in?next={back}"
        if self._way is not None:
            again = f"{START}?again=1&next={back}"
        return self._shell.page(
            visit,
            "me.html",
            status=status,
            passkeys=await self._passkeys.of(visit.reader),
            sessions=await self._shell.sessions.of(visit.reader.id),
            fresh=self._is_fresh(visit),
            here=party.is_here(visit.request.url.host),
            party=party,
            again=again,
            route=ROUTE,
            wrong=wrong,
        )
