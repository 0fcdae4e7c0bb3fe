"""The inbox as the approver's side of the demo: they sign in, find what waits, read it, decide.

By HTTP, as a browser without JavaScript does it: with the cookie and the token of each form.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from typing_extensions import override

from countersign.approvals.models import Verdict
from countersign.bot.demo.fronts import ApiFront, Front, Seen
from countersign.bot.demo.scenarios import APPROVER, Choice, Scenario
from countersign.bot.demo.world import World
from countersign.sandbox.mailbox.desk import MailDesk, Page

_ACTS = {
    Verdict.APPROVE: "opens it, and presses [ Approve ]",
    Verdict.REJECT: "opens it, and presses [ Reject ]",
    Verdict.MODIFY: "opens it, and presses [ Approve with these changes ]",
}
_MAIN = re.compile(r'<div id="facts".*?(?=<section class="card">\s*<details)', re.DOTALL)
_CELL = re.compile(r"</t[hd]>\s*(?=<t[hd]\b)")
_PAIR = re.compile(r"</dt>\s*<dd>")
_BREAK = re.compile(r"<(?:h\d|p|div|dt|section|tr|br)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")


class InboxFront(Front):
    """The approver works in a browser; the session is started by the API."""

    def __init__(self, world: World):
        self._world, self._api = world, ApiFront(world)

    @override
    async def start(self, scenario: Scenario) -> str:
        return await self._api.start(scenario)

    @override
    async def decide(self, request: dict[str, Any], choice: Choice) -> Seen:
        """Returns when the decision counts."""
        url = f"{self._world.url}/inbox"
        async with MailDesk(self._world.mailbox.url, "") as browser:
            await browser.sign_in(self._world.url, APPROVER)
            waiting = await browser.open(url)
            path = f"/inbox/requests/{request['id']}"
            if f'href="{path}"' not in waiting.text:
                raise ValueError(f"{request['id']} does not wait on {url}")
            page = await browser.open(f"{self._world.url}{path}")
            if choice.verdict is Verdict.MODIFY:
                after = await browser.change(page, choice.changes, choice.comment)
            else:
                after = await browser.vote(page, str(choice.verdict), choice.comment)
            if after.status >= 400 or "said=" not in after.url:
                raise ValueError(f"{after.url} answered {after.status}")
        return Seen(
            act=_ACTS[choice.verdict],
            title=f"the page that {self._world.name(APPROVER)} reads",
            asked=tuple(lines_of(page)),
            answered=f"the page now says: {_said(after)}",
        )

    @override
    async def told(self) -> list[str]:
        """It is on the page."""
        return []


def lines_of(page: Page) -> list[str]:
    """What a page of a request says above the conversation, line by line."""
    found = _MAIN.search(page.text)
    text = "" if found is None else _PAIR.sub(": ", found[0]).replace("</span>", " ")
    text = _CELL.sub(" | ", text)
    return [line for part in _BREAK.split(text) if (line := _plain(part))]


def _said(page: Page) -> str:
    found = re.search(r'class="flash" role="status"><p>(.*?)</p>', page.text)
    return "" if found is None else _plain(found[1])


def _plain(text: str) -> str:
    return " ".join(unescape(_TAG.sub("", text)).split())
