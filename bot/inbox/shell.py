"""The shell of every page: who is here, in which language, and the frame that is drawn around it.

What else has pages below `/inbox` (sign-in, links of mails) is given this, too.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from countersign.approvals.forms.rollouts import hindsight_words
from countersign.approvals.forms.undos import attempt_words
from countersign.approvals.forms.wording import in_words, visible
from countersign.approvals.models import Actor, BrowserSession, Principal, Via
from countersign.approvals.ports import Clock, Directory
from countersign.bot.inbox import assets, guard
from countersign.bot.inbox.browser_sessions import BrowserSessions
from countersign.bot.inbox.duties import duty_words
from countersign.bot.inbox.said import said
from countersign.bot.inbox.words import LANGUAGES, N_, Words, preferred, words
from countersign.connectors.sentences import line_said, ruled

HOME = "/inbox"
STATUS = {
    "pending": N_("pending"),
    "approved": N_("approved"),
    "rejected": N_("rejected"),
    "expired": N_("expired"),
    "cancelled": N_("cancelled"),
    "executing": N_("runs now"),
    "executed": N_("executed"),
    "failed": N_("failed"),
    "in_doubt": N_("in doubt"),
    "running": N_("running"),
    "waiting": N_("waiting"),
    "completed": N_("completed"),
}
DELIVERY = {
    "pending": N_("will be shown"),
    "live": N_("shown"),
    "closed": N_("over"),
    "unreachable": N_("cannot be reached"),
    "abandoned": N_("given up"),
}
EFFECT = {
    "allow": N_("runs unasked"),
    "deny": N_("never runs"),
    "require_approval": N_("needs approval"),
    "shadow": N_("is only recorded"),
}
CAUSES = {
    "answered": N_("the agents have answered"),
    "ended_by_person": N_("a person has ended the chat"),
    "limit": N_("a limit was reached"),
    "not_asked": N_("a proposed call was neither asked nor run"),
    "model_refused": N_("the model has refused"),
    "model_filtered": N_("what the model said was filtered"),
    "cut_off": N_("the model's answer was cut off"),
    "call_as_text": N_("the model wrote a call in words, which nobody runs"),
    "nothing_said": N_("nothing was said and nothing was run"),
    "nobody_answered": N_("nobody answered a question in time"),
    "malformed": N_("the model's server sent what is no answer"),
    "model_unavailable": N_("the model could not be reached"),
    "beside_gate": N_("something was about to run beside the approvals"),
    "error": N_("an error"),
    "cancelled": N_("it was cancelled"),
}
RISK = {"low": N_("low risk"), "medium": N_("medium risk"), "high": N_("high risk")}
VERDICT = {
    "approve": N_("approved"),
    "reject": N_("rejected"),
    "modify": N_("approved with changes"),
}
LANGUAGE_COOKIE = "countersign_language"
VIA = Via("inbox")
_NEXT = re.compile(r"/inbox(?:/[A-Za-z0-9._~/-]*)?(?:\?[A-Za-z0-9._~=&%+-]*)?")
MAX_NEXT = 2_000

Answer = Awaitable[web.StreamResponse]


@dataclass(frozen=True)
class Visit:
    """One call of a page: by whom, in which language."""

    request: web.Request
    cookie: str
    """What names the browser; a new one if it had none."""
    is_new: bool
    words: Words
    person: Principal | None = None
    session: BrowserSession | None = None
    via: Via = VIA
    """Through what their votes come."""
    path: str = ""
    """Where the forms of a request go, and where it is shown again; else its own page."""

    @property
    def csrf(self) -> str:
        """What forms of this browser carry."""
        return guard.csrf_token(self.cookie)

    @property
    def reader(self) -> Principal:
        """The person; only for pages that nobody sees without one."""
        if self.person is None:
            raise AssertionError("nobody is signed in")
        return self.person

    @property
    def actor(self) -> Actor:
        """The person, as the ledger names them."""
        identity = self.session.identity if self.session else f"{VIA}:{self.reader.id}"
        return Actor(principal=self.reader, via=self.via, identity=identity)


@dataclass(frozen=True)
class Tab:
    """A page that the navigation leads to."""

    path: str
    title: str


class Shell:
    """Finds out who is here, and draws."""

    def __init__(
        self,
        sessions: BrowserSessions,
        directory: Directory,
        clock: Clock,
        *,
        public_url: str,
        tabs: Sequence[Tab] = (),
    ):
        self.sessions, self.directory, self.clock = sessions, directory, clock
        self.public_url, self.tabs = public_url, tabs
        self.cookies = guard.Cookies(public_url)
        self.framed_by = self.tab = ""
        """The sites that may show pages in a frame, and the page that signs in there."""

    async def visit(self, request: web.Request) -> Visit:
        """Who is here. Raises UnavailableError if that cannot be read."""
        cookie = self.cookies.read(request)
        session = await self.sessions.find(cookie)
        person = None if session is None else self.directory.by_id(session.principal_id)
        chosen = request.cookies.get(LANGUAGE_COOKIE, "")
        if chosen not in LANGUAGES:
            chosen = preferred(request.headers.get("Accept-Language", ""))
        return Visit(
            request=request,
            cookie=cookie or guard.guest(),
            is_new=not cookie,
            words=words(chosen),
            person=person,
            session=None if person is None else session,
        )

    def page(
        self, visit: Visit, template: str, *, status: int = HTTPStatus.OK, **context: Any
    ) -> web.Response:
        """A whole page, or a part of one, from `templates/`."""
        text = (
            environment(visit.words.language)
            .get_template(template)
            .render(visit=visit, shell=self, now=self.clock.now(), csrf_name=guard.CSRF, **context)
        )
        response = web.Response(
            status=status,
            text=text,
            content_type="text/html",
            headers=guard.headers(self.framed_by),
        )
        if visit.is_new:
            self.cookies.set(response, visit.cookie)
        return response

    def notice(
        self, visit: Visit, title: str, *sentences: str, status: int = HTTPStatus.OK
    ) -> web.Response:
        """A page that only says something."""
        return self.page(visit, "notice.html", status=status, title=title, sentences=sentences)


def to(path: str) -> web.Response:
    """Go on there, by GET."""
    headers = {"Location": path, **guard.HEADERS}
    return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)


def on(path: str) -> web.Response:
    """Send the same form there: what was typed is not lost."""
    headers = {"Location": path, **guard.HEADERS}
    return web.Response(status=HTTPStatus.TEMPORARY_REDIRECT, headers=headers)


def sign_in_path(request: web.Request, tab: str = "") -> str:
    """Where to sign in, to come back to the page that was asked for. In a frame that is `tab`,
    unless they come from there: then the browser keeps no cookie for it."""
    framed = tab and request.headers.get("Sec-Fetch-Dest") == "iframe"
    loops = request.headers.get("Referer", "").partition("?")[0].endswith(tab or HOME)
    place = tab if framed and not loops else f"{HOME}/sign-in"
    return f"{place}?next={quote(safe_next(request.path_qs), safe='')}"


def safe_next(path: str) -> str:
    """The path, if it is of a page of ours; else the first page. Never leads elsewhere."""
    fits = len(path) <= MAX_NEXT and _NEXT.fullmatch(path) and "//" not in path
    return path if fits else HOME


@cache
def environment(language: str) -> Environment:
    """The templates in one language. What is not there is an error, what is not ours is escaped."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    spoken = words(language)
    catalogue = spoken.catalogue
    made.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    made.filters |= filters(spoken)
    made.globals |= {"asset": assets.path, "languages": LANGUAGES, "home": HOME}
    made.globals |= {"status_words": STATUS, "risk_words": RISK, "verdict_words": VERDICT}
    made.globals |= {"delivery_words": DELIVERY, "effect_words": EFFECT, "cause_words": CAUSES}
    return made


def filters(spoken: Words) -> Mapping[str, Callable[..., str]]:
    """What templates say of values."""
    return {
        "date": spoken.date,
        "iso": lambda at: at.isoformat(timespec="seconds"),
        "number": spoken.number,
        "percent": spoken.percent,
        "on_call": lambda found: duty_words(spoken, found),
        "attempt": lambda undone: ruled(spoken.language, attempt_words(undone)),
        "hindsight": lambda known: ruled(spoken.language, hindsight_words(known)),
        "ruled": lambda text: ruled(spoken.language, text),
        "line_said": lambda text: line_said(spoken.language, text),
        "span": lambda seconds: spoken.span(timedelta(seconds=seconds)),
        "said": lambda text: visible(said(spoken, text)),
        "theirs": visible,
        "tool": in_words,
        "until": spoken.until,
    }
