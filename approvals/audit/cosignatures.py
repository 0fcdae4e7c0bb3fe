"""Cosignatures: a witness says that it has seen a log grow to a checkpoint, and when.

Source: C2SP tlog-cosignature (https://c2sp.org/tlog-cosignature), the Ed25519 kind. Each is a line
of the checkpoint's note: eight bytes of time, big-endian, and a signature over `cosignature/v1`,
the time and the text of the checkpoint.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from countersign.approvals.audit.notes import (
    NoteError,
    SigningKey,
    VerifierKey,
    key_id,
    line_of,
    parse_key,
    split,
)

KIND = b"\x04"
_TIME_BYTES = 8
_LENGTH = _TIME_BYTES + 64
_LATEST = 253_402_300_799
"""The last second of the year 9999, beyond which there is no `datetime`."""


@dataclass(frozen=True)
class WitnessKey:
    """Whose cosignatures count: a name and an Ed25519 public key."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> WitnessKey:
        """`name+keyid+base64`. Raises NoteError."""
        return cls(*parse_key(text.strip(), "a witness's public key", KIND))

    @property
    def id(self) -> bytes:
        """Its four bytes."""
        return key_id(self.name, self.public, KIND)

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(KIND + self.public).decode()}"


@dataclass(frozen=True)
class Cosignature:
    """Which witness has seen the log so, and when, by its own clock."""

    key: WitnessKey
    at: datetime


def witness_key(key: SigningKey) -> WitnessKey:
    """The public key of a witness that cosigns with this one."""
    return WitnessKey(key.name, key.verifier.public)


def message(text: str, at_s: int) -> str:
    """What a cosignature signs; `text` is of the checkpoint, with its newline at the end."""
    return f"cosignature/v1\ntime {at_s}\n{text}"


def cosign(key: SigningKey, text: str, at: datetime) -> str:
    """The line by which this witness has seen a checkpoint."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    at_s = int(at.timestamp())
    signature = Ed25519PrivateKey.from_private_bytes(key.seed).sign(message(text, at_s).encode())
    data = at_s.to_bytes(_TIME_BYTES, "big") + signature
    return line_of(key.name, witness_key(key).id + data)


def cosignatures(note: str, witnesses: Iterable[WitnessKey]) -> list[Cosignature]:
    """Which of these witnesses have cosigned a note, each once, in the order of the note.

    Raises NoteError for a line that is in the name of one of them and was not signed by it.
    """
    text, lines = split(note)
    known = {(key.name, key.id): key for key in witnesses}
    found: dict[WitnessKey, Cosignature] = {}
    for name, own_id, data in lines:
        key = known.get((name, own_id))
        if key is not None and key not in found:
            found[key] = Cosignature(key, _at(key, text, data))
    return list(found.values())


def _at(key: WitnessKey, text: str, data: bytes) -> datetime:
    at_s = int.from_bytes(data[:_TIME_BYTES], "big")
    signer = VerifierKey(key.name, key.public)
    sound = len(data) == _LENGTH and at_s <= _LATEST
    if not sound or not signer.signed(message(text, at_s), data[_TIME_BYTES:]):
        raise NoteError(f"The cosignature by {key.name} ({key.id.hex()}) is wrong.")
    return datetime.fromtimestamp(at_s, UTC)


def added(note: str, lines: Sequence[str]) -> str:
    """The note with the lines of `lines` that it does not have yet. Raises NoteError for one that
    is no line of a note."""
    text, _ = split(note)
    present = set(note.rpartition("\n\n")[2].splitlines(keepends=True))
    new = [line for line in dict.fromkeys(lines) if line not in present]
    made = note + "".join(new)
    if split(made)[0] != text:
        raise NoteError("A line that was to be added has an empty line in it.")
    return made
