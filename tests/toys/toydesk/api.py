"""Calls of the service's API: bounded, never repeated, with errors of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from countersign.approvals.backoff import retry_after
from countersign.approvals.errors import InvalidError, UnansweredError, UnavailableError

TIMEOUT_S = 10.0
_TURNED_AWAY = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)


class Api:
    """The service as one account."""

    def __init__(self, url: str, token: str):
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    async def read(self, path: str, **query: str) -> Any:
        """The answer; None if there is no such thing. Raises UnavailableError."""
        return await self._call("GET", path, query=query)

    async def write(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """The answer; None if there is no such thing. Raises UnavailableError if it was not done,
        UnansweredError if nobody knows, InvalidError if the service does not take it."""
        return await self._call(method, path, body=body)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        what = f"Toy Desk: {method} {path}"
        try:
            answer = await self._http.request(method, path, params=query, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as exc:
            raise UnavailableError(f"{what}: cannot be reached ({exc})") from exc
        except httpx.HTTPError as exc:  # it was sent, and may have been done
            kind = UnavailableError if body is None else UnansweredError
            raise kind(f"{what}: was not answered ({exc})") from exc
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise InvalidError(f"{what}: {answer.text[:200]}")
        if answer.status_code in _TURNED_AWAY:
            wait_s = retry_after(answer.headers)
            raise UnavailableError(f"{what}: answered {answer.status_code}", retry_after_s=wait_s)
        if answer.is_server_error and body is not None:  # and may have been done
            raise UnansweredError(f"{what}: answered {answer.status_code}")
        if answer.is_error:
            raise UnavailableError(f"{what}: answered {answer.status_code}; check the token.")
        return answer.json()
