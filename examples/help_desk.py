"""Zendesk's API, as the tools of support_reply need it."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from typing_extensions import override

from countersign import OutcomeUnknownError
from countersign.examples.back_office import BackOfficeError, Rest, path_of, setting

API = "/api/v2"
MOST_ARTICLES = 3
PER_PAGE, MOST_PAGES = 100, 20
"""Lists come in pages of at most 100. A ticket of more than 2,000 comments is for people."""
_SPACE = re.compile(r"\s+")
_BREAKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "pre"})


@dataclass(frozen=True)
class HelpDesk:
    """Tickets, and the articles of the knowledge base."""

    api: Rest

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> HelpDesk:
        """Reads `zendesk_url` (`https://contoso.zendesk.com`), `zendesk_user` and
        `zendesk_token`."""
        user, token = (str(setting(settings, f"zendesk_{key}")) for key in ("user", "token"))
        # Source: developer.zendesk.com, "Security and authentication", API token, read 2026-11-30.
        basic = base64.b64encode(f"{user}/token:{token}".encode()).decode()
        url = str(setting(settings, "zendesk_url"))
        return cls(Rest("help desk", url, f"Basic {basic}", "Authorization"))

    async def ticket(self, ticket_id: int) -> dict[str, Any]:
        """A ticket, and who asks: `name` and `requester`, an address, empty if there is none."""
        # Source: developer.zendesk.com, "Side-loading related records", read 2026-12-01.
        answer = await self.api.read(_path(ticket_id, ".json"), include="users")
        found: dict[str, Any] = answer["ticket"]
        users = {each["id"]: each for each in answer.get("users") or ()}
        who = users.get(found["requester_id"], {})
        return {**found, "name": who.get("name") or "somebody", "requester": who.get("email") or ""}

    async def comments(self, ticket_id: int) -> list[dict[str, Any]]:
        """What was said in it, oldest first; `author` is a name. Raises BackOfficeError."""
        found, users = list[dict[str, Any]](), dict[int, str]()
        async for page in self._pages(_path(ticket_id, "/comments.json"), include="users"):
            users |= {each["id"]: each["name"] for each in page.get("users") or ()}
            found += page["comments"]
        return [{**each, "author": users.get(each["author_id"], "somebody")} for each in found]

    async def articles(self, query: str) -> list[dict[str, Any]]:
        """The articles that fit best, as text."""
        answer = await self.api.read(f"{API}/help_center/articles/search.json", query=query)
        found: list[dict[str, Any]] = answer["results"]
        return [
            {"id": each["id"], "title": each["title"], "body": text_of(each["body"] or "")}
            for each in found[:MOST_ARTICLES]
        ]

    async def reply(
        self, ticket_id: int, updated_at: str, text: str, status: str, key: str
    ) -> None:
        """Answer in public, unless the ticket has changed since `updated_at`.

        Zendesk has no idempotency keys for updates. A repeated one is refused as a conflict with
        the first, so after a refusal or a silence the audits are asked whether it was ours.
        """
        ticket = {
            "comment": {"body": text, "public": True},
            "status": status,
            "safe_update": True,
            "updated_stamp": updated_at,
            "metadata": {"custom": {"execution": key}},
        }
        try:
            await self.api.write("PUT", _path(ticket_id, ".json"), {"ticket": ticket}, key)
        except BackOfficeError:
            if not await self._is_ours(ticket_id, key):
                raise
        except OutcomeUnknownError:
            try:
                ours = await self._is_ours(ticket_id, key)
            except BackOfficeError:
                ours = False
            if not ours:
                raise

    async def _is_ours(self, ticket_id: int, key: str) -> bool:
        async for page in self._pages(_path(ticket_id, "/audits.json")):
            for each in page["audits"]:
                custom = (each.get("metadata") or {}).get("custom") or {}
                if custom.get("execution") == key:
                    return True
        return False

    async def _pages(self, path: str, **query: str) -> AsyncIterator[dict[str, Any]]:
        """The pages of a list. Raises BackOfficeError, also for one that does not end."""
        for number in range(1, MOST_PAGES + 1):
            asked = {**query, "page": str(number), "per_page": str(PER_PAGE)}
            page = await self.api.read(path, **asked)
            yield page
            if not page.get("next_page"):
                return
        raise BackOfficeError(f"{path} has more than {MOST_PAGES} pages. Nothing was changed.")


class _Text(HTMLParser):
    """The words of a page, with the breaks that its elements make."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.parts.append("\n")

    @override
    def handle_data(self, data: str) -> None:
        self.parts.append(_SPACE.sub(" ", data))

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag in _BREAKS:
            self.parts.append("\n")


def text_of(html: str) -> str:
    """What an article says: bodies of the help center are HTML."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).splitlines())
    return "\n".join(filter(None, lines))


def _path(ticket_id: int, end: str) -> str:
    return f"{API}{path_of('tickets', str(ticket_id))}{end}"
