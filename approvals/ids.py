"""Ids of rows: short enough to read out, random enough never to meet twice."""

from __future__ import annotations

import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U to misread."""
BITS_PER_LETTER = 5
LENGTH = 12
"""60 bits: a billion ids meet by chance with a probability of about 40 %, a million with 4e-7;
the primary key refuses the rest."""


def new_id(prefix: str) -> str:
    """For example `R-7F3K2M9QXC4V`."""
    bits = secrets.randbits(BITS_PER_LETTER * LENGTH)
    letters = [_ALPHABET[bits >> BITS_PER_LETTER * n & 31] for n in range(LENGTH)]
    return f"{prefix}-{''.join(letters)}"


def new_token() -> str:
    """A fresh execution token: 128 random bits in hex."""
    return secrets.token_hex(16)
