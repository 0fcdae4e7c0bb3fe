"""Text of comments as people typed it, out of what their editors made of it, for all systems.

Each connector has one such step, and nothing is read before it. Formatting goes, every character of
a value stays. What cannot be text (a picture, a link under other words) leaves `OBJECT`, so that
nobody takes the rest for the whole.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

from typing_extensions import override

from countersign.connectors.comments.vocabulary import OBJECT

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_BREAKS = re.compile("\r\n|[\r\u2028\u2029\u0085\u000b\u000c]")
_UNSEEN = re.compile("[\ufeff\u200b\u2060\u00ad]")
"""What editors leave behind and nobody types: marks of order, widths of nothing, soft hyphens."""
_BLANKS = re.compile("[\u00a0\u202f\u2007]")
_BLOCKS = frozenset(
    "address article blockquote br caption dd div dl dt fieldset figure footer form h1 h2 h3 h4 "
    "h5 h6 header hr li main nav ol p pre section table tbody tfoot thead tr ul".split()
)
_INLINE = frozenset(
    "a abbr b big cite code em font i ins kbd label mark q s samp small span strike strong sub "
    "sup td th tt u del img svg video audio iframe object script style html head body title "
    "input select textarea button canvas "
    "o:p".split()
)
_GONE = frozenset({"s", "strike", "del"})
_UNREADABLE = frozenset(
    "img svg video audio iframe object input select textarea button canvas".split()
)
_SILENT = frozenset({"script", "style"})
_STRUCK = re.compile(r"line-through|display\s*:\s*none|visibility\s*:\s*hidden", re.I)
HTML = re.compile(
    rf"</?(?:{'|'.join(sorted(_BLOCKS | _INLINE, key=len, reverse=True))})\b[^<>]*>", re.I
)
"""A tag that HTML knows: `<none>` is no tag but a text. Nobody can say whether one that stands in
a plain text is formatting or what was typed; one of a block is formatting."""


BLOCK = re.compile(rf"</?(?:{'|'.join(sorted(_BLOCKS, key=len, reverse=True))})\b[^<>]*>", re.I)


def tidied(text: str) -> str:
    """The text with plain line ends and blanks, and without what nobody sees."""
    return _BLANKS.sub(" ", _UNSEEN.sub("", _BREAKS.sub("\n", text)))


def without_entities(text: str) -> str:
    """The text with `&amp;` and the like as what they stand for; `&copy=1` is none, and stays."""
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)


def link(words: str, address: str) -> str:
    """What a link was typed as: its address, if that is what it shows."""
    shown, target = words.strip(), address.strip()
    bare = target.removeprefix("mailto:")
    if not shown or shown in (target, bare) or f"{shown.rstrip('/')}/" == f"{bare.rstrip('/')}/":
        return shown or bare
    if target in (f"http://{shown}", f"https://{shown}", f"http://{shown}/", f"https://{shown}/"):
        return shown
    return f"{words} ({bare}) {OBJECT}"


def from_html(text: str) -> str:
    """The text of HTML, a line for each block."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    """Collects what a person sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._silent = 0
        self._quotes = 0
        self._links: list[tuple[int, str]] = []

    def text(self) -> str:
        """All of it."""
        return re.sub(r"\n{3,}", "\n\n", "".join(self._parts)).strip()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in ("title", "head"):
            self._break()
        elif tag in _BLOCKS:
            self._quotes += tag == "blockquote"
            self._break()
        elif tag in _UNREADABLE or tag in _GONE or _STRUCK.search(dict(attrs).get("style") or ""):
            self._parts.append(OBJECT)
        elif tag in ("td", "th") and self._parts and not self._parts[-1].endswith("\n"):
            self._parts.append("\t")
        elif tag == "a":
            self._links.append((len(self._parts), dict(attrs).get("href") or ""))

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(self._silent - 1, 0)
        elif tag in ("title", "head"):
            self._break()
        elif tag in _BLOCKS:
            self._quotes -= tag == "blockquote" and self._quotes > 0
            self._break()
        elif tag == "a" and self._links:
            begin, address = self._links.pop()
            words = "".join(self._parts[begin:])
            self._parts[begin:] = [link(words, address) if address else words]

    @override
    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._parts.append(data)

    def _break(self) -> None:
        self._parts.append("\n" + "> " * self._quotes)
