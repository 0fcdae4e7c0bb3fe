"""Mail as the people at work read it: they open one, follow its link in a browser, answer, forward.

Over HTTP to the mail server and to whatever the link leads to, so it works wherever both run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from types import TracebackType
from typing import Any
from urllib.parse import urljoin

import httpx

from countersign.sandbox._faults import CONTROL_PREFIX
from countersign.sandbox.desk import NotDoneError

_LINK = re.compile(r"https?://\S+/inbox/mail/(?!unsubscribe)\S+")
_FORM = re.compile(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Mail:
    """One mail in somebody's inbox."""

    id: int
    to: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]

    @property
    def links(self) -> list[str]:
        """Where it leads."""
        return _LINK.findall(self.text)


@dataclass(frozen=True)
class Page:
    """What a browser shows."""

    url: str
    status: int
    text: str

    def form(self, ends: str) -> tuple[str, dict[str, str]]:
        """The address of the form that ends so, and its hidden fields. Raises NotDoneError."""
        for action, inner in _FORM.findall(self.text):
            if action.endswith(ends):
                fields = {name: unescape(value) for name, value in _HIDDEN.findall(inner)}
                return urljoin(self.url, unescape(action)), fields
        raise NotDoneError(self.status, f"{self.url} has no form {ends}")


class MailDesk:
    """One person with a mail program and a browser."""

    def __init__(self, mailbox_url: str, address: str):
        self._mailbox_url, self.address = mailbox_url, address
        self._http = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, follow_redirects=True)

    async def __aenter__(self) -> MailDesk:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def mails(self, *, latest: int = 0) -> list[Mail]:
        """Their inbox, the oldest first; only the `latest` ones, if that is asked."""
        listed = (await self._http.get(f"{self._mailbox_url}/messages")).json()["messages"]
        mine = [m["id"] for m in listed if self.address in m["rcpt_to"]]
        return [await self.mail(number) for number in mine[-latest:]]

    async def mail(self, number: int) -> Mail:
        """One mail."""
        full = (await self._http.get(f"{self._mailbox_url}/messages/{number}")).json()
        return Mail(
            id=number,
            to=", ".join(full["rcpt_to"]),
            subject=full["subject"],
            text=full["text"].replace("\r\n", "\n"),
            html=full["html"],
            headers=full["headers"],
        )

    async def sign_in(self, server_url: str, person: str) -> Page:
        """As one of the people of local mode."""
        page = await self.open(f"{server_url}/inbox/sign-in")
        return await self._send(page, "/sign-in/local", {"person": person})

    async def open(self, url: str) -> Page:
        """Follow a link."""
        return _page(await self._http.get(url))

    async def alone(self, page: Page, request_id: str) -> Page:
        """The page of one call, from that of several; the same page if it is of one."""
        found = re.search(rf'href="([^"]+/requests/{re.escape(request_id)})"', page.text)
        several = any(action.endswith("/bundle") for action, _ in _FORM.findall(page.text))
        return await self.open(urljoin(page.url, found[1])) if found and several else page

    async def prefetch(self, url: str) -> int:
        """What a program does that looks at links: HEAD, then GET, without their cookies."""
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as stranger:
            await stranger.head(url)
            return (await stranger.get(url)).status_code

    async def vote(self, page: Page, verdict: str, comment: str = "") -> Page:
        """Press Approve or Reject on the page of a request."""
        return await self._send(page, "/votes", {"verdict": verdict, "comment": comment})

    async def change(self, page: Page, changes: Mapping[str, Any], comment: str = "") -> Page:
        """Change arguments on the page, and approve them so."""
        fields = {f"arg.{name}": str(value) for name, value in changes.items()}
        return await self._send(page, "/edits", {**fields, "comment": comment})

    async def answer(self, mail: Mail, do: str, **more: Any) -> Any:
        """Let their mail program do something with a mail: `sandbox.mailbox.programs`."""
        said = {"do": do, "message": mail.id, "who": self.address, **more}
        answer = await self._http.post(f"{self._mailbox_url}{CONTROL_PREFIX}act", json=said)
        if answer.is_error:
            raise NotDoneError(answer.status_code, answer.text)
        return answer.json()

    async def _send(self, page: Page, ends: str, typed: Mapping[str, str]) -> Page:
        url, hidden = page.form(ends)
        headers = {"Sec-Fetch-Site": "same-origin"}
        return _page(await self._http.post(url, data={**hidden, **typed}, headers=headers))


def _page(answer: httpx.Response) -> Page:
    return Page(str(answer.url), answer.status_code, answer.text)
