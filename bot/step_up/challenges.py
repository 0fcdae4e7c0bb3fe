"""Challenges for passkeys: each of one browser session, for one thing, for five minutes.

Nothing is stored for one: it carries its time, random bits, a hash of what it is for, and a MAC
over all that, keyed by what the browser's cookie holds. So what a device signs names the digest
that its owner was shown, which anybody can check later with the hash; no other browser, request or
revision can use it. That it counts once is for what it opens to see to.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta

LASTS = timedelta(minutes=5)
REGISTER = "register"
_TIME, _SALT, _HASH, _MAC = 8, 16, 32, 32
_HEAD = _TIME + _SALT


def approving(request_id: str, digest: str) -> str:
    """What a challenge is for that proves somebody's presence for one revision."""
    return f"approve {request_id} {digest}"


def challenge(cookie: str, purpose: str, now: datetime) -> bytes:
    """A new one."""
    head = int(now.timestamp() * 1000).to_bytes(_TIME, "big") + secrets.token_bytes(_SALT)
    said = head + binding(purpose, head)
    return said + _mac(cookie, said)


def given_at(cookie: str, purpose: str, value: bytes, now: datetime) -> datetime | None:
    """When this browser was given the challenge for this purpose; None if it was not, or too long
    ago."""
    if len(value) != _HEAD + _HASH + _MAC:
        return None
    head, said, mac = value[:_HEAD], value[: _HEAD + _HASH], value[_HEAD + _HASH :]
    if not hmac.compare_digest(mac, _mac(cookie, said)):
        return None
    if not is_for(value, purpose):
        return None
    at = datetime.fromtimestamp(int.from_bytes(head[:_TIME], "big") / 1000, UTC)
    return at if now - LASTS <= at <= now + timedelta(minutes=1) else None


def binding(purpose: str, head: bytes) -> bytes:
    """What the challenge that begins with `head` says of its purpose."""
    return hashlib.sha256(head + purpose.encode()).digest()


def is_for(value: bytes, purpose: str) -> bool:
    """Whether a challenge is for this purpose, whoever made it: so an auditor reads it."""
    return hmac.compare_digest(value[_HEAD : _HEAD + _HASH], binding(purpose, value[:_HEAD]))


def name_of(value: bytes) -> str:
    """By which it is known that a challenge was answered before."""
    return hashlib.sha256(value).hexdigest()


def _mac(cookie: str, said: bytes) -> bytes:
    key = cookie.encode("utf-8", "surrogateescape")
    return hmac.new(key, b"countersign passkey " + said, hashlib.sha256).digest()
