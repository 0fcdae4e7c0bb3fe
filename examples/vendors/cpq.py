"""Quotes of a CPQ over HTTP: priced by its own rules, changed only with the version.

There is no client of a vendor's here. What CPQs have in common is what this needs: prices
without consequences (`calculate`), a version on each quote (`If-Match`), and idempotency keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from countersign import OutcomeUnknownError
from countersign.examples.back_office import BackOfficeError, path_of, setting
from countersign.examples.refusals import (
    UNAVAILABLE,
    perhaps_done,
    refused,
    still_unknown,
    words_of,
)

TIMEOUT_S = 8.0
"""For one request, connecting included."""
_UNSURE = "The CPQ did not answer. It is not known whether the quote was changed."


@dataclass(frozen=True)
class Cpq:
    """The CPQ's API as its tools need it."""

    url: str
    api_key: str

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Cpq:
        """Reads `cpq_url` and `cpq_api_key`. Raises ValueError."""
        return cls(str(setting(settings, "cpq_url")), str(setting(settings, "cpq_api_key")))

    async def quotes(self, account: str) -> list[dict[str, Any]]:
        """The quotes of accounts whose name contains this. Raises BackOfficeError."""
        answer = await self._read("GET", "/v1/quotes", params={"account": account})
        quotes: list[dict[str, Any]] = answer["quotes"]
        return quotes

    async def quote(self, quote_id: str) -> dict[str, Any]:
        """One quote with its lines and prices as they are now. Raises BackOfficeError."""
        return await self._read("GET", f"/v1/quotes{path_of(quote_id)}")

    async def calculate(self, quote_id: str, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What it would cost with these lines. Raises BackOfficeError, with the CPQ's reason."""
        path = f"/v1/quotes{path_of(quote_id)}/calculate"
        return await self._read("POST", path, json={"lines": list(lines)})

    async def change(
        self, quote_id: str, changes: Mapping[str, Any], version: int, key: str
    ) -> dict[str, Any]:
        """Change a quote of this version, once: the quote afterwards. A lost answer is asked for
        once more with the same `key`.

        Raises BackOfficeError or OutcomeUnknownError.
        """
        headers = {"If-Match": f'"{version}"', "Idempotency-Key": key}
        path = f"/v1/quotes{path_of(quote_id)}"
        before: int | None = None
        """The status of the first answer; 0 if there was none."""
        for last in (False, True):
            status = 0
            try:
                answer = await self._send("PATCH", path, json=dict(changes), headers=headers)
            except httpx.ConnectError as error:
                if before in (None, UNAVAILABLE):
                    said = "The CPQ cannot be reached. Nothing was changed."
                    raise BackOfficeError(said) from error
                raise OutcomeUnknownError(_UNSURE) from error
            except (httpx.TransportError, TimeoutError) as error:
                if last:
                    raise OutcomeUnknownError(_UNSURE) from error
            else:
                if answer.is_success:
                    parsed: dict[str, Any] = answer.json()
                    return parsed
                status = answer.status_code
                if still_unknown(status, before):
                    raise OutcomeUnknownError(_UNSURE)
                if not perhaps_done(status) or status == before == UNAVAILABLE:
                    raise BackOfficeError(_refusal(answer, "Nothing was changed."))
            before = status
        raise OutcomeUnknownError(_UNSURE)

    async def _read(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            answer = await self._send(method, path, **request)
        except (httpx.TransportError, TimeoutError) as error:
            raise BackOfficeError("The CPQ cannot be reached.") from error
        if not answer.is_success:
            raise BackOfficeError(_refusal(answer))
        parsed: dict[str, Any] = answer.json()
        return parsed

    async def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        headers = {"X-Api-Key": self.api_key, **request.pop("headers", {})}
        async with (
            asyncio.timeout(TIMEOUT_S),
            httpx.AsyncClient(base_url=self.url, headers=headers) as http,
        ):
            return await http.request(method, path, timeout=TIMEOUT_S, **request)


def _refusal(answer: httpx.Response, nothing: str = "") -> str:
    later = answer.headers.get("Retry-After")
    return refused(
        "The CPQ", answer.status_code, words_of(answer.text), later=later, nothing=nothing
    )
