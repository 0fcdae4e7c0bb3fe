"""Names for rows: short enough to read out, random enough never to meet twice."""

from __future__ import annotations

import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U to misread."""
LENGTH = 12
"""60 bits: a billion ids meet by chance with a probability of about 40 %, a million with 4e-7;
the primary key refuses the rest."""


def new_id(prefix: str) -> str:
    """For example `R-7F3K2M9QXC4V`."""
    return f"{prefix}-" + "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


def new_token() -> str:
    """A fresh execution token: 128 random bits in hex."""
    return secrets.token_hex(16)
