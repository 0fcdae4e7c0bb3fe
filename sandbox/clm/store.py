"""The tables of the CLM: workflows, and every version of their documents."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from countersign.sandbox._effects import SCHEMA, Effects, RefusedError
from countersign.sandbox._files import open_database
from countersign.sandbox.clm.seed import SENT_BACK, contracts, document

_SCHEMA = (
    SCHEMA
    + """
CREATE TABLE IF NOT EXISTS workflows (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, step TEXT NOT NULL, attributes TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS versions (
    workflow_id TEXT NOT NULL REFERENCES workflows, version INTEGER NOT NULL,
    author TEXT NOT NULL, comment TEXT NOT NULL, at TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (workflow_id, version));
"""
)
KEY = "draft"
"""The key of the one document that each workflow has."""


class ClmStore:
    """The tables. All calls come from one thread."""

    def __init__(self, path: Path | None) -> None:
        self._db = open_database(path, _SCHEMA)
        self._seed()
        self.effects = Effects(self._db)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def workflows(self, counterparty: str = "") -> list[dict[str, Any]]:
        """Those whose other side's name contains this, whatever its case, as the API shows them."""
        found = [
            self._shown(row["id"])
            for row in self._db.execute("SELECT id FROM workflows ORDER BY id")
        ]
        wanted = counterparty.strip().lower()
        return [each for each in found if wanted in each["attributes"]["counterpartyName"].lower()]

    def workflow(self, workflow_id: str) -> dict[str, Any]:
        """One of them. Raises RefusedError."""
        row = self._db.execute("SELECT 1 FROM workflows WHERE id = ?", (workflow_id,)).fetchone()
        if row is None:
            raise RefusedError(404, "NOT_FOUND", f"There is no workflow {workflow_id}.")
        return self._shown(workflow_id)

    def data(self, workflow_id: str, version: int | None = None) -> tuple[int, bytes]:
        """A version of its document, the newest unless said otherwise. Raises RefusedError."""
        row = self._db.execute(
            "SELECT version, data FROM versions WHERE workflow_id = ? AND version = "
            "COALESCE(?, (SELECT MAX(version) FROM versions WHERE workflow_id = ?))",
            (workflow_id, version, workflow_id),
        ).fetchone()
        if row is None:
            raise RefusedError(404, "NOT_FOUND", f"There is no document of {workflow_id}.")
        return int(row["version"]), bytes(row["data"])

    def upload(
        self, workflow_id: str, data: bytes, *, author: str, comment: str, on: int
    ) -> dict[str, Any]:
        """Add a version on top of version `on`. Raises RefusedError if that is not the newest."""
        newest, _ = self.data(workflow_id)
        if newest != on:
            raise RefusedError(
                412, "VERSION_CONFLICT", f"Version {newest} is there already, not {on}."
            )
        self._insert(workflow_id, newest + 1, author, comment, data, None)
        return self._versions(workflow_id)[-1]

    def move(self, workflow_id: str, step: str) -> None:
        """The workflow is in another step now."""
        self._db.execute("UPDATE workflows SET step = ? WHERE id = ?", (step, workflow_id))

    def _seed(self) -> None:
        if self._db.execute("SELECT 1 FROM workflows").fetchone():
            return
        for seed in contracts():
            self._db.execute("INSERT INTO workflows VALUES (?,?,?,?)", seed.row())
            comment = "Our comments are in the document."
            self._insert(seed.id, 1, seed.uploaded_by, comment, document(seed), SENT_BACK)

    def _insert(
        self, workflow_id: str, version: int, author: str, comment: str, data: bytes, at: str | None
    ) -> None:
        when = at or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        values = (workflow_id, version, author, comment, when, data)
        self._db.execute("INSERT INTO versions VALUES (?,?,?,?,?,?)", values)

    def _shown(self, workflow_id: str) -> dict[str, Any]:
        row = self._db.execute("SELECT * FROM workflows WHERE id = ?", (workflow_id,)).fetchone()
        attributes = {
            **json.loads(row["attributes"]),
            KEY: {"versions": self._versions(workflow_id)},
        }
        return {k: row[k] for k in ("id", "title", "step")} | {"attributes": attributes}

    def _versions(self, workflow_id: str) -> list[dict[str, Any]]:
        rows = self._db.execute(
            "SELECT * FROM versions WHERE workflow_id = ? ORDER BY version", (workflow_id,)
        )
        return [
            {
                "version": row["version"],
                "uploadedBy": row["author"],
                "uploadedAt": row["at"],
                "comment": row["comment"],
                "sha256": hashlib.sha256(row["data"]).hexdigest(),
            }
            for row in rows
        ]
