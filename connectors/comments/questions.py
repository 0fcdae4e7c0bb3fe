"""Questions in comments: a comment that begins with an agreed word asks the agent first."""

from __future__ import annotations

import re

ASK = "ask"
"""The state of an act that is such a comment."""
_ASKS = re.compile(
    r"\s*(?:ask|question|frage|pregunta|domanda|pergunta|vraag)\s*:\s*", re.IGNORECASE
)


def question_in(text: str) -> str:
    """What a comment asks, without the word; "" for one that asks nothing."""
    found = _ASKS.match(text)
    return text[found.end() :].strip() if found else ""
