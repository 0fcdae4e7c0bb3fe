"""The public keys that sign the channel's tokens: fetched off the critical path, refreshed once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
from jwt.algorithms import RSAAlgorithm

from countersign.approvals.errors import UnavailableError
from countersign.approvals.outages import named

log = structlog.get_logger()

FETCH_TIMEOUT_S = 10.0
MAX_AGE_S = 24 * 3600.0
MIN_REFRESH_S = 60.0
"""An unknown key id makes us look again, but not more often than this: ids are free to forge."""
RETRY_S = 5.0
"""How soon to look again after the keys could not be read."""


@dataclass(frozen=True)
class SigningKey:
    """One published key, and the channels it may speak for."""

    public_key: Any
    endorsements: tuple[str, ...]


class SigningKeys:
    """The channel's keys by key id.

    Takes the place of the vendor's `_OpenIdMetadata`, which fetches inside the event loop without
    a timeout and, after a key rotation, refuses the new key for up to a day
    (botframework-connector 4.17.1, `jwt_token_extractor.py`).
    """

    def __init__(
        self, url: str, session: aiohttp.ClientSession, monotonic: Callable[[], float]
    ) -> None:
        self._url, self._session, self._monotonic = url, session, monotonic
        self._keys: dict[str, SigningKey] = {}
        self._stale_at = self._next_try_at = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self, key_id: str | None) -> SigningKey:
        """The key of this id. Raises PermissionError if it is not published.

        Raises UnavailableError if the keys cannot be fetched and this one is not known.
        """
        if not key_id:
            raise PermissionError("the token names no key")
        if self._refresh_is_due(key_id):
            async with self._lock:
                if self._refresh_is_due(key_id):
                    await self._refresh(known=key_id in self._keys)
        if key_id not in self._keys:
            raise PermissionError("the token's key is not published")
        return self._keys[key_id]

    def _refresh_is_due(self, key_id: str) -> bool:
        now = self._monotonic()
        return now >= self._next_try_at and (key_id not in self._keys or now >= self._stale_at)

    async def _refresh(self, *, known: bool) -> None:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                metadata = await self._json(self._url)
                published = (await self._json(self._safe(metadata["jwks_uri"])))["keys"]
            keys = {key["kid"]: _signing_key(key) for key in published if key.get("kty") == "RSA"}
        except Exception as error:  # whatever the way there and the reading of keys can raise
            self._next_try_at = self._monotonic() + RETRY_S
            if known:
                log.warning("signing keys not refreshed", url=self._url, error=named(error))
                return
            raise UnavailableError(
                f"The signing keys at {self._url} cannot be read ({named(error)})"
            ) from error
        now = self._monotonic()
        self._keys, self._stale_at = keys, now + MAX_AGE_S
        self._next_try_at = now + MIN_REFRESH_S
        log.info("signing keys read", url=self._url, keys=len(keys))

    def _safe(self, url: str) -> str:
        """The address, if it is no less safe than that of the metadata. Raises ValueError."""
        if urlsplit(self._url).scheme == "https" != urlsplit(url).scheme:
            raise ValueError("the keys are not at an https address")
        return url

    async def _json(self, url: str) -> dict[str, Any]:
        async with self._session.get(url, raise_for_status=True, allow_redirects=False) as answer:
            body: dict[str, Any] = await answer.json(content_type=None)
        return body


def _signing_key(jwk: dict[str, Any]) -> SigningKey:
    return SigningKey(
        public_key=RSAAlgorithm.from_jwk(json.dumps(jwk)),
        endorsements=tuple(jwk.get("endorsements") or ()),
    )
