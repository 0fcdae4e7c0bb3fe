"""The issuer as its discovery document has it, and its keys: fetched when needed, refreshed once.

Sources, read 2026-11-30: OpenID Connect Discovery 1.0 sections 4.2 and 4.3 (the document's issuer
has to be the one that was asked for), OpenID Connect Core 1.0 section 10.1.1 (rotation: an unknown
key id means to fetch the keys again).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from countersign.approvals.errors import UnavailableError
from countersign.approvals.outages import named
from countersign.bot.settings.sign_in import SignInSettings

if TYPE_CHECKING:
    import httpx
    from joserfc.jwk import ECKey, RSAKey

log = structlog.get_logger(__name__)

WELL_KNOWN = "/.well-known/openid-configuration"
FRESH_S = 3600.0
"""How long what was read is taken as it is; then it is read again when it is needed."""
USABLE_S = 24 * 3600.0
"""How long it is used while the issuer cannot be reached; then nobody can sign in."""
UNKNOWN_S = 60.0
"""An unknown key id makes us look again, but not more often than this: ids are free to forge."""
RETRY_S = 5.0
MAX_BYTES = 1_000_000

Key: TypeAlias = "RSAKey | ECKey"


class Metadata(BaseModel):
    """What is used of the discovery document."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Issuer:
    """One issuer, remembered between sign-ins."""

    def __init__(
        self,
        settings: SignInSettings,
        client: httpx.AsyncClient,
        monotonic: Callable[[], float],
    ):
        self.settings, self.client, self._monotonic = settings, client, monotonic
        self._metadata: Metadata | None = None
        self._keys: dict[str, Key] = {}
        self._read_at = self._next_try_at = float("-inf")
        self._lock = asyncio.Lock()

    async def metadata(self) -> Metadata:
        """Where its endpoints are. Raises UnavailableError."""
        await self._current(lambda: True)
        if self._metadata is None:
            raise self._unreachable("was not reached a moment ago")
        return self._metadata

    async def key(self, key_id: object) -> Key | None:
        """The published key of this id; None if there is none. Raises UnavailableError."""
        if not isinstance(key_id, str) or not key_id:
            return None
        await self._current(lambda: key_id in self._keys)
        if self._metadata is None:
            raise self._unreachable("was not reached a moment ago")
        return self._keys.get(key_id)

    async def check(self) -> Metadata:
        """Read everything now. Raises UnavailableError that says what is wrong."""
        async with self._lock:
            await self._read()
        return await self.metadata()

    async def _current(self, knows: Callable[[], bool]) -> None:
        """Read again what is old, or does not have what is asked for; once for all who wait."""
        if not self._is_due(knows):
            return
        async with self._lock:
            if not self._is_due(knows):
                return
            try:
                await self._read()
            except UnavailableError as exc:
                now = self._monotonic()
                self._next_try_at = now + RETRY_S
                if now - self._read_at >= USABLE_S:
                    self._metadata, self._keys = None, {}
                    raise
                log.warning("issuer not read again", issuer=self.settings.issuer, error=str(exc))

    def _is_due(self, knows: Callable[[], bool]) -> bool:
        now = self._monotonic()
        if now < self._next_try_at:
            return False
        age_s = now - self._read_at
        return age_s >= FRESH_S or (age_s >= UNKNOWN_S and not knows())

    async def _read(self) -> None:
        issuer = self.settings.issuer
        document = await self._json(issuer.rstrip("/") + WELL_KNOWN)
        try:
            metadata = Metadata.model_validate(document)
        except ValidationError as exc:
            missing = ", ".join(str(error["loc"][0]) for error in exc.errors())
            raise self._unreachable(f"has no usable discovery document: {missing}") from exc
        if metadata.issuer != issuer:
            raise self._unreachable(
                f"calls itself {metadata.issuer[:200]}; write exactly that in sign_in.issuer, if "
                "it is the one you mean"
            )
        self._require_safe(metadata)
        keys = _keys(await self._json(metadata.jwks_uri))
        if not keys:
            raise self._unreachable("publishes no key that can verify an ID token")
        self._metadata, self._keys = metadata, keys
        self._read_at, self._next_try_at = self._monotonic(), float("-inf")
        log.info("issuer read", issuer=issuer, keys=len(keys))

    def _require_safe(self, metadata: Metadata) -> None:
        """No endpoint is less safe than the issuer itself. Raises UnavailableError."""
        if urlsplit(self.settings.issuer).scheme != "https":
            return
        found = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
        if any(urlsplit(url).scheme != "https" for url in found):
            raise self._unreachable("names an address that is not https")

    async def _json(self, url: str) -> Mapping[str, Any]:
        import httpx  # only where somebody signs in

        try:
            async with asyncio.timeout(self.settings.timeout):
                answer = await self.client.get(url, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as exc:
            raise self._unreachable(f"cannot be reached ({named(exc)})") from exc
        if answer.status_code != 200 or len(answer.content) > MAX_BYTES:
            raise self._unreachable(f"answers {answer.status_code} at {url}")
        try:
            found = answer.json()
        except ValueError as exc:
            raise self._unreachable(f"gives no JSON at {url}") from exc
        if not isinstance(found, dict):
            raise self._unreachable(f"gives no object at {url}")
        return found

    def _unreachable(self, why: str) -> UnavailableError:
        return UnavailableError(f"The issuer {self.settings.issuer} {why}.")


def _keys(document: Mapping[str, Any]) -> dict[str, Key]:
    """By id, those that verify signatures; what we do not understand is left out."""
    from joserfc.errors import JoseError  # only where somebody signs in
    from joserfc.jwk import ECKey, RSAKey

    kinds: Mapping[str, type[Key]] = {"RSA": RSAKey, "EC": ECKey}
    found: dict[str, Key] = {}
    listed = document.get("keys")
    for jwk in listed if isinstance(listed, list) else ():
        if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str):
            continue
        kind = kinds.get(str(jwk.get("kty")))
        if kind is None or jwk.get("use", "sig") != "sig":
            continue
        try:
            found[jwk["kid"]] = kind.import_key(jwk)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return found
