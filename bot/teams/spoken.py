"""The text of a message as the person wrote it: without the mention of the bot, without markup.

Teams writes mentions as `<at>Name</at>` and says in `entities` who is meant; clients differ in what
else they put into `text`: entities of HTML, formatting tags, blanks that do not break. All of it is
taken off here, once and before anybody reads the text. The same message as `text/html` among the
attachments is never read. Source: learn.microsoft.com/microsoftteams, "Channel and group chat
conversations with a bot" and "Messages in bot conversations", read 2026-11-29.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass

from countersign.approvals.models import JsonObject

_MENTION = re.compile(r"<at\b[^<>]*>([^<]*(?:<(?!/?at\b)[^<]*)*)</at>", re.IGNORECASE)
_LINK = re.compile(r"<a\b([^<>]{0,4000})>([^<]*(?:<(?!/?a\b)[^<]*)*)</a>", re.IGNORECASE)
_HREF = re.compile(r"\bhref\s*=\s*[\"']([^\"']*)[\"']", re.IGNORECASE)
_PICTURE = re.compile(r"<(?:img|emoji)\b[^<>]*>(?:\s*</emoji>)?", re.IGNORECASE)
_ALT = re.compile(r"\balt\s*=\s*[\"']([^\"']*)[\"']", re.IGNORECASE)
_LINE = re.compile(r"<br\s*/?>|</(?:p|div|li|tr|h[1-6]|pre|blockquote)>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:p|div|span|b|strong|i|em|u|s|strike|del|sub|sup|a|ul|ol|li|blockquote|pre|code|"
    r"codeblock|h[1-6]|hr|table|thead|tbody|tr|td|th|font|attachment|at|emoji|readonly|systemeventmessage)"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
"""What Teams' own editor produces. `<INV-7>` is no tag: it stays."""
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
"""With its semicolon only: `?a=1&copy=2` is an address."""
_BLANKS = re.compile(r"[ \t]{2,}")
_INVISIBLE = str.maketrans({"\u00a0": " ", "\u200b": None, "\ufeff": None})
BOT = "\0"
"""Stands for the mention of the bot while the rest is read; no text has it (`intake`)."""


@dataclass(frozen=True)
class _Mentions:
    """Which markers mean the bot, and which somebody else."""

    bot: frozenset[str]
    others: frozenset[str]


def plain_words(text: str, entities: Iterable[JsonObject], bot_id: str | None) -> str:
    """What the person wrote to the bot. `bot_id` None: a client that does not say whom it means."""
    mentions = _mentions(entities, bot_id)
    marked = _MENTION.sub(lambda found: _mention(found, mentions), text)
    if not mentions.bot:
        # Clients without mention entities leave the tag in the text, in front.
        marked = _front(marked, text, mentions)
    words = html_off(marked).translate(_INVISIBLE)
    return _without_bot(words).strip()


def html_off(text: str) -> str:
    """The text without formatting tags, its entities decoded exactly once."""
    linked = _LINK.sub(_link, text)
    lines = _LINE.sub("\n", _PICTURE.sub(_alt, linked))
    return _ENTITY.sub(lambda found: html.unescape(found[0]), _TAG.sub("", lines))


def _mentions(entities: Iterable[JsonObject], bot_id: str | None) -> _Mentions:
    bot: set[str] = set()
    others: set[str] = set()
    for entity in entities:
        mentioned, marker = entity.get("mentioned"), entity.get("text")
        if isinstance(mentioned, dict) and isinstance(marker, str) and marker:
            mine = bot_id is None or mentioned.get("id") == bot_id
            (bot if mine else others).add(_name(marker))
    return _Mentions(frozenset(bot), frozenset(others - bot))


def _name(marker: str) -> str:
    """What a marker names, however it is written: `<at id="0">R&amp;D</at>` is `R&D`."""
    found = _MENTION.fullmatch(marker.strip())
    return html_off(found[1] if found else marker).strip()


def _mention(found: re.Match[str], mentions: _Mentions) -> str:
    return BOT if _name(found[0]) in mentions.bot else found[1]


def _front(marked: str, text: str, mentions: _Mentions) -> str:
    first = re.match(r"\s*", text)
    found = _MENTION.match(text, first.end() if first else 0)
    if found is None or _name(found[0]) in mentions.others:
        return marked
    return BOT + _MENTION.sub(lambda each: each[1], text[found.end() :])


def _link(found: re.Match[str]) -> str:
    href, shown = _HREF.search(found[1]), found[2]
    if href is None or html_off(shown).strip() in ("", html.unescape(href[1])):
        return shown
    return f"{shown} ({href[1]})"


def _alt(found: re.Match[str]) -> str:
    alt = _ALT.search(found[0])
    return alt[1] if alt else ""


def _without_bot(words: str) -> str:
    """The bot is spoken to, not spoken of: its mention leaves one blank behind, not two."""
    if BOT not in words:
        return words
    return _BLANKS.sub(" ", words.replace(BOT, " "))
