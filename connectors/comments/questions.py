"""Questions in comments: a comment that begins with an agreed word asks the agent first."""

from __future__ import annotations

import re

ASK = "ask"
"""The state of an act that is such a comment."""
_ASKS = re.compile(
    r"\s*(?:ask|question|frage|pregunta|domanda|pergunta|vraag)\s*(?:#?(\d{1,3})\s*)?:\s*",
    re.IGNORECASE,
)


def question_in(text: str) -> str:
    """What a comment asks, without the word; "" for one that asks nothing. Of `ask 2: why?` the
    number of the call stays: `2: why?`."""
    found = _ASKS.match(text)
    asked = text[found.end() :].strip() if found else ""
    return f"{found[1]}: {asked}" if found and found[1] and asked else asked
