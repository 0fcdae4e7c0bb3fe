"""Zendesk's API, as the tools of support_reply need it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from countersign import OutcomeUnknownError
from countersign.examples.back_office import BackOfficeError, Rest, path_of, setting

API = "/api/v2"
MOST_ARTICLES = 3


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
        """A ticket."""
        found: dict[str, Any] = (await self.api.read(_path(ticket_id, ".json")))["ticket"]
        return found

    async def comments(self, ticket_id: int) -> list[dict[str, Any]]:
        """What was said in it, oldest first."""
        answer = await self.api.read(_path(ticket_id, "/comments.json"))
        found: list[dict[str, Any]] = answer["comments"]
        return found

    async def articles(self, query: str) -> list[dict[str, Any]]:
        """The articles that fit best."""
        answer = await self.api.read(f"{API}/help_center/articles/search.json", query=query)
        found: list[dict[str, Any]] = answer["results"]
        return [{k: each[k] for k in ("id", "title", "body")} for each in found[:MOST_ARTICLES]]

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
        answer = await self.api.read(_path(ticket_id, "/audits.json"))
        return any(
            each.get("metadata", {}).get("custom", {}).get("execution") == key
            for each in answer["audits"]
        )


def _path(ticket_id: int, end: str) -> str:
    return f"{API}{path_of('tickets', str(ticket_id))}{end}"
