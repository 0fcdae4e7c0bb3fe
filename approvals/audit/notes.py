"""Signed notes and checkpoints, as transparency logs write them, with Ed25519.

Sources: C2SP signed-note v1.0.0 and tlog-checkpoint v1.0.0 (https://c2sp.org); keys as text as
golang.org/x/mod/sumdb/note writes them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from countersign.approvals.errors import InvalidError

# `cryptography`, with an OpenSSL of its own, is imported where something is signed or verified.

ED25519 = b"\x01"
_DASH = "\u2014"
_PRIVATE = "PRIVATE+KEY+"
_NAME = re.compile(r"[^\s+]{1,200}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
SIGNATURES_MAX = 64
"""Lines of signatures of one note that are looked at."""


class NoteError(InvalidError):
    """Text that is no note, no key, or is not signed by whoever should have signed it."""


def key_id(name: str, public: bytes, kind: bytes = ED25519) -> bytes:
    """The four bytes that name a key in a signature line; `kind` is how it signs."""
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:4]


@dataclass(frozen=True)
class VerifierKey:
    """Whose signatures count: a name and an Ed25519 public key."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """`name+keyid+base64`. Raises NoteError."""
        name, public = parse_key(text.strip(), "a public key")
        return cls(name, public)

    @property
    def id(self) -> bytes:
        """Its four bytes."""
        return key_id(self.name, self.public)

    def __str__(self) -> str:
        encoded = base64.b64encode(ED25519 + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{encoded}"

    def signed(self, text: str, signature: bytes) -> bool:
        """Whether it has signed this text."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, repr=False)
class SigningKey:
    """A name and an Ed25519 private key."""

    name: str
    seed: bytes

    @classmethod
    def new(cls, name: str) -> SigningKey:
        """A random one. Raises NoteError for a name that cannot be one."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if not _NAME.fullmatch(name):
            raise NoteError(f"{name!r} cannot name a key: 1 to 200 characters, no space, no +.")
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> SigningKey:
        """`PRIVATE+KEY+name+keyid+base64`. Raises NoteError, which never quotes it."""
        text = text.strip()
        if not text.startswith(_PRIVATE):
            raise NoteError("It is no sealing key: it has to begin with PRIVATE+KEY+.")
        stated, _, rest = text.removeprefix(_PRIVATE).partition("+")
        claimed, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except binascii.Error as exc:
            raise NoteError("It is no sealing key: its last part is not base64.") from exc
        if len(raw) != 33 or raw[:1] != ED25519 or not _NAME.fullmatch(stated):
            raise NoteError("It is no sealing key: only Ed25519 keys with a name are.")
        key = cls(stated, raw[1:])
        if key.verifier.id.hex() != claimed:
            raise NoteError("It is no sealing key: its key id is that of another one.")
        return key

    def __str__(self) -> str:
        encoded = base64.b64encode(ED25519 + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{encoded}"

    def __repr__(self) -> str:
        return f"SigningKey({self.verifier})"

    @property
    def verifier(self) -> VerifierKey:
        """What others check its signatures with."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return VerifierKey(self.name, private.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The note of a text that ends with a newline."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return f"{text}\n{signature_line(self.verifier, signature)}"


def signature_line(key: VerifierKey, signature: bytes) -> str:
    """A line of a note, with its newline."""
    return line_of(key.name, key.id + signature)


def line_of(name: str, data: bytes) -> str:
    """The line of what is no Ed25519 signature: `data` is a key id and the rest."""
    return f"{_DASH} {name} {base64.b64encode(data).decode()}\n"


def signed_part(note: str) -> str:
    """A note as the ledger's key has signed it: without the lines that others have added."""
    text, dash, lines = note.rpartition("\n\n")
    return f"{text}{dash}{lines.partition(chr(10))[0]}\n"


def opened(note: str, keys: Iterable[VerifierKey]) -> tuple[str, list[VerifierKey]]:
    """The text of a note, and which of the keys have signed it: at least one.

    Raises NoteError, also if one of the keys is named and its signature is wrong.
    """
    text, signatures = split(note)
    by: list[VerifierKey] = []
    known = list(keys)
    for name, own_id, signature in signatures:
        for key in known:
            if (key.name, key.id) != (name, own_id):
                continue
            if not key.signed(text, signature):
                raise NoteError(f"The signature by {key.name} ({key.id.hex()}) is wrong.")
            by.append(key)
    if not by:
        names = ", ".join(f"{name} ({own_id.hex()})" for name, own_id, _ in signatures)
        wanted = ", ".join(f"{key.name} ({key.id.hex()})" for key in known) or "any known key"
        raise NoteError(f"It is not signed by {wanted}; it is by {names}.")
    return text, by


def opened_unchecked(note: str) -> str:
    """The text of a note of our own. Raises NoteError."""
    return split(note)[0]


def split(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """The text of a note, and its signatures: name, key id, the rest. Raises NoteError."""
    if any(ord(c) < 0x20 and c != "\n" for c in note):
        raise NoteError("It is no signed note: there are control characters in it.")
    text, between, lines = note.rpartition("\n\n")
    if not between or not lines.endswith("\n"):
        raise NoteError("It is no signed note: there are no lines of signatures at its end.")
    found = []
    for line in lines[:-1].split("\n")[:SIGNATURES_MAX]:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if dash != _DASH or not _NAME.fullmatch(name) or len(raw) < 5:
            raise NoteError("It is no signed note: a line at its end is no signature.")
        found.append((name, raw[:4], raw[4:]))
    return f"{text}\n", found


def parse_key(text: str, what: str, kind: bytes = ED25519) -> tuple[str, bytes]:
    """The name and the public key of a text. Raises NoteError."""
    name, _, rest = text.partition("+")
    claimed, _, encoded = rest.partition("+")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 33 or raw[:1] != kind or not _NAME.fullmatch(name):
        raise NoteError(f"{text[:60]!r} is not {what}: NAME+KEYID+BASE64 of an Ed25519 key is.")
    if key_id(name, raw[1:], kind).hex() != claimed:
        raise NoteError(f"{text[:60]!r} is not {what}: its key id is that of another one.")
    return name, raw[1:]


@dataclass(frozen=True)
class Checkpoint:
    """A tree at a size: what is signed."""

    origin: str
    size: int
    root: bytes
    extensions: Sequence[str] = ()

    @property
    def text(self) -> str:
        """The text of its note."""
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode()]
        return "".join(f"{line}\n" for line in (*lines, *self.extensions))

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Raises NoteError."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]) or not _SIZE.fullmatch(lines[1]):
            raise NoteError("It is no checkpoint: it has to be origin, size and root, a line each.")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except (binascii.Error, ValueError):
            root = b""
        if len(root) != hashlib.sha256().digest_size:
            raise NoteError("It is no checkpoint: its third line is no SHA-256 in base64.")
        return cls(lines[0], int(lines[1]), root, tuple(lines[3:-1]))
