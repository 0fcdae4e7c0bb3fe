r"""What a person typed into Jira, out of wiki markup or a document: the only reading of comments.

The REST API, version 2, gives wiki markup, also of what was written in the rich editors of Cloud
and Data Center: `*bold*`, `[https://example.com|https://example.com|smart-link]` for an address
that was only typed, `\!` for a mark that would be markup. In {noformat} and {code} nothing is
markup. Source: jira.atlassian.com/secure/WikiRendererHelpAction.jspa, read 2026-11-29.
"""

from __future__ import annotations

import re
from typing import Any

from countersign.connectors.comments.typed import (
    HTML,
    link,
    tidied,
    without_entities,
)
from countersign.connectors.comments.vocabulary import OBJECT
from countersign.connectors.jira.adf import text_of
from countersign.connectors.jira.markup import unescape

_VERBATIM = re.compile(
    r"\{(?P<macro>noformat|code)(?::[^}\n]*)?\}(?P<inner>.*?)\{(?P=macro)\}", re.DOTALL | re.I
)
_QUOTE = re.compile(r"\{quote\}(.*?)\{quote\}", re.DOTALL | re.I)
_DRESS = re.compile(
    r"\{/?(?:color|panel|section|column|align|anchor|cheese|tip|info|note|warning|expand)"
    r"(?::[^}\n]*)?\}",
    re.I,
)
_MACRO = re.compile(
    r"\{(?:adf|html|iframe|include|gadget|chart|jira|attachments|toc|excerpt|status|profile|mention)"
    r"(?::[^}\n]*)?\}",
    re.I,
)
_BARE_MACRO = re.compile(r"(?<!\{)\{[a-z][a-z-]{1,30}\}(?!\})")
"""Of no macro that we know anybody can say what it shows."""
_TITLE = re.compile(r"[:|]title=([^|}\n]*)", re.I)
_BRACED = re.compile(r"\{(?:\*|_|\+|\^|~|\?\?)\}")
"""Formatting in the middle of a word, as the rich editors write it: `{*}Ch{*}anges`."""
_BRACED_STRIKE = "{-}"
_MONO = re.compile(r"\{\{(.+?)\}\}")
_LINK = re.compile(r"(?<!\\)\[([^\[\]\n]+)\]")
_IMAGE = re.compile(r"(?<![\w\\!])!(?=[^\s!|])[^!\n|]+\.\w{2,5}(?:\|[^!\n]*)?!(?!\w)")
_STRUCK = re.compile(r"(?<![\w\\-])-(?=[^\s-])([^\n]*?[^\s\\-])-(?![\w-])")
_EMPHASIS = tuple(
    re.compile(
        rf"(?<![\w\\{mark}]){mark}(?=[^\s{mark}])([^\n]*?[^\s\\{mark}]|[^\s\\{mark}]){mark}(?![\w{mark}])"
    )
    for mark in (r"\*", "_", r"\+", r"\?\?", r"\^", "~")
)
_HEADING = re.compile(r"^([ \t]*(?:[*#-]+[ \t]+)?)h[1-6]\.[ \t]+", re.MULTILINE)
_BLOCKQUOTE = re.compile(r"^[ \t]*bq\.[ \t]+", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*-{4,}[ \t]*$", re.MULTILINE)
_ROW = re.compile(r"^[ \t]*\|{1,2}(.*?)\|{1,2}[ \t]*$", re.MULTILINE)
_FORCED = re.compile(r"\\\\(?=\s|$)", re.MULTILINE)
_ADDRESS = re.compile(r"(?:https?|ftp)://[^\s|\]]*[^\s|\].,;:!?)*_+~^\"'>}]")
"""In which `*` and `_` are no formatting."""
_ADDRESS_KEPT, _ADDRESS_KEPT_AT = "\ue002{}\ue003", re.compile("\ue002(\\d+)\ue003")
_KEPT = "\ue000{}\ue001"
_PRIVATE = re.compile("[\ue000-\ue003]")
_KEPT_AT = re.compile("\ue000(\\d+)\ue001")


def as_typed(raw: Any) -> str:
    """The text that was typed; `raw` is what the site gives: wiki markup, or a document."""
    if isinstance(raw, dict):
        return tidied(text_of(raw))
    if not isinstance(raw, str):
        return ""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        inner = found["inner"]
        title = _title(found)
        kept.append(f"{title}{inner.strip(chr(10))}")
        around = "\n" if "\n" in inner or title else ""
        return f"{around}{_KEPT.format(len(kept) - 1)}{around}"

    text = _PRIVATE.sub(OBJECT, tidied(raw))
    text = _plain(_VERBATIM.sub(keep, text))
    return _KEPT_AT.sub(lambda found: kept[int(found[1])], text).strip()


def _plain(text: str) -> str:
    text = _QUOTE.sub(lambda found: "\n" + re.sub(r"(?m)^", "> ", found[1].strip()) + "\n", text)
    text = _BARE_MACRO.sub(OBJECT, _MACRO.sub(OBJECT, _DRESS.sub(_title, text)))
    text = _BRACED.sub("", _MONO.sub(r"\1", text)).replace(_BRACED_STRIKE, OBJECT)
    text = HTML.sub(OBJECT, text)  # no markup here, so it may be what was typed, or what a mail had
    text = _BLOCKQUOTE.sub("> ", _RULE.sub("", _HEADING.sub(r"\1", text)))
    text = _FORCED.sub("\n", _IMAGE.sub(OBJECT, text))
    text = _LINK.sub(_linked, text)
    text = _ROW.sub(_row, text)
    addresses: list[str] = []

    def keep(found: re.Match[str]) -> str:
        addresses.append(found[0])
        return _ADDRESS_KEPT.format(len(addresses) - 1)

    text = _ADDRESS.sub(keep, text)
    text = "\n".join(_without_emphasis(line) for line in text.split("\n"))
    text = _ADDRESS_KEPT_AT.sub(lambda found: addresses[int(found[1])], unescape(text))
    return tidied(without_entities(text))


def _title(found: re.Match[str]) -> str:
    """What stands over a panel or a block of code, as a line; people see it first."""
    title = _TITLE.search(found[0].partition("}")[0])
    return f"\n{title[1].strip()}\n" if title else ""


def _linked(found: re.Match[str]) -> str:
    words, *more = found[1].split("|")
    if words.startswith("~"):
        return f"@{OBJECT}"
    if words.startswith("^") or (more and more[-1] == "smart-card"):
        return OBJECT if words.startswith("^") else (more[0] if len(more) > 1 else words)
    if not more:
        is_address = re.match(r"(?:https?|ftp|mailto):|www\.", words, re.I)
        return link(words.removeprefix("mailto:"), words) if is_address else found[0]
    return link(words, more[0])


def _row(found: re.Match[str]) -> str:
    return "\t".join(cell.strip() for cell in re.split(r"\|{1,2}", found[1]))


def _without_emphasis(line: str) -> str:
    """The line without marks around words; what is struck out is not what was asked for."""
    before = None
    for _ in range(4):  # bold in italics in colour
        if line == before:
            break
        before = line
        for mark in _EMPHASIS:
            line = mark.sub(r"\1", line)
    return _STRUCK.sub(rf"{OBJECT}\1{OBJECT}", line)
