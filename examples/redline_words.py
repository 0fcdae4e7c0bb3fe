"""Which words of a clause differ, as whoever redlines by hand would mark them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["inserted", "deleted"]
Step: TypeAlias = tuple[Literal["kept", "deleted"], int, str]
"""So many characters are kept or deleted; then this text is inserted."""

_TOKEN = re.compile(r"\s+|\(\w+\)|\w+(?:['\u2019-]\w+)*|[^\w\s]")


def steps(current: str, wanted: str) -> list[Step]:
    """From one text to the other by whole words; a lone space between two changes goes with them.

    Who reads a contract wants to see "thirty (30)" replaced by "sixty (60)", not six letters.
    """
    old, new = _TOKEN.findall(current), _TOKEN.findall(wanted)
    merged: list[tuple[bool, str, str]] = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        same, before, after = tag == "equal", "".join(old[i1:i2]), "".join(new[j1:j2])
        if not same and len(merged) > 1 and merged[-1][0] and not _words(merged[-1][1]):
            _, left_old, left_new = merged[-2]
            gap = merged[-1][1]
            merged[-2:] = [(False, left_old + gap + before, left_new + gap + after)]
        else:
            merged.append((same, before, after))
    return list(_as_steps(merged))


def _words(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _as_steps(merged: list[tuple[bool, str, str]]) -> Iterator[Step]:
    for same, before, after in merged:
        if same:
            yield "kept", len(before), ""
        else:
            yield "deleted", len(before), after


def marked(current: str, wanted: str) -> str:
    """Both in one line, for a card: what goes as [-...-], what comes as {+...+}."""
    said, at = [], 0
    for kind, length, new in steps(current, wanted):
        text = current[at : at + length]
        at += length
        said.append(text if kind == "kept" or not text else f"[-{text}-]")
        if new:
            space = " " if said and said[-1].endswith("-]") else ""
            said.append(f"{space}{{+{new}+}}")
    return "".join(said)
