"""Our own sentences as rich text: what is bold or code in them is so, and nothing else is.

Texts of ours are written in a little Markdown, in which words of others stand as character
references (`approvals.forms.wording.as_text`). Rich text has no markup: each piece says how it
looks. Source: docs.slack.dev/reference/block-kit/blocks/rich-text-block, as known in 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from countersign.approvals.forms.wording import cut_visibly, visible
from countersign.approvals.models import JsonObject
from countersign.connectors.slack.markup import MESSAGE_LIMIT, said, size

FALLBACK = 3_000
"""Characters of what notifications show; an update may have 4,000, with entities."""
LONGEST = 9_000
"""Characters of a message, beside what its form takes."""
_MARKED = re.compile(r"\*\*(.+?)\*\*|`([^`\n]+)`", re.DOTALL)
_REFERENCE = re.compile(r"&#(\d{1,4});")
_BULLET = re.compile(r"^( *)- ", re.MULTILINE)


def sentences(text: str, *, markdown: bool = True) -> JsonObject:
    """A message of them: its `text`, and its `blocks` unless it is too long for any."""
    shown = visible(text)
    if len(shown) > LONGEST:
        return {"text": said(plain_words(shown, markdown=markdown))}
    elements = list(_pieces(shown)) if markdown else [_piece(shown)]
    section = {"type": "rich_text_section", "elements": elements}
    blocks: list[JsonObject] = [{"type": "rich_text", "elements": [section]}]
    fallback = said(cut_visibly(plain_words(shown, markdown=markdown), FALLBACK))
    if size(blocks) > MESSAGE_LIMIT:
        return {"text": fallback}
    return {"text": fallback, "blocks": blocks}


def plain_words(text: str, *, markdown: bool = True) -> str:
    """The same without any looks."""
    if not markdown:
        return text
    return _decoded(_bullets(_MARKED.sub(lambda found: found[1] or found[2], text)))


def _pieces(text: str) -> Iterator[JsonObject]:
    at = 0
    for found in _MARKED.finditer(text):
        if found.start() > at:
            yield _piece(_decoded(_bullets(text[at : found.start()])))
        style = "bold" if found[1] else "code"
        yield _piece(_decoded(found[1] or found[2]).replace("`", ""), style)
        at = found.end()
    if at < len(text) or not text:
        yield _piece(_decoded(_bullets(text[at:])))


def _piece(text: str, style: str = "") -> JsonObject:
    made: JsonObject = {"type": "text", "text": text or "\u2013"}
    return made | ({"style": {style: True}} if style else {})


def _bullets(text: str) -> str:
    return _BULLET.sub(lambda found: f"{found[1]}• ", text)


def _decoded(text: str) -> str:
    return _REFERENCE.sub(lambda found: chr(int(found[1])), text)
