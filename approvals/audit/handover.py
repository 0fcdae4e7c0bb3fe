"""Hand-overs: how a sealing key names the one that follows it, so that whoever knows the first key
knows them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from countersign.approvals.audit.notes import (
    Checkpoint,
    NoteError,
    SigningKey,
    VerifierKey,
    opened,
)

_FIRST_LINE = "countersign-hand-over/v1"
FOREVER = 2**63


@dataclass(frozen=True)
class Reign:
    """A key, and how large a tree it may sign."""

    key: VerifierKey
    until: int = FOREVER


def hand_over(old: SigningKey, new: VerifierKey, size: int) -> str:
    """The note with which a key gives way to another; `size` is of the last tree that it signs."""
    return old.sign(f"{_FIRST_LINE}\n{old.verifier}\n{new}\n{size}\n")


def read(note: str) -> tuple[VerifierKey, VerifierKey, int]:
    """Who gives way to whom at which size. Raises NoteError unless the one that gives way has
    signed it."""
    lines = note.split("\n", 4)
    if len(lines) != 5 or lines[0] != _FIRST_LINE or not lines[3].isdecimal():
        raise NoteError("It is no hand-over of a sealing key.")
    old, new = VerifierKey.parse(lines[1]), VerifierKey.parse(lines[2])
    text, _ = opened(note, [old])
    if text != "".join(f"{line}\n" for line in lines[:4]):
        raise NoteError("It is no hand-over of a sealing key: there is more in it.")
    return old, new, int(lines[3])


def reigns(trusted: Iterable[VerifierKey], notes: Iterable[str]) -> list[Reign]:
    """The trusted keys and those to which they gave way, each with the size at which it did.
    Raises NoteError."""
    found = {key: Reign(key) for key in trusted}
    for note in notes:
        old, new, size = read(note)
        if old in found:
            found[old] = Reign(old, min(size, found[old].until))
            found.setdefault(new, Reign(new))
    return list(found.values())


def signed_checkpoint(note: str, known: Iterable[Reign]) -> Checkpoint:
    """The checkpoint of a note that a key has signed while it might. Raises NoteError."""
    ruling = list(known)
    text, by = opened(note, [each.key for each in ruling])
    checkpoint = Checkpoint.parse(text)
    for each in ruling:
        if each.key in by and checkpoint.size > each.until:
            raise NoteError(
                f"The checkpoint of size {checkpoint.size} is signed with the retired key "
                f"{each.key.name} ({each.key.id.hex()}), which gave way at size {each.until}."
            )
    return checkpoint
