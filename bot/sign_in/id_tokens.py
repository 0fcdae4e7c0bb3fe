"""ID tokens: which ones are believed, and what they say. Every doubt is an UntrustedError.

Sources, read 2026-11-30: OpenID Connect Core 1.0 section 3.1.3.7 (ID token validation), RFC 8725
(JWT best current practices: algorithms are ours to choose, never the token's), learn.microsoft.com
"ID token claims reference" (`oid` and `tid` together name a person in Entra; `email` and
`preferred_username` can change and must not be used for authorisation).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from countersign.approvals.errors import RefusedError
from countersign.bot.settings.sign_in import ENTRA, SignInSettings
from countersign.bot.sign_in.issuer import Issuer

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures with a private key. Never `none`, never a MAC: its key would be one we publish."""
MAX_TOKEN = 32_000
MAX_NAME = 255


class UntrustedError(RefusedError):
    """What came does not prove who somebody is; the text is for the log, and holds no token."""


@dataclass(frozen=True)
class Named:
    """Whom a token names."""

    kind: str
    """The kind of identity, as in `people[].identities`."""
    value: str
    authenticated_at: datetime | None
    """When they last proved to the issuer who they are; None if it does not say."""
    claims: Mapping[str, Any]

    @property
    def identity(self) -> str:
        """As the ledger has it."""
        return f"{self.kind}:{self.value}"


@dataclass(frozen=True)
class Expected:
    """What a token has to be, besides being of the issuer."""

    audiences: Sequence[str]
    nonce: str | None = None
    fresh_since: datetime | None = None
    """They must have proved who they are at this time or later."""
    acr_values: Sequence[str] = ()
    authorised_parties: Sequence[str] = ()
    """Who may have asked for it; empty: only we."""


async def read(token: str, issuer: Issuer, expected: Expected, now: datetime) -> Named:
    """Whom the token names. Raises UntrustedError; UnavailableError if the keys are not known."""
    claims = await _signed(token, issuer)
    settings = issuer.settings
    skew = timedelta(seconds=settings.clock_skew)
    _require_addressed(claims, settings, expected)
    _require_current(claims, now, skew)
    if expected.nonce is not None:
        given = claims.get("nonce")
        if not isinstance(given, str) or not hmac.compare_digest(
            given.encode(), expected.nonce.encode()
        ):
            raise UntrustedError("the token is of another sign-in: its nonce is not ours")
    authenticated_at = _moment(claims, "auth_time")
    if expected.fresh_since is not None:
        if authenticated_at is None:
            raise UntrustedError(
                "the token does not say when they signed in (auth_time); with Entra add auth_time "
                "as an optional claim of the ID token"
            )
        if authenticated_at < expected.fresh_since - skew:
            raise UntrustedError("the issuer did not ask them again: the sign-in is an older one")
    if authenticated_at is not None and authenticated_at > now + skew:
        raise UntrustedError("they signed in later than now")
    if expected.acr_values and not _classes(claims).intersection(expected.acr_values):
        raise UntrustedError("the sign-in was not of a class that sign_in.acr_values names")
    return Named(settings.identity, _person(claims, settings), authenticated_at, claims)


async def _signed(token: str, issuer: Issuer) -> Mapping[str, Any]:
    from joserfc import jws, jwt  # only where somebody signs in
    from joserfc.errors import JoseError

    if len(token) > MAX_TOKEN:
        raise UntrustedError("the token is too long")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, UnicodeError) as exc:
        raise UntrustedError("this is no signed token") from exc
    if header.get("alg") not in ALGORITHMS:
        raise UntrustedError("the token is signed in a way that is not taken")
    key = await issuer.key(header.get("kid"))
    if key is None:
        raise UntrustedError("the token's key is not published by the issuer")
    try:
        return jwt.decode(token, key, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, TypeError) as exc:
        raise UntrustedError(f"the token's signature does not hold ({type(exc).__name__})") from exc


def _require_addressed(
    claims: Mapping[str, Any], settings: SignInSettings, expected: Expected
) -> None:
    if claims.get("iss") != settings.issuer:
        raise UntrustedError("the token is of another issuer")
    audience = claims.get("aud")
    meant = audience if isinstance(audience, list) else [audience]
    if not meant or any(each not in expected.audiences for each in meant):
        raise UntrustedError("the token is for another application")
    if "azp" in claims and claims["azp"] not in (
        expected.authorised_parties or (settings.client_id,)
    ):
        raise UntrustedError("another application has asked for the token")
    if settings.identity == ENTRA and claims.get("tid") != settings.tenant_id:
        raise UntrustedError("the token is of another tenant")


def _require_current(claims: Mapping[str, Any], now: datetime, skew: timedelta) -> None:
    expires_at, issued_at = _moment(claims, "exp"), _moment(claims, "iat")
    if expires_at is None or issued_at is None:
        raise UntrustedError("the token does not say for how long it counts")
    if expires_at <= now - skew:
        raise UntrustedError("the token has expired")
    not_before = _moment(claims, "nbf") or issued_at
    if max(issued_at, not_before) > now + skew:
        raise UntrustedError("the token does not count yet")


def _moment(claims: Mapping[str, Any], name: str) -> datetime | None:
    """A claim of seconds as a time; None if it is not there. Raises UntrustedError."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UntrustedError(f"{name} is no time")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as exc:
        raise UntrustedError(f"{name} is no time") from exc


def _classes(claims: Mapping[str, Any]) -> set[str]:
    """How they proved it: `acr`, and `acrs`, where Entra has authentication contexts."""
    found: set[str] = set()
    for name in ("acr", "acrs"):
        value = claims.get(name)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str):
                found.add(each)
    return found


def _person(claims: Mapping[str, Any], settings: SignInSettings) -> str:
    value = claims.get(settings.claim)
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NAME:
        raise UntrustedError(f"the token has no {settings.claim}, which would name the person")
    return value
