"""Authorization codes: each for one application, one way back, one verifier, and once.

Sources: RFC 6749 sections 4.1.2 and 4.1.3, RFC 7636 section 4.6, read 2026-11-30.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any

LIFETIME_S = 600.0


class GrantError(Exception):
    """The code does not entitle to tokens; the text is for the developer."""


@dataclass(frozen=True)
class Granted:
    """What a code stands for."""

    redirect_uri: str
    challenge: str
    claims: dict[str, Any]
    wrong: str
    """What the issuer gets wrong when it is redeemed."""
    until: float


class Codes:
    """The codes that were given and not redeemed yet."""

    def __init__(self) -> None:
        self._given: dict[str, Granted] = {}
        self._redeemed: set[str] = set()

    def give(
        self, redirect_uri: str, challenge: str, claims: dict[str, Any], *, wrong: str = ""
    ) -> str:
        """A new code."""
        code = secrets.token_urlsafe(24)
        until = time.monotonic() + LIFETIME_S
        self._given[code] = Granted(redirect_uri, challenge, claims, wrong, until)
        return code

    def redeem(
        self, code: str, redirect_uri: str, verifier: str, *, again: bool, any_verifier: bool
    ) -> Granted:
        """What it stands for, once; with `again` as often as one likes. Raises GrantError."""
        granted = self._given.get(code)
        if granted is None or granted.until < time.monotonic():
            raise GrantError("AADSTS70008: The provided authorization code has expired.")
        if code in self._redeemed and not again:
            raise GrantError("AADSTS54005: OAuth2 Authorization code was already redeemed.")
        if granted.redirect_uri != redirect_uri:
            raise GrantError("AADSTS50011: The reply address does not match.")
        if not any_verifier and challenge_of(verifier) != granted.challenge:
            raise GrantError("AADSTS501481: The Code_Verifier does not match the code_challenge.")
        self._redeemed.add(code)
        return granted


def challenge_of(verifier: str) -> str:
    """By the method S256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
