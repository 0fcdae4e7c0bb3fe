"""Withdrawing: the comment by which somebody takes back the vote that they gave in a ticket."""

from __future__ import annotations

import re

from countersign.connectors.comments.vocabulary import plain

WITHDRAW = "withdraw"
"""The state of an act that is such a comment."""
_SAID = frozenset(
    {
        *("withdraw", "withdrawn", "i withdraw my vote", "withdraw my vote"),
        *("take back my vote", "i take back my vote", "i take my vote back"),
        *("zuruckziehen", "zuruckgezogen", "ich ziehe meine stimme zuruck"),
        *("ich ziehe zuruck", "stimme zuruckziehen"),
        *("je retire mon vote", "retirer mon vote", "retiro mi voto", "ritiro il mio voto"),
        *("retiro o meu voto", "ik trek mijn stem in"),
    }
)
"""Whole comments, as `plain` makes them: a word among others may mean anything."""


_CALLS = re.compile(r"(?:\s+(?:calls?\s+)?#?\d{1,3}(?:\s*[-,]\s*\d{1,3})*)$")
"""What stands behind it in a ticket of several calls."""


def is_withdrawal(text: str) -> bool:
    """Whether a comment says nothing else than that a vote is taken back."""
    return _CALLS.sub("", _said_in(text)) in _SAID


def calls_withdrawn(text: str) -> str:
    """The calls that such a comment names, as it names them; "" for all."""
    found = _CALLS.search(_said_in(text))
    return found[0].strip() if found else ""


def _said_in(text: str) -> str:
    return " ".join(plain(text).split()).strip(" .!/")
