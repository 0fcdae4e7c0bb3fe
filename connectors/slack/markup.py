"""Pieces of messages and modals in Block Kit: nothing in them means anything but what we wrote.

What agents and people control is `plain_text`, in which no markup is read; the three characters
that Slack decodes everywhere are written as entities, so that no text passes for another one.
Limits: docs.slack.dev/reference/block-kit, as known in 2026-11. The classes of the vendor's package
raise when a text is too long, so these are plain values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from countersign.approvals.forms.display import PLAIN_LABEL
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import JsonObject

TEXT_LIMIT, FIELD_LIMIT, FIELDS, HEADER_LIMIT = 3_000, 2_000, 10, 150
BLOCKS, CONTEXT_ELEMENTS, BUTTON_LIMIT, ID_LIMIT = 50, 10, 75, 255
MESSAGE_LIMIT = 11_000
"""Characters of all blocks of a message as JSON. Slack documents none and refuses a little above
13,000: github.com/slackapi/bolt-js/issues/2509."""
SHORT = 120
"""Longer values stand in a section of their own, not beside their name."""


def escaped(text: str) -> str:
    """With `&`, `<` and `>` as entities: no mention, no link, no other text than this."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fitted(text: str, limit: int = TEXT_LIMIT) -> str:
    """Escaped, in at most `limit` characters, with an ellipsis if something is missing; never
    empty, which Slack refuses."""
    shown = escaped(text) if text.strip() else "\u2013"
    if len(shown) <= limit:
        return shown
    size, kept = 1, []
    for character in text:
        piece = escaped(character)
        size += len(piece)
        if size > limit:
            break
        kept.append(piece)
    return f"{''.join(kept)}…"


def plain(text: str, limit: int = TEXT_LIMIT) -> JsonObject:
    """A text in which nothing is markup, and no `:name:` an emoji."""
    return {"type": "plain_text", "text": fitted(text, limit), "emoji": False}


def bold(text: str, limit: int = FIELD_LIMIT) -> JsonObject:
    """A label: bold, unless something in it could be markup."""
    if PLAIN_LABEL.fullmatch(text) and "_" not in text and len(escaped(text)) <= limit - 2:
        return {"type": "mrkdwn", "text": f"*{escaped(text)}*", "verbatim": True}
    return plain(text, limit)


def header(text: str) -> JsonObject:
    """The title of a message."""
    return {"type": "header", "text": plain(" ".join(text.split()), HEADER_LIMIT)}


def section(text: str) -> JsonObject:
    """A paragraph."""
    return {"type": "section", "text": plain(text)}


def label(text: str) -> JsonObject:
    """A heading above what follows."""
    return {"type": "section", "text": bold(text, TEXT_LIMIT)}


def small(texts: Sequence[str]) -> JsonObject:
    """What stands below everything else."""
    return {"type": "context", "elements": [plain(text) for text in texts[:CONTEXT_ELEMENTS]]}


def rows(pairs: Sequence[tuple[str, str]]) -> Iterator[JsonObject]:
    """Names with what belongs to them: short ones in two columns, long ones below their name."""
    fields: list[JsonObject] = []
    for name, text in pairs:
        if is_short(text) and len(name) <= SHORT:
            fields += [bold(name), plain(text, FIELD_LIMIT)]
            if len(fields) == FIELDS:
                yield {"type": "section", "fields": fields}
                fields = []
            continue
        if fields:
            yield {"type": "section", "fields": fields}
            fields = []
        if name:
            yield label(name)
        yield from (section(part) for part in parts(text))
    if fields:
        yield {"type": "section", "fields": fields}


def is_short(text: str) -> bool:
    """Whether it can stand beside its name."""
    return len(text) <= SHORT and "\n" not in text


def parts(text: str) -> list[str]:
    """A long text in pieces that fit into a section each, none of which loses a character."""
    pieces, piece, size = [], "", 0
    for character in text:
        length = len(escaped(character))
        if size + length > TEXT_LIMIT:
            pieces.append(piece)
            piece, size = "", 0
        piece, size = piece + character, size + length
    return [*pieces, piece]


def button(
    action: str, words: str, *, value: str = "", url: str = "", style: str = ""
) -> JsonObject:
    """One that can be pressed, or leads to a page."""
    made: JsonObject = {
        "type": "button",
        "action_id": action,
        "text": plain(words, BUTTON_LIMIT),
    }
    more = {"value": value, "url": url, "style": style}
    return made | {name: text for name, text in more.items() if text}


def buttons(*each: JsonObject) -> JsonObject:
    """In one row."""
    return {"type": "actions", "elements": list(each)}


def size(blocks: Sequence[JsonObject]) -> int:
    """Characters of all of it."""
    return len(json.dumps(list(blocks), ensure_ascii=False))


def fits(blocks: Sequence[JsonObject]) -> bool:
    """Whether Slack takes it as one message."""
    return len(blocks) <= BLOCKS and size(blocks) <= MESSAGE_LIMIT


def said(text: str) -> str:
    """A text of ours with names in it, for the `text` of a message, which is read as mrkdwn."""
    return escaped(visible(text))
