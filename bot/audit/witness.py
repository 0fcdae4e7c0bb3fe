"""`countersign witness`: sees ledgers grow, and says so of each checkpoint.

It keeps the last checkpoint of each ledger that it has seen, and cosigns a larger one only with a
proof that the ledger has grown to it. Source: C2SP tlog-witness (https://c2sp.org/tlog-witness,
read 2026-11-30): the call `add-checkpoint` and what each answer means.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from countersign.approvals.audit.cosignatures import cosign
from countersign.approvals.audit.merkle import is_consistent
from countersign.approvals.audit.notes import (
    Checkpoint,
    NoteError,
    SigningKey,
    VerifierKey,
    opened,
    opened_unchecked,
)
from countersign.approvals.errors import InvalidError

PATH = "/add-checkpoint"
PROOF_MAX = 63
"""Lines of a proof."""
BODY_MAX = 2**20
PLAIN, SIZE = "text/plain", "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


class Answered(NamedTuple):
    """Status, type and body of an answer."""

    status: int
    kind: str
    body: str


class Witness:
    """One witness with its memory; one process has it at a time."""

    def __init__(
        self,
        key: SigningKey,
        logs: Iterable[VerifierKey],
        state: Path,
        now: Callable[[], datetime],
    ):
        """`logs` are the keys of the ledgers that it looks at, each the origin by its name. Raises
        InvalidError if another process has the file, or it cannot be read."""
        self._key, self._state, self._now = key, state, now
        self._logs = list(logs)
        self._lock = _locked(state)
        try:
            self._seen = self._read()
        except InvalidError:
            self.close()
            raise

    def add_checkpoint(self, body: bytes) -> Answered:
        """Cosign, or say why not. What is cosigned is on the disk before it is answered."""
        try:
            old, proof, note = _parsed(body)
            checkpoint = Checkpoint.parse(opened_unchecked(note))
        except (ValueError, NoteError) as exc:
            return Answered(400, PLAIN, f"{exc}\n")
        keys = [key for key in self._logs if key.name == checkpoint.origin]
        if not keys:
            return Answered(404, PLAIN, "This witness does not look at a log of this origin.\n")
        try:
            opened(note, keys)
        except NoteError as exc:
            return Answered(403, PLAIN, f"{exc}\n")
        if old > checkpoint.size:
            return Answered(400, PLAIN, "The old size is larger than the checkpoint's.\n")
        size, root = self._seen.get(checkpoint.origin, (0, b""))
        is_other = size == checkpoint.size and size > 0 and root != checkpoint.root
        if old != size or is_other:
            return Answered(409, SIZE, f"{size}\n")
        if not (_is_first(proof, size) or is_consistent(*_grown(size, root, checkpoint, proof))):
            return Answered(422, PLAIN, "The proof does not show that the log has grown so.\n")
        self._keep(checkpoint)
        return Answered(200, PLAIN, cosign(self._key, checkpoint.text, self._now()))

    def close(self) -> None:
        """Let another process have the file."""
        handle, self._lock = self._lock, -1
        if handle >= 0:
            os.close(handle)

    def _read(self) -> dict[str, tuple[int, bytes]]:
        try:
            kept = json.loads(self._state.read_text(encoding="utf-8"))
            return {
                str(origin): (int(of["size"]), bytes.fromhex(of["root"]))
                for origin, of in kept.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise InvalidError(f"{self._state}: cannot be read: {exc!r}.") from exc

    def _keep(self, checkpoint: Checkpoint) -> None:
        seen = {**self._seen, checkpoint.origin: (checkpoint.size, checkpoint.root)}
        kept = {origin: {"size": size, "root": root.hex()} for origin, (size, root) in seen.items()}
        new = self._state.with_name(f"{self._state.name}.new")
        with new.open("w", encoding="utf-8") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._state)
        self._seen = seen


def _is_first(proof: list[bytes], size: int) -> bool:
    return size == 0 and not proof


def _grown(
    size: int, root: bytes, checkpoint: Checkpoint, proof: list[bytes]
) -> tuple[int, int, list[bytes], bytes, bytes]:
    return size, checkpoint.size, proof, root, checkpoint.root


def _parsed(body: bytes) -> tuple[int, list[bytes], str]:
    """The old size, the proof and the note. Raises ValueError."""
    try:
        head, between, note = body.decode().partition("\n\n")
        first, *lines = head.split("\n")
        proof = [base64.b64decode(line, validate=True) for line in lines]
    except (UnicodeDecodeError, binascii.Error) as exc:
        raise ValueError("It is no text, or its proof is not base64.") from exc
    old = _OLD.fullmatch(first)
    if old is None or not between:
        raise ValueError("It has to be: old SIZE, the proof, an empty line, and a checkpoint.")
    if len(proof) > PROOF_MAX or any(len(each) != 32 for each in proof):
        raise ValueError(f"A proof is at most {PROOF_MAX} SHA-256 hashes.")
    return int(old[1]), proof, note


def _locked(state: Path) -> int:
    """An open file that no other process has. Raises InvalidError."""
    path = state.with_name(f"{state.name}.lock")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        raise InvalidError(f"{path}: cannot be written: {exc.strerror}.") from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(handle)
        raise InvalidError(f"{state}: another witness works with it.") from exc
    return handle
