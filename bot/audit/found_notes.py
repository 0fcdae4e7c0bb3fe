"""Checkpoints in text that people and systems have handled: files, comments of a ticket, a message
that was copied out of a chat.

Such text has other line ends, spaces at both ends of lines, words around it, and blank lines that
are gone or doubled. The lines of a checkpoint themselves (C2SP tlog-checkpoint) survive all that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from countersign.approvals.errors import InvalidError

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_ROOT = re.compile(r"[A-Za-z0-9+/]{43}=")
_SIGNATURE = re.compile("\u2014 \\S+ [A-Za-z0-9+/]{20,}={0,2}")
LINE_MAX = 400
"""Characters of a line that still belongs into a comment; time stamps are longer."""


def notes_in(text: str) -> list[str]:
    """The notes in a text that only we write, in their order, each as it was signed.

    Raises InvalidError if there is none, and for a signature whose checkpoint is not above it: half
    a note is not passed over in silence.
    """
    found, halves = _looked_through(text)
    if halves:
        raise InvalidError(f"There is a signature without its checkpoint in it: {halves[0][:60]}…")
    if not found:
        raise InvalidError("There is no checkpoint in it.")
    return found


def notes_among(text: str) -> list[str]:
    """The notes in a text that anybody may write into; what looks like half of one is theirs."""
    return _looked_through(text)[0]


def _looked_through(text: str) -> tuple[list[str], list[str]]:
    """The notes, and the signatures that have no checkpoint above them."""
    lines = [line.replace("\u00a0", " ").strip() for line in text.splitlines()]
    found: list[str] = []
    halves: list[str] = []
    at = 0
    while at < len(lines):
        end = _body(lines, at)
        signatures = _signatures(lines, end)
        if end > at and signatures:
            body = "".join(f"{line}\n" for line in lines[at:end])
            found.append(f"{body}\n" + "".join(f"{lines[each]}\n" for each in signatures))
            at = signatures[-1] + 1
        else:
            halves += [lines[at]] if _SIGNATURE.fullmatch(lines[at]) else []
            at += 1
    return found, halves


def _body(lines: Sequence[str], at: int) -> int:
    """Where the text of a checkpoint that begins at `at` ends; `at` itself if none does."""
    if at + 3 > len(lines) or not lines[at] or _SIGNATURE.fullmatch(lines[at]):
        return at
    if not (_SIZE.fullmatch(lines[at + 1]) and _ROOT.fullmatch(lines[at + 2])):
        return at
    end = at + 3
    while end < len(lines) and lines[end] and not _SIGNATURE.fullmatch(lines[end]):
        end += 1
    return end


def _signatures(lines: Sequence[str], at: int) -> list[int]:
    """The lines of signatures that follow, over blank ones."""
    found = []
    while at < len(lines) and (not lines[at] or _SIGNATURE.fullmatch(lines[at])):
        if lines[at]:
            found.append(at)
        at += 1
    return found


def short(note: str) -> str:
    """A note without what is too long for a comment."""
    return "".join(line for line in note.splitlines(keepends=True) if len(line) <= LINE_MAX)
