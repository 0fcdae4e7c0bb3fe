"""Withdrawing: the comment by which somebody takes back the vote that they gave in a ticket."""

from __future__ import annotations

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


def is_withdrawal(text: str) -> bool:
    """Whether a comment says nothing else than that a vote is taken back."""
    return " ".join(plain(text).split()).strip(" .!/") in _SAID
