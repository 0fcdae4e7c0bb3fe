"""Commitments: a hash of a salt and a text, and numbers as every tool has them."""

from __future__ import annotations

import hashlib
from typing import Any


def commitment(salt: str, body: str) -> str:
    """SHA-256 over the salt's bytes and the text of a body. Raises ValueError for no hex."""
    return hashlib.sha256(bytes.fromhex(salt) + body.encode()).hexdigest()


def as_doubles(value: Any) -> Any:
    """A JSON value with each integer that no double holds exactly as the double next to it: tools
    that know only doubles write 1e+20 as 100000000000000000000."""
    if type(value) is int and not -(2**53) < value < 2**53:
        try:
            return float(value)
        except OverflowError:
            return value
    if isinstance(value, dict):
        return {key: as_doubles(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_doubles(item) for item in value]
    return value
