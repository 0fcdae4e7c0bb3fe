r"""Plain text as Jira's wiki markup that shows exactly that text, and can be nothing else.

What agents and people say must not become a link, an image, a mention, a macro, a table or a
heading. A backslash escapes exactly `! [ ] ^ ~ + ? % { } ( ) * _ - | @` (ESCAPABLE_WIKI_CHARS of
com.atlassian.renderer.v2.components.BackslashEscapeRendererComponent, read 2026-11-25). What cannot
be escaped so is written out as \uXXXX, as invisible characters are. `://` would be made a link
wherever it stands, so it is broken in the way that security people write addresses: `https[:]//`.
"""

from __future__ import annotations

import re

from countersign.approvals.forms.wording import visible

_ALWAYS = re.compile(r"[\[\]{}*+^~!|]")
_BETWEEN = re.compile(r"(?<![^\W_])[-_]|[-_](?![^\W_])")
"""Marks that begin or end something unless letters or digits stand on both sides."""
_DOUBLED = re.compile(r"(?<=\?)\?|\?(?=\?)")
_ICON = re.compile(r"\((?=(?:[!?+\-/xyin]|on|off|\*[rgby]?|flag|flagoff)\))", re.IGNORECASE)
_BACKSLASH = re.compile(r"\\(?![A-Za-z0-9])")
_SCHEME = r"(?:mailto|news|nntp|callto|skype|sip|tel|javascript)"
"""What is an address without `//` behind it."""
_ADDRESS = re.compile(rf"(?i)({_SCHEME}):(?=\S)|:(?=//)")
_ENTITY = re.compile(r"&(?=(?:#\w{1,8}|\w{2,32});)")
_LINE_START = re.compile(r"(?im)^([ \t]*)(?:(#)|(h[1-6]|bq)\.)")
_MACRO = re.compile(r"(?i)\{(?=\s*/?\s*(?:noformat|code|color|quote|panel|anchor)\b)")
_VERBATIM = re.compile(rf"(?i)[\\|\n\t]|://|{_SCHEME}:\S|&#?\w+;|[:;]-?[()DP]|^\s|\s$|  ")
_ESCAPED = re.compile(r"\\([!\[\]^~+?%{}()*_\-|@])")
CELL_LIMIT = 200
"""Characters; a longer value gets a box of its own."""


def escape(text: str) -> str:
    """The text, to stand anywhere but in a table; line breaks stay."""
    shown = visible(text.replace("\r\n", "\n").replace("\r", "\n"))
    shown = _BACKSLASH.sub(lambda _: r"\u005c", shown)
    shown = _ENTITY.sub(lambda _: r"\u0026", shown)
    shown = _ADDRESS.sub(lambda match: f"{match[1] or ''}[:]", shown)
    shown = _ALWAYS.sub(lambda match: f"\\{match[0]}", shown)
    shown = _BETWEEN.sub(lambda match: f"\\{match[0]}", shown)
    shown = _DOUBLED.sub(r"\\?", shown)
    shown = _ICON.sub(r"\\(", shown)
    return _LINE_START.sub(_written_out, shown)


def cell(text: str) -> str:
    """The text in one line, to stand in a cell of a table."""
    line = " ".join(text.split())
    return escape(line.replace("|", r"\u007c")) or " "


def fits_cell(value: str) -> bool:
    """Whether a cell shows this value exactly as it is."""
    return 0 < len(value) <= CELL_LIMIT and not _VERBATIM.search(value)


def box(text: str) -> str:
    """The text letter by letter, in a box. Nothing is markup in it but its own end."""
    inner = _MACRO.sub(lambda _: r"\u007b", visible(text))
    return f"{{noformat}}\n{inner}\n{{noformat}}"


def unescape(text: str) -> str:
    r"""What people see where they, or Cloud's editor for them, have escaped a character: a comment
    that was typed as `max_seats: 5!` is read back as `max_seats: 5\!`."""
    return _ESCAPED.sub(r"\1", text)


def _written_out(match: re.Match[str]) -> str:
    if match[2]:
        return f"{match[1]}\\u0023"
    return f"{match[1]}{match[3]}\\u002e"
