"""What DocuSign takes as an envelope, and the rows in which it is kept."""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from countersign.sandbox._effects import SCHEMA, Effects, RefusedError
from countersign.sandbox._files import open_database

_SCHEMA = (
    SCHEMA
    + """
CREATE TABLE IF NOT EXISTS envelopes (
    n INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, transaction_id TEXT, subject TEXT NOT NULL,
    status TEXT NOT NULL, at TEXT NOT NULL, voided_reason TEXT NOT NULL, definition TEXT NOT NULL);
"""
)
CAN_BE_VOIDED = ("sent", "delivered")


class _Given(BaseModel):
    """DocuSign ignores what it does not know; everything that it knows is text."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, alias_generator=to_camel)


class Document(_Given):
    """One file."""

    document_base64: str
    document_id: str
    name: str
    file_extension: str = "pdf"


class Signer(_Given):
    """Somebody who signs."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    name: str = Field(min_length=1)
    recipient_id: str
    routing_order: str = "1"
    tabs: dict[str, Any] = Field(default_factory=dict)


class Recipients(_Given):
    """Who gets it."""

    signers: list[Signer] = Field(min_length=1)


class Definition(_Given):
    """Body of `POST /envelopes`."""

    email_subject: str = Field(min_length=1, max_length=100)
    status: str = Field(pattern="^(created|sent)$")
    documents: list[Document] = Field(min_length=1)
    recipients: Recipients
    transaction_id: str | None = None


def now() -> str:
    """As DocuSign writes a time: text with seven digits, which no client turns into a datetime."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


class Envelopes:
    """The table. All calls come from one thread."""

    def __init__(self, path: Path | None) -> None:
        self._db = open_database(path, _SCHEMA)
        self.effects = Effects(self._db)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def all(self, transaction_ids: tuple[str, ...] | None = None) -> list[dict[str, Any]]:
        """All of them, or those with these transaction ids, oldest first."""
        rows = self._db.execute("SELECT * FROM envelopes ORDER BY n")
        return [
            _shown(row)
            for row in rows
            if transaction_ids is None or row["transaction_id"] in transaction_ids
        ]

    def one(self, envelope_id: str) -> dict[str, Any]:
        """Raises RefusedError."""
        return _shown(self._row(envelope_id))

    def definition(self, envelope_id: str) -> Definition:
        """What it was made of."""
        return Definition.model_validate_json(self._row(envelope_id)["definition"])

    def document(self, envelope_id: str, document_id: str) -> bytes:
        """A file of it. Raises RefusedError."""
        for each in self.definition(envelope_id).documents:
            if each.document_id == document_id:
                return base64.b64decode(each.document_base64)
        raise RefusedError(404, "DOCUMENT_DOES_NOT_EXIST", f"There is no document {document_id}.")

    def add(self, given: Definition) -> dict[str, Any]:
        """Make one, whether or not there is one with this transaction id. Raises RefusedError."""
        for each in given.documents:
            try:
                if not base64.b64decode(each.document_base64, validate=True):
                    raise ValueError("it is empty")
            except (binascii.Error, ValueError) as error:
                raise RefusedError(
                    400,
                    "UNABLE_TO_CONVERT_DOCUMENT",
                    f"System was unable to convert this: {error}.",
                ) from error
        envelope_id, at = str(uuid.uuid4()), now()
        stored = given.model_dump_json(by_alias=True)
        self._db.execute(
            "INSERT INTO envelopes (id, transaction_id, subject, status, at, voided_reason, "
            "definition) VALUES (?,?,?,?,?,'',?)",
            (envelope_id, given.transaction_id, given.email_subject, given.status, at, stored),
        )
        return {
            "envelopeId": envelope_id,
            "uri": f"/envelopes/{envelope_id}",
            "statusDateTime": at,
            "status": given.status,
        }

    def void(self, envelope_id: str, reason: str) -> dict[str, Any]:
        """Take it back. Raises RefusedError if it is too late."""
        status = self._row(envelope_id)["status"]
        if status not in CAN_BE_VOIDED:
            raise RefusedError(
                400,
                "ENVELOPE_CANNOT_VOID_INVALID_STATE",
                "Only envelopes in the 'Sent' or 'Delivered' states may be voided.",
            )
        if not reason.strip():
            raise RefusedError(
                400, "VOIDED_REASON_REQUIRED", "A reason for voiding the envelope was not given."
            )
        self._db.execute(
            "UPDATE envelopes SET status = 'voided', voided_reason = ? WHERE id = ?",
            (reason, envelope_id),
        )
        return {"envelopeId": envelope_id}

    def complete(self, envelope_id: str) -> None:
        """Everybody has signed."""
        self._db.execute("UPDATE envelopes SET status = 'completed' WHERE id = ?", (envelope_id,))

    def _row(self, envelope_id: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._db.execute(
            "SELECT * FROM envelopes WHERE id = ?", (envelope_id,)
        ).fetchone()
        if row is None:
            raise RefusedError(
                404, "ENVELOPE_DOES_NOT_EXIST", "The envelope specified does not exist."
            )
        return row


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    signers = json.loads(row["definition"])["recipients"]["signers"]
    return {
        "envelopeId": row["id"],
        "status": row["status"],
        "emailSubject": row["subject"],
        "statusChangedDateTime": row["at"],
        "transactionId": row["transaction_id"],
        "voidedReason": row["voided_reason"],
        "recipients": {"signers": signers},
    }
