"""Reading Microsoft Graph by httpx: one answer at a time, never more often than we are asked to.

Sources, read 2026-11-29: learn.microsoft.com, "Microsoft Graph throttling guidance" (429 and 503
with Retry-After), "Use delta query to track changes" (nextLink, deltaLink, 410 for a token that is
not known any more, errors syncStateNotFound and resyncRequired).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from countersign.approvals.backoff import retry_after
from countersign.approvals.errors import CursorLostError, NotFoundError, UnavailableError
from countersign.approvals.outages import named
from countersign.connectors.entra.settings import EntraDirectorySettings
from countersign.connectors.entra.tokens import GraphTokens

TRIES = 5
WAIT_MOST_S = 60.0
"""Whoever asks us to wait longer is asked again by a later reading."""
WAIT_S = 2.0
PERMISSIONS = "User.Read.All and GroupMember.Read.All"
_LOST = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired"})
_PASSING = frozenset({429, 500, 502, 503, 504})


class Graph:
    """Answers of Graph, version 1.0."""

    def __init__(
        self,
        settings: EntraDirectorySettings,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ):
        self._url, self._sleep = settings.graph_url, sleep
        self._tokens = GraphTokens(settings)
        # Of links that lead elsewhere none is followed: the token goes along.
        self._client = httpx.AsyncClient(timeout=settings.timeout, follow_redirects=False)

    async def get(self, what: str, path: str, query: Mapping[str, str] | None = None) -> Any:
        """The object at `path`, or at a link that Graph gave; `what` it is, in words.

        Raises NotFoundError, CursorLostError, or UnavailableError.
        """
        url = path if path.startswith("https:") or path.startswith("http:") else self._url + path
        if not url.startswith(f"{self._url}/"):
            raise UnavailableError(f"Graph sends us elsewhere for {what}; it was not followed.")
        for number in range(1, TRIES + 1):
            answer = await self._answer(what, url, query)
            if answer.status_code == 401 and number == 1:
                self._tokens.forget()
                continue
            if answer.status_code not in _PASSING or number == TRIES:
                return self._read(what, answer)
            wait_s = retry_after(answer.headers)
            if wait_s is not None and wait_s > WAIT_MOST_S:
                return self._read(what, answer)
            await self._sleep(WAIT_S * 2 ** (number - 1) if wait_s is None else wait_s)
        raise AssertionError("the last try is answered")

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()
        self._tokens.close()

    async def _answer(self, what: str, url: str, query: Mapping[str, str] | None) -> httpx.Response:
        token = await self._tokens.get()
        headers = {"Authorization": f"Bearer {token}", "Prefer": "odata.maxpagesize=999"}
        try:
            return await self._client.get(url, params=query, headers=headers)
        except httpx.HTTPError as exc:
            raise UnavailableError(
                f"Microsoft Graph cannot be reached for {what} ({named(exc)})."
            ) from exc

    def _read(self, what: str, answer: httpx.Response) -> Any:
        code = _code(answer)
        if answer.status_code == 410 or code.lower() in _LOST:
            raise CursorLostError("Graph does not know any more up to where it was read.")
        if answer.status_code == 404:
            raise NotFoundError(f"Graph has no {what}.")
        if answer.status_code == 403:
            raise UnavailableError(
                f"Graph refuses {what}: give the app registration the application permissions "
                f"{PERMISSIONS}, with an administrator's consent."
            )
        if answer.status_code != 200:
            raise UnavailableError(
                f"Graph answers {answer.status_code} {code} for {what}.",
                retry_after_s=retry_after(answer.headers),
            )
        try:
            found = answer.json()
        except ValueError as exc:
            raise UnavailableError(f"Graph gave no JSON for {what}.") from exc
        if not isinstance(found, dict):
            raise UnavailableError(f"Graph gave no object for {what}.")
        return found


def _code(answer: httpx.Response) -> str:
    try:
        code = answer.json()["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) else ""
