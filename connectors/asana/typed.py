"""What a person typed into Asana, out of the plain text of a comment: the only reading of comments.

The API gives comments as plain text; a mention of somebody comes as the address of their profile.
Source: developers.asana.com, "Rich text", read 2026-11-30.
"""

from __future__ import annotations

import re

from countersign.connectors.comments.typed import HTML, tidied
from countersign.connectors.comments.vocabulary import OBJECT

_MENTION = re.compile(
    r"https://app\.asana\.com/0/(?:profile/)?\d+(?:/(?:list|\d+))?(?=[\s.,;:!?)]|$)"
)


def as_typed(raw: str) -> str:
    """The text that was typed."""
    return tidied(HTML.sub(OBJECT, _MENTION.sub(f"@{OBJECT}", tidied(raw)))).strip()
