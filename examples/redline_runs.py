"""The runs of a paragraph of a DOCX, taken apart into characters and put together again.

Source of the elements: ECMA-376, part 1, section 17.13.5, "Revisions".
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from countersign.examples.redline_words import steps

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
CHARACTER = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "\u2011"}
_SILENT = frozenset(
    f"{W}{name}"
    for name in (
        *("pPr", "bookmarkStart", "bookmarkEnd", "proofErr", "commentRangeStart"),
        *("commentRangeEnd", "permStart", "permEnd", "del"),
    )
)
"""What stands in a paragraph, has no text that counts, and stays where it is."""
_LOOKS = {f"{W}vertAlign": "raised or lowered", f"{W}strike": "struck through"}
_LOOKS |= {f"{W}dstrike": "struck through", f"{W}vanish": "hidden"}
"""Formats without which a text says something else: "500" with a raised 1 behind it is "5001"."""
_OFF = frozenset({"0", "false", "off", "baseline"})
"""Values by which such a format is none. Source: ECMA-376, part 1, sections 17.3.2 and 17.17.4."""


class DocumentError(ValueError):
    """The document is none, or has no such clause, or the clause cannot be changed here."""


@dataclass(frozen=True)
class Piece:
    """A character of a paragraph with its format, or an element that stays as it is (no text)."""

    text: str
    element: Any = None
    """That stays, or that shows the character (a tab, a line break)."""
    format: Any = None
    """`w:rPr`, or None."""
    inserted: Any = None
    """The `w:ins` around it, or None."""


def pieces_of(paragraph: Any, number: str) -> Iterator[Piece]:
    """Its characters, and what stands between them; `number` is what the clause is called.

    Raises DocumentError for what must not be cut in two.
    """
    for child in paragraph:
        if child.tag == f"{W}r":
            yield from _of_run(child, None, number)
        elif child.tag == f"{W}ins":
            for inner in child:
                if inner.tag == f"{W}r":
                    yield from _of_run(inner, child, number)
                else:
                    yield Piece(
                        "", _around(child, deepcopy(inner)) if inner.tag == f"{W}del" else inner
                    )
        elif child.tag == f"{W}pPr":
            continue
        elif child.tag in _SILENT:
            yield Piece("", child)
        else:
            raise _cannot(number, child)


def _of_run(run: Any, inserted: Any, number: str) -> Iterator[Piece]:
    properties = run.find(f"{W}rPr")
    for looks in () if properties is None else properties:
        if looks.tag in _LOOKS and looks.get(f"{W}val") not in _OFF:
            raise DocumentError(
                f"Clause {number} has text that is {_LOOKS[looks.tag]}, which does not show in "
                "what is approved here. Change it in Word."
            )
    for child in run:
        if child.tag == f"{W}t":
            for character in child.text or "":
                yield Piece(character, None, properties, inserted)
        elif child.tag in CHARACTER:
            yield Piece(CHARACTER[child.tag], child, properties, inserted)
        elif child.tag == f"{W}commentReference":
            yield Piece("", deepcopy(run))
        elif child.tag not in (f"{W}rPr", f"{W}lastRenderedPageBreak"):
            raise _cannot(number, child)


def unwind(paragraph: Any, author: str) -> None:
    """Take this author's changes out, as if they had never been made."""
    for node in list(paragraph.iter(f"{W}ins", f"{W}del")):
        parent = node.getparent()
        if node.get(f"{W}author") != author or parent.tag not in (f"{W}p", f"{W}ins"):
            continue
        if node.tag == f"{W}del":
            for text in node.iter(f"{W}delText"):
                text.tag = f"{W}t"
            for run in list(node):
                node.addprevious(run)
        parent.remove(node)


def _around(shell: Any, inner: Any) -> Any:
    """The element with nothing but this in it."""
    made = shell.makeelement(shell.tag, dict(shell.attrib))
    made.append(inner)
    return made


def _cannot(number: str, node: Any) -> DocumentError:
    what = str(node.tag).rpartition("}")[2]
    return DocumentError(
        f"Clause {number} has what must not be cut in two here ({what}: a link, a field, a "
        "footnote or a picture). Change it in Word."
    )


class Rebuilt:
    """The runs of a paragraph, with what differs as tracked changes."""

    def __init__(self, stamp: dict[str, str], next_id: int):
        self._stamp, self._id = stamp, next_id

    def of(self, pieces: list[Piece], head: int, current: str, wanted: str) -> list[Any]:
        """The children of the paragraph; `head` characters come before the clause's own text."""
        made: list[Any] = []
        rest, near = iter(pieces), None
        for kind, old, new in (("kept", head, ""), *steps(current, wanted)):
            taken = list(_take(rest, old))
            made += [each for group in _groups(taken) for each in self._shown(group, kind)]
            near = next((each for each in reversed(taken) if each.text), near)
            if new:
                style = None if near is None else near.format
                made.append(self._tracked("ins", _run([Piece(c, None, style) for c in new])))
        return made + [each for group in _groups(list(rest)) for each in self._shown(group, "kept")]

    def _shown(self, group: list[Piece], kind: str) -> list[Any]:
        first = group[0]
        if not first.text:
            if first.element.tag == f"{W}ins":
                first.element.set(f"{W}id", self._new_id())
            return [first.element]
        run = _run(group, deleted=kind == "deleted")
        if kind == "deleted":
            run = self._tracked("del", run)
        if first.inserted is None:
            return [run]
        shell = _around(first.inserted, run)
        shell.set(f"{W}id", self._new_id())
        return [shell]

    def _tracked(self, name: str, run: Any) -> Any:
        made = run.makeelement(f"{W}{name}", {f"{W}id": self._new_id(), **self._stamp})
        made.append(run)
        return made

    def _new_id(self) -> str:
        self._id += 1
        return str(self._id - 1)


def _take(pieces: Iterator[Piece], characters: int) -> Iterator[Piece]:
    """So many characters, and what stands between them."""
    while characters > 0:
        piece = next(pieces)
        characters -= len(piece.text)
        yield piece


def _groups(pieces: list[Piece]) -> Iterator[list[Piece]]:
    """What can stand in one run; what stays as it is, each on its own."""
    group: list[Piece] = []
    for piece in pieces:
        if group and (
            not piece.text
            or not group[-1].text
            or piece.format is not group[-1].format
            or piece.inserted is not group[-1].inserted
        ):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _run(pieces: list[Piece], *, deleted: bool = False) -> Any:
    from docx.oxml.parser import OxmlElement

    run = OxmlElement("w:r")
    if pieces[0].format is not None:
        run.append(deepcopy(pieces[0].format))
    text = None
    for piece in pieces:
        if piece.element is not None:
            run.append(deepcopy(piece.element))
            text = None
            continue
        if text is None:
            text = OxmlElement("w:delText" if deleted else "w:t")
            text.set(_SPACE, "preserve")
            text.text = ""
            run.append(text)
        text.text += piece.text
    return run
