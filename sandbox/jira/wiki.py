"""Jira's wiki markup as HTML, as far as tickets need it; everything else is shown as text.

Source: the text formatting notation of Jira, "https://jira.atlassian.com/secure/
WikiRendererHelpAction.jspa?section=all" (read 2026-11-25).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape

_HEADING = re.compile(r"h([1-6])\.\s+(.*)")
_ITEM = re.compile(r"([*#]+|-)\s+(.*)")
_VERBATIM = re.compile(r"\{(noformat|code)(?::[^}]*)?\}")
_COLOUR = re.compile(r"[a-zA-Z]+|#[0-9a-fA-F]{3,6}")
_SAFE_LINK = re.compile(r"(?:https?://|mailto:)\S+", re.IGNORECASE)
_INLINE = re.compile(
    r"""
      (?P<break>\\\\(?=\s|$))
    | \\(?P<escaped>[^a-zA-Z0-9\s])
    | \{\{(?P<mono>.+?)\}\}
    | \{(?:noformat|code(?::[^}]*)?)\}(?P<verbatim>.*?)\{(?:noformat|code)\}
    | \{color:(?P<colour>[^}]+)\}(?P<coloured>.*?)\{color\}
    | \[~(?:accountid:)?(?P<mention>[^\]]+)\]
    | \[(?:(?P<label>[^\]|]+)\|)?(?P<link>[^\]|\s]+)\]
    | (?P<url>https?://[^\s|\]<>"]+)
    | (?<!\w)\*(?=\S)(?P<strong>(?:\\.|[^*\\\n])+?)(?<=\S)\*(?!\w)
    | (?<!\w)_(?=\S)(?P<em>(?:\\.|[^_\\\n])+?)(?<=\S)_(?!\w)
    | (?<![\w-])-(?=[^\s-])(?P<strike>(?:\\.|[^-\\\n])+?)(?<=\S)-(?![\w-])
    """,
    re.VERBOSE | re.DOTALL,
)
Names = Callable[[str], str]
"""From an account id to the name to show."""


def render(text: str, name_of: Names = str) -> str:
    """`text` as HTML; nothing in it can become markup of its own."""
    return "".join(_blocks(text.replace("\r\n", "\n").split("\n"), name_of))


def _blocks(lines: list[str], name_of: Names) -> Iterator[str]:
    position = 0
    while position < len(lines):
        line = lines[position].strip()
        verbatim = _VERBATIM.match(line)
        if not line:
            position += 1
        elif verbatim and "{" + verbatim[1] + "}" not in line[verbatim.end() :]:
            position, html = _verbatim(lines, position, verbatim)
            yield html
        elif heading := _HEADING.fullmatch(line):
            # The page's own title is h1 and its sections are h2.
            level = min(6, int(heading[1]) + 2)
            yield f"<h{level}>{inline(heading[2], name_of)}</h{level}>"
            position += 1
        elif re.fullmatch(r"-{4,}", line):
            yield "<hr>"
            position += 1
        else:
            kind = _kind(line)
            end = position + 1
            while end < len(lines) and _kind(lines[end].strip()) == kind:
                end += 1
            yield _run(kind, [found.strip() for found in lines[position:end]], name_of)
            position = end


def _kind(line: str) -> str:
    if line.startswith("|"):
        return "table"
    if item := _ITEM.fullmatch(line):
        return f"list {item[1][0]}"
    if line.startswith("bq. "):
        return "quote"
    other = _HEADING.fullmatch(line) or _VERBATIM.match(line) or re.fullmatch(r"-{4,}", line)
    return "other" if not line or other else "text"


def _run(kind: str, lines: list[str], name_of: Names) -> str:
    if kind == "table":
        rows = "".join(_row(line, name_of) for line in lines)
        return f'<div class="scroll"><table>{rows}</table></div>'
    if kind.startswith("list"):
        return _list([_item(line) for line in lines], 1, name_of)
    if kind == "quote":
        inner = "<br>".join(inline(line[4:], name_of) for line in lines)
        return f"<blockquote>{inner}</blockquote>"
    return f"<p>{'<br>'.join(inline(line, name_of) for line in lines)}</p>"


def _verbatim(lines: list[str], start: int, opening: re.Match[str]) -> tuple[int, str]:
    """A block that is shown as it is written, and where the text goes on."""
    closing = "{" + opening[1] + "}"
    rest = lines[start].strip()[opening.end() :]
    inner = [rest] if rest else []
    position = start + 1
    while position < len(lines):
        head, found, _ = lines[position].partition(closing)
        position += 1
        if head.strip() or not found:
            inner.append(head)
        if found:
            break
    return position, f"<pre>{escape(chr(10).join(inner))}</pre>"


def _item(line: str) -> tuple[str, str]:
    match = _ITEM.fullmatch(line)
    return (match[1], match[2]) if match else ("*", line)


def _list(items: list[tuple[str, str]], depth: int, name_of: Names) -> str:
    tag = "ol" if items[0][0].endswith("#") else "ul"
    html, position = [], 0
    while position < len(items):
        text = items[position][1]
        end = position + 1
        while end < len(items) and len(items[end][0]) > depth:
            end += 1
        nested = items[position + 1 : end]
        inner = _list(nested, depth + 1, name_of) if nested else ""
        html.append(f"<li>{inline(text, name_of)}{inner}</li>")
        position = end
    return f"<{tag}>{''.join(html)}</{tag}>"


def _row(line: str, name_of: Names) -> str:
    cells = []
    for header, text in cells_of(line):
        tag = "th" if header else "td"
        cells.append(f"<{tag}>{inline(text.strip(), name_of)}</{tag}>")
    return f"<tr>{''.join(cells)}</tr>"


def cells_of(line: str) -> list[tuple[bool, str]]:
    r"""The cells of a row, header or not; `\|` and the bars in links and macros divide nothing."""
    pieces = re.findall(r"\\.|\{\{.*?\}\}|\[[^\]]*\]|\|\||\||[^\\|\[{]+|.", line)
    cells: list[tuple[bool, str]] = []
    current: list[str] | None = None
    header = False
    for piece in pieces:
        if piece in ("|", "||"):
            if current is not None:
                cells.append((header, "".join(current)))
            header, current = piece == "||", []
        elif current is not None:
            current.append(piece)
    if current and "".join(current).strip():
        cells.append((header, "".join(current)))
    return cells


def inline(text: str, name_of: Names = str) -> str:
    """One stretch of text as HTML."""
    html, position = [], 0
    for match in _INLINE.finditer(text):
        html.append(escape(text[position : match.start()]))
        html.append(_span(match, name_of))
        position = match.end()
    html.append(escape(text[position:]))
    return "".join(html)


def _span(match: re.Match[str], name_of: Names) -> str:
    kind = match.lastgroup or ""
    value = match[kind]
    match kind:
        case "break":
            return "<br>"
        case "escaped":
            return escape(value)
        case "mono":
            return f"<code>{escape(_unescape(value))}</code>"
        case "verbatim":
            return f"<code>{escape(value)}</code>"
        case "coloured":
            return _coloured(match["colour"], inline(value, name_of))
        case "mention":
            return f'<span class="mention">@{escape(name_of(value))}</span>'
        case "link" | "url":
            return _link(match, value)
        case _:
            tag = {"strike": "s"}.get(kind, kind)
            return f"<{tag}>{inline(value, name_of)}</{tag}>"


def _unescape(text: str) -> str:
    return re.sub(r"\\([^a-zA-Z0-9\s])", r"\1", text)


def _coloured(colour: str, inner: str) -> str:
    if not _COLOUR.fullmatch(colour):
        return inner
    return f'<span style="color:{colour}">{inner}</span>'


def _link(match: re.Match[str], address: str) -> str:
    if not _SAFE_LINK.fullmatch(address):
        return escape(match[0])
    shown = match["label"] or address.removeprefix("mailto:")
    return f'<a href="{escape(address)}" rel="noreferrer noopener">{escape(shown)}</a>'
