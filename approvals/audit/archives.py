"""Archive files: sessions that have left the database, with what it takes to verify them.

A file is a ZIP archive: a member for each session with all rows as they were, and `manifest.json`
with the hash of each member, where each chain ended, its proof, and the signed checkpoint that
these proofs lead to. docs/ledger.md describes the format for others.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from countersign.approvals.errors import IntegrityError, InvalidError
from countersign.approvals.models import JsonObject, SessionId, Value

FORMAT = "countersign-archive/v1"
SUFFIX = ".archive.zip"
MANIFEST = "manifest.json"
MAX_MEMBER = 512 * 2**20
"""Bytes of one session that are read."""
_AT = (1980, 1, 1, 0, 0, 0)
"""Of all members: the same rows make the same file."""


class ArchiveFormatError(InvalidError):
    """It is no archive file, or one of another version."""


class Kept(Value):
    """A session in an archive file, as its manifest says."""

    session: SessionId
    entries: int
    head: str
    sha256: str
    """Of its member."""
    requests: tuple[str, ...]
    position: int
    """Of its leaf in the tree."""
    path: tuple[str, ...]
    """The proof that the leaf is in it, as hex."""


class Manifest(Value):
    """What is in an archive file, and what proves it."""

    format: str
    revision: str
    """Of the schema that the rows are of."""
    checkpoint: str
    handovers: tuple[str, ...]
    sessions: tuple[Kept, ...]


def member_text(session_id: str, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> bytes:
    """What stands in a file for a session."""
    found = {"session": session_id, "rows": rows}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


class Writer:
    """A new file, session by session. It is whole once the manifest is in it."""

    def __init__(self, path: Path):
        self._zip = zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._zip.close()

    def add(self, session_id: str, text: bytes) -> str:
        """Write a session; the SHA-256 of its member."""
        self._write(_name(session_id), text)
        return sha256(text).hexdigest()

    def end(self, manifest: Manifest) -> None:
        """Write what is in it."""
        self._write(MANIFEST, json.dumps(manifest.model_dump(mode="json"), indent=1).encode())

    def _write(self, name: str, content: bytes) -> None:
        self._zip.writestr(zipfile.ZipInfo(name, _AT), content, zipfile.ZIP_DEFLATED)


class Archive:
    """A file to be read. Raises ArchiveFormatError for what is none."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
            self.manifest = Manifest.model_validate_json(self._read(MANIFEST))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as exc:
            raise ArchiveFormatError(f"{path}: is no archive file: {exc}") from exc
        if self.manifest.format != FORMAT:
            raise ArchiveFormatError(
                f"{path}: is of the format {self.manifest.format[:80]!r}; this version reads "
                f"{FORMAT}."
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._zip.close()

    def rows(self, kept: Kept) -> dict[str, list[dict[str, Any]]]:
        """The rows of one session by table. Raises IntegrityError."""
        try:
            text = self._read(_name(kept.session))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as exc:
            raise IntegrityError(f"{self.path.name}: session {kept.session}: {exc}") from exc
        if sha256(text).hexdigest() != kept.sha256:
            raise IntegrityError(
                f"{self.path.name}: session {kept.session} is not the one of the manifest."
            )
        found: JsonObject = json.loads(text)
        rows: dict[str, list[dict[str, Any]]] = found["rows"]
        return rows

    def _read(self, name: str) -> bytes:
        info = self._zip.getinfo(name)
        if info.file_size > MAX_MEMBER:
            raise ValueError(f"{name} has {info.file_size:,} bytes")
        return self._zip.read(info)


def _name(session_id: str) -> str:
    return f"sessions/{session_id}.json"


def hash_of(path: Path) -> str:
    """The SHA-256 of a file. Raises InvalidError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise InvalidError(f"{path}: cannot be read: {exc.strerror}.") from exc
