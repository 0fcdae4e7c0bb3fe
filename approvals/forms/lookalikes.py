"""Look-alike letters: written out, so that no name can pass for another one.

What is written out becomes `\\uXXXX`, as invisible characters do. A word that mixes scripts is
suspicious, a whole word in one script is not, unless all its letters look Latin and stand in a text
that is Latin otherwise. Doing it twice changes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

_CYRILLIC = "аеорсхуіјѕԁԛԝһӏѵүАВЕКМНОРСТХУІЈЅԀԚԜӀѴҮԌЗ"
_GREEK = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳοανυρϲκχγιτω"
_ARMENIAN = "օոսհցզյՕՏՍԼ"
_TWINS = frozenset(_CYRILLIC + _GREEK + _ARMENIAN)
"""Letters that look like one of A-Z or a-z. Source: Unicode confusables.txt (UTS 39), by hand."""
_LATIN_TWINS = "ǀɑɡɩɪʟɴʀʏʙʜᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜱꜰ"
"""Phonetic letters and small capitals: Latin, and no word of a language is written with them."""
_STYLED = "\u2102-\u2115\u2119-\u211d\u212a-\u2134\u2139\u2160-\u217f\u24b6-\u24e9\uff10-\uff5a"
_STYLED += "\U0001d400-\U0001d7ff\U0001f110-\U0001f189"
_STYLED_LETTER = re.compile(f"[{_STYLED}]")
_WORD = re.compile(r"\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\[\\\"nrtbf]|(?:[^\W_]|[\u0300-\u036f])+")
"""What stands behind an escape is a word of its own."""
_MARKS = "\u2215\u29f8\u2024\ua4f8\u0589\u2236\u02d0\u037e\u01c3\ua789\ufe52\uff0e\uff0f\uff20"
_MARK = re.compile(rf"(?<=[A-Za-z0-9])[{_MARKS}](?=[A-Za-z0-9])")
"""What passes for the slash, the point or the colon of an address."""
_OVERLAY = re.compile("[\u0334-\u0338\u20d2-\u20e5]|(?<=[\u0300-\u036f]{4})[\u0300-\u036f]")
"""Strikes through or covers what stands before it, or is piled up over the lines around it."""
_ALIKE = frozenset(
    {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "DESERET"}
)
"""Scripts with letters of one shape. Others are mixed with Latin in ordinary text (Tシャツ)."""
_ORDINARY = _ALIKE | {
    *("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH"),
    *("MICRO", "MASCULINE", "FEMININE", "MODIFIER"),
}
"""Scripts that stand in one word with Latin letters in ordinary text, or are written out."""
_PILED = re.compile("[A-Za-z\u00c0-\u024f][\u0300-\u036f]")
_FOREIGN = frozenset({"CYRILLIC", "GREEK", "ARMENIAN"})
"""Of these the table of look-alikes says which letters they are; of the rest, any may be."""


_SUSPECT = re.compile(
    "[\u01c0\u0250-\u02af\u02d0\u0300-\u058f\u13a0-\u13ff\u1c80-\u1c8f\u1d00-\u1d2b\u1f00-\u1fff"
    f"\u20d0-\u20f0\u2c80-\u2cff\u2de0-\u2dff\ua4d0-\ua4ff\ua640-\ua69f\ua730\ua731\uab70-\uabbf"
    f"\U00010400-\U0001044f{_STYLED}{_MARKS}]|(?=[^0-9])\\d"
)
"""Whatever of the above can be in a text at all: most texts are over after one look."""


def written_out(text: str, around: str = "") -> str:
    """The text, or a piece of the text `around` it, with each look-alike letter as its escape."""
    if text.isascii() or not _SUSPECT.search("".join(set(text))):
        return text
    text = _OVERLAY.sub(lambda found: escaped(found[0]), text)
    latin_otherwise = _all_disguised(around or text)
    text = _WORD.sub(lambda found: _word(found[0], latin_otherwise), text)
    return _MARK.sub(lambda found: escaped(found[0]), text)


def escaped(character: str) -> str:
    r"""`\uXXXX`, or `\UXXXXXXXX` beyond the first plane."""
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def disguised(text: str) -> str:
    """The letters of a text that look Latin and are not, where nothing else tells; else empty."""
    letters = {c for c in set(text) if c.isalpha()}
    return "".join(sorted(letters)) if letters and letters <= _TWINS else ""


def mixed(text: str) -> str:
    """The letters of other scripts in words with Latin ones, where that is unusual; else empty.

    Letters that `written_out` writes out are not among them.
    """
    found: set[str] = set()
    for word in () if text.isascii() else _WORD.findall(text):
        if any(c.isascii() and c.isalpha() for c in word):
            found |= {c for c in word if c.isalpha() and _script(c) not in _ORDINARY}
    return "".join(sorted(found))


def unusual(text: str) -> bool:
    """Whether letters are put together otherwise than usual, so that two texts read alike."""
    composed = unicodedata.normalize("NFC", text)
    return composed != text or bool(_PILED.search(composed))


def _all_disguised(text: str) -> bool:
    """Whether a text is Latin but for letters that look so."""
    letters = {c for c in set(text) if c.isalpha()}
    others = {c for c in letters if _script(c) in _FOREIGN}
    return bool(others) and others <= _TWINS and any(map(str.isascii, letters))


def _word(word: str, latin_otherwise: bool) -> str:
    if word.isascii():
        return word
    odd = _odd_scripts(word)
    latin = any(c.isascii() for c in word)
    return "".join(
        escaped(c)
        if _script(c) in odd
        or (latin_otherwise and c in _TWINS)
        or (
            (latin and (c in _LATIN_TWINS or c.isdecimal() or _STYLED_LETTER.match(c)))
            and not c.isascii()
        )
        or "\U0001d400" <= c <= "\U0001d7ff"  # bold, script and double-struck letters
        else c
        for c in word
    )


def _odd_scripts(word: str) -> frozenset[str]:
    """Those in which a word is not written; none of a word in one script."""
    scripts = Counter(script for c in word if (script := _script(c)) in _ALIKE)
    if len(scripts) < 2 or not any(
        c in _TWINS or _script(c) in _ALIKE - _FOREIGN - {"LATIN"} for c in word
    ):
        return frozenset()
    most = max(scripts, key=lambda script: (scripts[script], script == "LATIN"))
    return frozenset(scripts) - {most}


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    """The first word of its name, which for a letter is its script."""
    return unicodedata.name(character, "?").split(" ", 1)[0]
