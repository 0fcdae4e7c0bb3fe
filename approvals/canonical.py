"""One byte sequence per value, so that a digest means the same everywhere.

RFC 8785 (JSON Canonicalization Scheme) with SHA-256. Numbers are IEEE 754 doubles there, so an
integer beyond 2**53 has no canonical form and is refused instead of being rounded.
"""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785

from approvals.errors import InvalidError
from approvals.models import JsonObject

SHORT_DIGITS = 12
"""Hex digits of a digest that a card shows: 48 bits, enough to compare by eye."""


def canonical_json(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value. Raises InvalidError if it has none."""
    try:
        return rfc8785.dumps(value)
    # a lone surrogate in a key escapes from rfc8785 as a UnicodeEncodeError
    except (rfc8785.CanonicalizationError, UnicodeError, TypeError, RecursionError) as exc:
        raise InvalidError(f"The value has no canonical JSON form: {exc}") from exc


def well_formed(text: str) -> str:
    """`text` with each lone surrogate replaced by `?`: models and tools do produce them, and
    neither UTF-8 nor the store can hold them."""
    return text.encode("utf-8", "replace").decode()


def sha256_hex(data: bytes) -> str:
    """64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest(
    *,
    session_id: str,
    call_id: str,
    tool: str,
    arguments: JsonObject,
    policy_version: str,
) -> str:
    """What a person signs: SHA-256 over the canonical JSON of exactly these five members."""
    signed = {
        "session": session_id,
        "call_id": call_id,
        "tool": tool,
        "arguments": arguments,
        "policy_version": policy_version,
    }
    return sha256_hex(canonical_json(signed))


def short(digest_hex: str) -> str:
    """The short form of a digest for people."""
    return digest_hex[:SHORT_DIGITS]
