"""Pages as handlers: admission, who may come in, the token of a form, and errors as pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from countersign.approvals.errors import CountersignError, InvalidError
from countersign.bot.http.bodies import read_body
from countersign.bot.http.lanes import Kind, Limits
from countersign.bot.http.problems import status_of
from countersign.bot.inbox import guard
from countersign.bot.inbox.shell import Shell, Visit, sign_in_path, to
from countersign.bot.inbox.words import N_

log = structlog.get_logger(__name__)

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 1_000
AGAIN = "again"
"""The field of a form that was kept while somebody signed in: it is shown, and does nothing."""


@dataclass(frozen=True)
class Form:
    """What somebody typed."""

    fields: Mapping[str, str]
    is_kept: bool = False
    """It was typed before they signed in again: it is to be shown to them, and nothing else."""

    def text(self, name: str) -> str:
        """A field; "" if it is not there."""
        return self.fields.get(name, "")


Work = Callable[[], Awaitable[web.StreamResponse]]
Look = Callable[[Visit], Awaitable[web.StreamResponse]]
Act = Callable[[Visit, Form], Awaitable[web.StreamResponse]]


class Pages:
    """Makes handlers for aiohttp of what looks and what acts."""

    def __init__(self, shell: Shell, limits: Limits):
        self.shell, self._limits = shell, limits

    def open(self, look: Look) -> Handler:
        """A page for everybody."""

        async def handler(request: web.Request) -> web.StreamResponse:
            visit = await self.shell.visit(request)
            return await self._told(visit, lambda: look(visit))

        return handler

    def look(self, look: Look) -> Handler:
        """A page for people who are signed in; others are led to where they can do that."""

        async def handler(request: web.Request) -> web.StreamResponse:
            visit = await self.shell.visit(request)
            if visit.person is None:
                if "HX-Request" in request.headers:  # a part of a page: it stays as it is
                    raise web.HTTPUnauthorized
                return to(sign_in_path(request, self.shell.tab))
            return await self._told(
                visit, lambda: self._admitted(visit, Kind.READS, lambda: look(visit))
            )

        return handler

    def act(self, act: Act, kind: Kind = Kind.VOTES, *, guests: bool = False) -> Handler:
        """What a form does. Only with its token and from a page of ours; what somebody typed whose
        session has ended is kept for when they are signed in again."""

        async def handler(request: web.Request) -> web.StreamResponse:
            visit = await self.shell.visit(request)
            return await self._told(visit, lambda: self._acted(visit, act, kind, guests=guests))

        return handler

    async def _acted(
        self, visit: Visit, act: Act, kind: Kind, *, guests: bool
    ) -> web.StreamResponse:
        if not guard.is_ours(visit.request, self.shell.public_url):
            log.warning("form from elsewhere", path=visit.request.path)
            return self._not_ours(visit)
        fields = await _typed(visit.request)
        has_token = guard.carries_token(visit.cookie, fields.pop(guard.CSRF, None))
        kept = AGAIN in fields or not has_token
        fields.pop(AGAIN, None)
        if visit.person is None and not guests:
            return self.kept(visit, fields)
        if guests and not has_token:
            return self._not_ours(visit)
        form = Form(fields, is_kept=kept)
        return await self._admitted(visit, kind, lambda: act(visit, form))

    def kept(self, visit: Visit, fields: Mapping[str, str]) -> web.Response:
        """Their session has ended: where to sign in, and what they typed."""
        return self.shell.page(
            visit,
            "kept.html",
            status=HTTPStatus.UNAUTHORIZED,
            fields=fields,
            path=visit.request.path,
            again=AGAIN,
        )

    async def _admitted(self, visit: Visit, kind: Kind, work: Work) -> web.StreamResponse:
        who = visit.person.id if visit.person else f"guest:{visit.request.remote}"
        async with self._limits.admitted(kind, who):
            return await work()

    async def _told(self, visit: Visit, work: Work) -> web.StreamResponse:
        try:
            return await work()
        except CountersignError as error:
            status = status_of(error)
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                log.error("page not shown", path=visit.request.path, error=str(error))
            title = _TITLES.get(status, N_("This does not work right now"))
            return self.shell.notice(visit, title, str(error), status=status)

    def _not_ours(self, visit: Visit) -> web.Response:
        title = N_("That form did not come from here")
        text = N_("Nothing was done. Open the page again and use its own form.")
        return self.shell.notice(visit, title, text, status=HTTPStatus.FORBIDDEN)


_TITLES = {
    HTTPStatus.NOT_FOUND: N_("There is nothing here"),
    HTTPStatus.FORBIDDEN: N_("You may not do that"),
    HTTPStatus.CONFLICT: N_("Somebody was faster"),
    HTTPStatus.GONE: N_("It is too late"),
    HTTPStatus.UNPROCESSABLE_ENTITY: N_("That cannot be read"),
    HTTPStatus.TOO_MANY_REQUESTS: N_("Too much at once"),
}


async def _typed(request: web.Request) -> dict[str, str]:
    """The fields of a form. Raises InvalidError, and HTTP 413, 408, 415."""
    if request.content_type != FORM:
        raise web.HTTPUnsupportedMediaType
    body = await read_body(request)
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise InvalidError("This form cannot be read.") from None
    if any("\0" in part for pair in pairs for part in pair):
        raise InvalidError("The form has NUL in it, which is no text.")
    return dict(pairs)
