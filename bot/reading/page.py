"""`/read/{token}`: shows one revision of one request to whoever holds a link, and decides nothing.

Fetching it changes nothing: programs that make previews fetch links, too. Pressing the button says
to have read it, once; the button carries a token that came with the page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import structlog
from aiohttp import web

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import (
    BusyError,
    ConflictError,
    CountersignError,
    NotFoundError,
)
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import (
    Principal,
    RequestStatus,
)
from countersign.approvals.ports import Directory, RequestView
from countersign.approvals.read_links import (
    BrokenLinkError,
    ExpiredLinkError,
    Invitation,
    ReadLinks,
)
from countersign.approvals.records import Records
from countersign.bot.http.lanes import Kind, Limits
from countersign.bot.reading import html

log = structlog.get_logger(__name__)

ROUTE = "/read/{token}"
LONGEST_FORM = 4096
_FORM = "application/x-www-form-urlencoded"
_THANKS = (
    "It is noted that you have read all of it. Nothing is approved by that: approve or reject it "
    "where you were asked."
)
_AGAIN = (
    "To get a new one: in Teams press “Read all of it” or “New link” on the card; set a ticket to "
    "approved, and it is answered with a new link."
)


Work = Callable[[web.Request, str, Invitation, RequestView], Awaitable[web.StreamResponse]]


class ReadingPage:
    """The two handlers of the page."""

    def __init__(
        self,
        links: ReadLinks,
        approvals: Approvals,
        records: Records,
        directory: Directory,
        limits: Limits,
    ) -> None:
        self._links, self._approvals, self._records = links, approvals, records
        self._directory, self._limits = directory, limits

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Show it."""
        return await self._answered(request, self._show)

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Record that it was read."""
        return await self._answered(request, self._confirm)

    async def _answered(self, request: web.Request, work: Work) -> web.StreamResponse:
        token = request.match_info["token"]
        try:
            invitation = self._links.read(token)
            async with self._limits.admitted(Kind.READS, f"link:{invitation.request_id}"):
                view = await self._records.view(invitation.request_id)
                if view.request.revision != invitation.revision:
                    text = f"The arguments are others since this link was made. {_AGAIN}"
                    return _said(HTTPStatus.GONE, "This has changed", text)
                return await work(request, token, invitation, view)
        except ExpiredLinkError:
            return _said(HTTPStatus.GONE, "This link has expired", _AGAIN)
        except BrokenLinkError:
            text = f"It may have been cut off when it was copied. {_AGAIN}"
            return _said(HTTPStatus.NOT_FOUND, "This is not one of our links", text)
        except NotFoundError:
            return _said(HTTPStatus.NOT_FOUND, "This request is not there any more", _AGAIN)
        except BusyError as exc:
            return _said(HTTPStatus.TOO_MANY_REQUESTS, "Too much at once", str(exc))
        except CountersignError as exc:
            log.warning("page not shown", error=str(exc))
            text = "Nothing was recorded. Please try again in a moment."
            return _said(HTTPStatus.SERVICE_UNAVAILABLE, "This does not work right now", text)

    async def _show(
        self, request: web.Request, token: str, invitation: Invitation, view: RequestView
    ) -> web.StreamResponse:
        reader = None if invitation.person is None else self._directory.by_id(invitation.person)
        if reader is not None:
            await self._records.require_seen(reader, view.request.id)
        parts = await asyncio.to_thread(html.whole, view)  # megabytes take their time
        if view.request.status is RequestStatus.PENDING:
            parts.append(self._button(token, invitation, view))
        return _page(HTTPStatus.OK, html.page("Read all of it", parts))

    def _button(self, token: str, invitation: Invitation, view: RequestView) -> str:
        confirm = self._links.confirmation(token)
        if invitation.person is None:
            return html.confirmation(confirm, view.eligible, known=False)
        person = self._directory.by_id(invitation.person)
        if view.has_read(person):
            return "<p><b>You have confirmed that you have read all of it.</b></p>"
        if person is None or person.id not in {each.id for each in view.eligible}:
            return "<p><b>You may read this; it is for others to decide.</b></p>"
        return html.confirmation(confirm, (), known=True)

    async def _confirm(
        self, request: web.Request, token: str, invitation: Invitation, view: RequestView
    ) -> web.StreamResponse:
        if (request.content_length or 0) > LONGEST_FORM or request.content_type != _FORM:
            return _said(HTTPStatus.BAD_REQUEST, "That form is not ours", "Open the link again.")
        form = await request.post()
        given = form.get("confirm")
        if not isinstance(given, str) or not self._links.confirms(token, given):
            text = "Too much time has passed since the page was opened. Open the link again."
            return _said(HTTPStatus.BAD_REQUEST, "Please confirm again", text)
        person = self._reader(invitation, form, view)
        if person is None:
            text = (
                "Only people who may decide it can. Go back, and choose your name if it is there."
            )
            return _said(HTTPStatus.BAD_REQUEST, "Who has read it?", text)
        try:
            await self._approvals.opened(
                invitation.request_id,
                person.id,
                revision=invitation.revision,
                link=invitation.place,
            )
        except ConflictError as exc:
            return _said(HTTPStatus.CONFLICT, "It is over", visible(str(exc)))
        log.info("read", request_id=invitation.request_id, by=person.id)
        return _said(HTTPStatus.OK, f"Thank you, {visible(person.name)}", _THANKS)

    def _reader(
        self, invitation: Invitation, form: Mapping[str, object], view: RequestView
    ) -> Principal | None:
        chosen = invitation.person or form.get("who")
        return next((person for person in view.eligible if person.id == chosen), None)


def _said(status: HTTPStatus, title: str, text: str) -> web.Response:
    return _page(status, html.notice(title, text))


def _page(status: HTTPStatus, body: str) -> web.Response:
    headers = {"Content-Security-Policy": html.POLICY, "X-Robots-Tag": "noindex"}
    return web.Response(
        status=status, text=body, content_type="text/html", charset="utf-8", headers=headers
    )
