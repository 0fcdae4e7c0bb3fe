"""Links of mails: the page of a request for whom the mail was sent to, and the end of reminders.

Fetching a link shows nothing to whoever is not signed in, and nothing of the request to anybody but
its one recipient, so programs that look at links, and people who were forwarded one, learn nothing.
Behind it are the forms of the inbox, and the person of the browser's session decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from http import HTTPStatus

from aiohttp import web

from countersign.approvals.errors import ExpiredError, NotAuthorisedError, NotFoundError
from countersign.approvals.models import RequestId, Via
from countersign.approvals.ports import Store
from countersign.approvals.store import mail as rows
from countersign.approvals.store.mail import MailLink
from countersign.bot.api.operation import Services
from countersign.bot.http.lanes import Kind
from countersign.bot.inbox.deciding import Deciding
from countersign.bot.inbox.pages import Act, Form, Pages
from countersign.bot.inbox.requests import RequestPage
from countersign.bot.inbox.shell import HOME, Visit
from countersign.bot.inbox.together import TogetherPage
from countersign.bot.inbox.waiting import WaitingPage
from countersign.bot.inbox.words import N_
from countersign.connectors.system import Route

BASE = f"{HOME}/mail"
PATH = f"{BASE}/{{token}}"
CALL_PATH = f"{PATH}/requests/{{id}}"
"""One of the calls of a mail that shows several."""
STOP_PATH = f"{BASE}/unsubscribe/{{token}}"
MAX_TOKEN = 100
VIA = Via("email")
ONE_CLICK = b"List-Unsubscribe=One-Click"
"""What mail programs post. Source: RFC 8058, section 3.2."""
KINDS = {
    "reminders": N_("Reminders by mail"),
    "digests": N_("Lists by mail"),
}
UNKNOWN = N_("This is not one of our links. It may have been cut off when it was copied.")
NOT_YOURS = N_(
    "This link was sent to somebody else, and it leads nobody but them to the request. What you "
    "may decide yourself is under “Waiting for me”."
)
OLD = N_("This link has expired. What still waits for you is under “Waiting for me”.")


class MailPages:
    """Their handlers."""

    def __init__(self, pages: Pages, services: Services, store: Store):
        self._pages, self._store = pages, store
        self._clock, self._records = pages.shell.clock, services.records
        self._page = RequestPage(pages, services)
        self._deciding = Deciding(pages, services, self._page)
        self._together = TogetherPage(pages, services, self._page)
        self._bundle = WaitingPage(pages, services)
        self._limits = services.limits

    def routes(self) -> Sequence[Route]:
        """Where mails lead."""
        forms = self._deciding.forms()
        look, stop = self._pages.look(self.show), self._pages.open(self.ask)
        look_at_one = self._pages.look(self.show_one)
        return [
            *(Route(method, PATH, look) for method in ("GET", "HEAD")),
            *(Route(method, CALL_PATH, look_at_one) for method in ("GET", "HEAD")),
            *(
                Route("POST", f"{path}/{name}", self._pages.act(self._of_mail(act, mine)))
                for path, mine in ((PATH, self._of_one), (CALL_PATH, self._of_several))
                for name, act in forms.items()
            ),
            Route("POST", f"{PATH}/bundle", self._pages.act(self.decide)),
            *(Route(method, STOP_PATH, stop) for method in ("GET", "HEAD")),
            Route("POST", STOP_PATH, self._pages.open(self.stop)),
        ]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """The request, or all calls of the mail, to its recipient; nothing is noted."""
        mine, kind = await self._mine(visit, "request", "calls")
        return await (self._together if kind == "calls" else self._page).show(mine)

    async def show_one(self, visit: Visit) -> web.StreamResponse:
        """One of the calls of a mail of several, to its recipient; nothing is noted."""
        return await self._page.show(await self._of_several(visit))

    async def decide(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Vote on those of all calls that are ticked."""
        mine, _ = await self._mine(visit, "calls")
        return await self._bundle.decide(mine, form)

    async def _of_one(self, visit: Visit) -> Visit:
        mine, _ = await self._mine(visit, "request")
        return mine

    async def _of_several(self, visit: Visit) -> Visit:
        """The visit of the call that the path names. Raises NotFoundError if the link does not lead
        to it."""
        wanted = visit.request.match_info["id"]
        mine, _ = await self._mine(visit, "calls")
        view = await self._records.view(RequestId(mine.request.match_info["id"]))
        if wanted not in {each.id for each in (view.request, *view.siblings)}:
            raise NotFoundError(UNKNOWN)
        mine.request.match_info["id"] = wanted
        return replace(mine, path=f"{mine.path}/requests/{wanted}")

    def _of_mail(self, act: Act, mine: Callable[[Visit], Awaitable[Visit]]) -> Act:
        async def acted(visit: Visit, form: Form) -> web.StreamResponse:
            return await act(await mine(visit), form)

        return acted

    async def _mine(self, visit: Visit, *kinds: rows.Kind) -> tuple[Visit, rows.Kind]:
        """The visit of the request that a link of one of these kinds leads to, and the kind. Raises
        NotFoundError; NotAuthorisedError for anybody but its recipient; ExpiredError."""
        token = visit.request.match_info["token"]
        link = await self._link(token)
        if link is None or link.kind not in kinds:
            raise NotFoundError(UNKNOWN)
        if link.principal_id != visit.reader.id:
            raise NotAuthorisedError(NOT_YOURS)
        if link.expires_at <= self._clock.now():
            raise ExpiredError(OLD)
        visit.request.match_info["id"] = link.request_id
        return replace(visit, via=VIA, path=f"{BASE}/{token}"), link.kind

    async def ask(self, visit: Visit) -> web.StreamResponse:
        """What is stopped here, with the button that does it; also to mail programs that only
        follow links."""
        link = await self._stopping(visit)
        muted = await self._store.read(lambda c: rows.muted(c, link.principal_id))
        return self._drawn(visit, link, is_muted=link.kind in muted)

    async def stop(self, visit: Visit) -> web.StreamResponse:
        """Stop one kind of mail for one person, or begin it again. Who knows the link may: it does
        nothing else, and mail programs that do it for people are not signed in."""
        async with self._limits.admitted(Kind.WEBHOOKS, f"mail:{visit.request.remote}"):
            link = await self._stopping(visit)
            body = await visit.request.content.read(200)
            person, kind, now = link.principal_id, link.kind, self._clock.now()
            is_muted = ONE_CLICK in body
            if is_muted:
                await self._store.write(lambda c: rows.mute(c, person, kind, now))
            else:
                await self._store.write(lambda c: rows.unmute(c, person, kind))
        return self._drawn(visit, link, is_muted=is_muted)

    async def _stopping(self, visit: Visit) -> MailLink:
        link = await self._link(visit.request.match_info["token"])
        if link is None or link.kind not in KINDS:
            raise NotFoundError(UNKNOWN)
        return link

    async def _link(self, token: str) -> MailLink | None:
        if len(token) > MAX_TOKEN:
            return None
        return await self._store.read(lambda c: rows.link(c, token))

    def _drawn(self, visit: Visit, link: MailLink, *, is_muted: bool) -> web.Response:
        return self._pages.shell.page(
            visit,
            "mail_stop.html",
            status=HTTPStatus.OK,
            what=KINDS[link.kind],
            is_muted=is_muted,
            path=visit.request.path,
        )
