"""The ledger: the `ledger` section."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from countersign.approvals.audit.notes import NoteError, VerifierKey
from countersign.approvals.models import Value


class LedgerSettings(Value):
    """As it stands in the file."""

    key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """The variable with the sealing key."""
    key_file: Path | None = None
    """The file with the sealing key, instead."""
    signer: str | None = None
    """The public key of `countersign seal`, where that signs."""

    @field_validator("signer")
    @classmethod
    def _is_a_key(cls, text: str | None) -> str | None:
        try:
            return None if text is None else str(VerifierKey.parse(text))
        except NoteError as exc:
            raise ValueError(str(exc)) from exc
