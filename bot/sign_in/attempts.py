"""Attempts to sign in: each belongs to the browser that began it, and to nobody else.

The browser keeps 256 random bits in a cookie. What the issuer is given and gives back (`state`) is
sealed with a key made of them, so it opens in no other browser; the nonce and the code verifier are
made of them, too, and are in no address. Nothing is stored: whoever begins attempts fills no table.
Sources, read 2026-11-30: RFC 6749 section 10.12 (state against login CSRF), RFC 7636 (PKCE), RFC
9700 section 4.7.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, ValidationError

from countersign.approvals.models import Value

LASTS = timedelta(minutes=10)
"""As long as somebody may take at the issuer."""
BETWEEN_SERVERS = timedelta(minutes=1)
"""How far the clocks of our own servers may be apart."""
MAX_STATE = 4_000
_SALT_BYTES = 12


class Purpose(Value):
    """What an attempt is for."""

    kind: Literal["sign_in", "step_up"] = "sign_in"
    next: str
    """The page to go on to, of ours."""
    is_fresh: bool = False
    """Whether the issuer has to ask them, whoever is signed in there."""
    person: str = ""
    """Of a step-up: who has to sign in again."""
    request: str = ""
    digest: str = ""


class Attempt(Value):
    """One attempt, as the browser has it."""

    state: str
    nonce: str
    verifier: str
    purpose: Purpose
    began_at: AwareDatetime

    @property
    def name(self) -> str:
        """By which it is known that it came to an end before."""
        return hashlib.sha256(self.nonce.encode()).hexdigest()

    @property
    def challenge(self) -> str:
        """Of the verifier, by the method S256."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())


class _Sealed(Value):
    purpose: Purpose
    began_at: AwareDatetime


def new_secret() -> str:
    """What the browser keeps."""
    return secrets.token_urlsafe(32)


def begin(secret: str, purpose: Purpose, now: datetime) -> Attempt:
    """A new attempt of the browser with this secret."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # only where somebody signs in

    salt = secrets.token_bytes(_SALT_BYTES)
    inside = _Sealed(purpose=purpose, began_at=now).model_dump_json().encode()
    state = _text(salt + AESGCM(_key(secret, b"state")).encrypt(salt, inside, None))
    return _attempt(secret, salt, state, purpose, now)


def resume(secret: str, state: str, now: datetime) -> Attempt | None:
    """The attempt that comes back; None if this browser has not begun it, or too long ago."""
    if not secret or len(state) > MAX_STATE:
        return None
    from cryptography.exceptions import InvalidTag  # only where somebody signs in
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        raw = base64.urlsafe_b64decode(state + "=" * (-len(state) % 4))
        salt, sealed = raw[:_SALT_BYTES], raw[_SALT_BYTES:]
        inside = AESGCM(_key(secret, b"state")).decrypt(salt, sealed, None)
        found = _Sealed.model_validate_json(inside)
    except (binascii.Error, InvalidTag, ValidationError, ValueError):
        return None
    if not now - LASTS <= found.began_at <= now + BETWEEN_SERVERS:
        return None
    return _attempt(secret, salt, state, found.purpose, found.began_at)


def _attempt(secret: str, salt: bytes, state: str, purpose: Purpose, began_at: datetime) -> Attempt:
    return Attempt(
        state=state,
        nonce=_text(_key(secret, b"nonce" + salt)),
        verifier=_text(_key(secret, b"verifier" + salt)),
        purpose=purpose,
        began_at=began_at,
    )


def _key(secret: str, label: bytes) -> bytes:
    return hmac.new(secret.encode("utf-8", "surrogateescape"), label, hashlib.sha256).digest()


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
