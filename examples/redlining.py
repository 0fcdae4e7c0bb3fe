"""Contracts as Word keeps them: their clauses, and changes to them that are tracked.

python-docx knows no tracked changes. Its `Paragraph.text` leaves out what stands in `w:ins`, and
what was deleted as well, so that of "30" replaced by "60" neither is read (1.2.0, run on
2026-11-30). Here a paragraph is read from its XML: as it stands with every change accepted, and as
it stood before. Source of the elements: ECMA-376, part 1, section 17.13.5, "Revisions".
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from countersign.examples.redline_runs import (
    CHARACTER,
    DocumentError,
    Rebuilt,
    W,
    pieces_of,
    unwind,
)
from countersign.examples.redline_words import Kind

MAX_BYTES = 10 * 1024 * 1024
_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)*)[.)]?\s+")
_GONE = {f"{W}del", f"{W}moveFrom"}
_NEW = {f"{W}ins", f"{W}moveTo"}


@dataclass(frozen=True)
class Change:
    """One tracked change of a paragraph."""

    kind: Kind
    text: str
    author: str
    at: str
    """As Word writes it: UTC, to the second."""


@dataclass(frozen=True)
class Clause:
    """A numbered paragraph, without its number."""

    number: str
    text: str
    """With every tracked change accepted."""
    before: str
    """With every tracked change rejected."""
    changes: tuple[Change, ...]


class Contract:
    """One DOCX in memory. Slow: use it in a thread."""

    def __init__(self, data: bytes):
        """Raises DocumentError."""
        from docx import Document

        if len(data) > MAX_BYTES:
            raise DocumentError(f"The document is larger than {MAX_BYTES // 1024**2} MB.")
        try:
            self._document = Document(io.BytesIO(data))
        except Exception as error:  # zipfile, lxml and python-docx raise what they like
            raise DocumentError("This is no Word document (DOCX).") from error

    def clauses(self) -> list[Clause]:
        """Its numbered paragraphs, in their order."""
        return [clause for _, clause in self._numbered()]

    def clause(self, number: str) -> Clause:
        """Raises DocumentError if there is none, or more than one."""
        return self._paragraph(number)[1]

    def redline(self, number: str, current: str, wanted: str, *, author: str, at: datetime) -> None:
        """Change a clause from `current` to `wanted`, as tracked changes of this author. What the
        same author had tracked in it before is replaced: what is left is the way from the others'
        text to this one.

        Raises DocumentError if it says something else by now, or has what is not to be cut in two.
        """
        paragraph, clause = self._paragraph(number)
        if clause.text != current:
            raise DocumentError(
                f"Clause {number} says something else now: \u201c{clause.text}\u201d"
            )
        if not wanted.strip() or wanted == current:
            raise DocumentError(
                f"Clause {number}: say what it shall be; to take it out, write "
                "\u201cIntentionally omitted.\u201d, so that the numbers stay."
            )
        list(pieces_of(paragraph, number))  # raises before anything is touched
        unwind(paragraph, author)
        pieces = list(pieces_of(paragraph, number))
        current = self.clause(number).text
        head = len("".join(piece.text for piece in pieces)) - len(current)
        stamp = {
            f"{W}author": author,
            f"{W}date": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        made = Rebuilt(stamp, self._next_id()).of(pieces, head, current, wanted)
        properties = paragraph.find(f"{W}pPr")
        for child in list(paragraph):
            if child is not properties:
                paragraph.remove(child)
        paragraph.extend(made)

    def as_bytes(self) -> bytes:
        """The file."""
        stored = io.BytesIO()
        self._document.save(stored)
        return stored.getvalue()

    def _numbered(self) -> Iterator[tuple[Any, Clause]]:
        for paragraph in self._document.element.body.iter(f"{W}p"):
            now, before = _text(paragraph, deleted=False), _text(paragraph, deleted=True)
            found = _NUMBER.match(now)
            if found is None or not now[found.end() :].strip():
                continue
            was = _NUMBER.match(before)
            old = before[was.end() :] if was else before
            changes = tuple(_changes(paragraph))
            yield paragraph, Clause(found[1], now[found.end() :], old, changes)

    def _paragraph(self, number: str) -> tuple[Any, Clause]:
        wanted = number.strip().rstrip(".")
        found = [each for each in self._numbered() if each[1].number == wanted]
        if len(found) != 1:
            how_many = "no" if not found else "more than one"
            raise DocumentError(f"The document has {how_many} clause {wanted}.")
        return found[0]

    def _next_id(self) -> int:
        ids = (node.get(f"{W}id") for node in self._document.element.body.iter())
        return max((int(each) for each in ids if each and each.isdecimal()), default=0) + 1


def _text(paragraph: Any, *, deleted: bool) -> str:
    """What it says: without what was deleted, or instead without what was inserted."""
    said = []
    for node in paragraph.iter():
        tags = {parent.tag for parent in node.iterancestors()}
        gone, new = bool(_GONE & tags), bool(_NEW & tags)
        if (new if deleted else gone) or (not deleted and node.tag == f"{W}delText"):
            continue
        if node.tag in (f"{W}t", f"{W}delText"):
            said.append(node.text or "")
        elif node.getparent() is not None and node.getparent().tag == f"{W}r":
            said.append(CHARACTER.get(node.tag, ""))
    return "".join(said)


def _changes(paragraph: Any) -> Iterator[Change]:
    for node in paragraph.iter(f"{W}ins", f"{W}del"):
        texts = [each.text or "" for each in node.iter(f"{W}t", f"{W}delText")]
        if texts:  # else it is the mark of the paragraph that was inserted or deleted
            kind: Kind = "inserted" if node.tag == f"{W}ins" else "deleted"
            who, when = node.get(f"{W}author", ""), node.get(f"{W}date", "")
            yield Change(kind, "".join(texts), who, when)
