"""What a person typed into ServiceNow, out of a journal or a column: the only reading of comments.

Journals are plain text; between `[code]` and `[/code]` they are HTML, and what the rich editors and
mails put there is HTML, too. Mentions come as `@[Name]`. Source: ServiceNow docs, "Journal field
type" and "Mention a user", read 2026-11-29.
"""

from __future__ import annotations

import re

from countersign.connectors.comments.typed import (
    BLOCK,
    HTML,
    from_html,
    tidied,
    without_entities,
)
from countersign.connectors.comments.vocabulary import OBJECT

_CODE = re.compile(r"\[code\](.*?)\[/code\]", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"\[/?code\]", re.IGNORECASE)
_MENTION = re.compile(r"@\[([^\]\n]{1,120})\](?:\(([^)\n]{0,120})\))?")
_NAME = re.compile(r"(?:[^\W\d_][^\W\d_.'-]*[.]?[ '-]?){1,6}")
_ID = re.compile(r"[0-9a-f]{32}|[\w.@-]{1,80}")


def as_typed(raw: str) -> str:
    """The text that was typed."""
    text = tidied(raw)
    parts, at = [], 0
    for found in _CODE.finditer(text):
        parts += [_plain(text[at : found.start()]), from_html(found[1])]
        at = found.end()
    parts.append(_plain(text[at:]))
    return tidied("".join(parts)).strip()


def _mentioned(found: re.Match[str]) -> str:
    """Somebody's name, which asks for nothing; what is no name is what was typed."""
    name, target = found[1], found[2] or ""
    words = name.split()
    is_name = _NAME.fullmatch(name) and all(word[:1].isupper() for word in words)
    return f"@{OBJECT}" if is_name and (not target or _ID.fullmatch(target)) else found[0]


def _plain(text: str) -> str:
    text = _MENTION.sub(_mentioned, _TAG.sub("", text))
    if BLOCK.search(text):
        return from_html(text.replace("\n", "<br>"))
    return HTML.sub(OBJECT, without_entities(text))
