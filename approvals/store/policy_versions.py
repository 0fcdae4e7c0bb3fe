"""Policy versions: the text of every policy by which a server has ruled, for whoever asks later."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, select

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.errors import IntegrityError, NotFoundError
from countersign.approvals.models import JsonObject, Value
from countersign.approvals.rules.policy import VERSION_DIGITS
from countersign.approvals.store import codec
from countersign.approvals.store.dialects import dialect_of
from countersign.approvals.store.schema import policy_versions


class PolicyVersion(Value):
    """A policy as it ruled: its version is the beginning of the SHA-256 of its canonical JSON."""

    version: str
    document: JsonObject
    first_used_at: datetime


def keep(connection: Connection, version: str, document: JsonObject, now: datetime) -> None:
    """Store a version; one that is there stays as it is."""
    insert = dialect_of(connection).insert
    row = {
        "version": version,
        "document": canonical_json(document).decode(),
        "first_used_at": codec.to_text(now),
    }
    connection.execute(insert(policy_versions).values(row).on_conflict_do_nothing())


def get(connection: Connection, version: str) -> PolicyVersion:
    """One version. Raises NotFoundError; IntegrityError if its text is not the one it names."""
    query = select(policy_versions).where(policy_versions.c.version == version)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"No server has ruled by a policy {version} on this database.")
    if _is_untrue(row.version, row.document):
        raise IntegrityError(_CHANGED.format(version))
    return _of(*row)


def text(connection: Connection, version: str) -> str:
    """The canonical JSON of one version. Raises as `get` does."""
    return canonical_json(get(connection, version).document).decode()


def untrue(connection: Connection) -> list[str]:
    """What is wrong with the texts: each version has to be named by the hash of its own."""
    query = select(policy_versions.c.version, policy_versions.c.document)
    return [_CHANGED.format(row[0]) for row in connection.execute(query) if _is_untrue(*row)]


_CHANGED = "the text of the policy {} was changed: it is not what its version names"


def _is_untrue(version: str, document: str) -> bool:
    return version != sha256_hex(document.encode())[:VERSION_DIGITS]


def newest(connection: Connection, *, limit: int) -> list[PolicyVersion]:
    """The versions that were used first last, newest first."""
    latest = policy_versions.c.first_used_at.desc(), policy_versions.c.version
    query = select(policy_versions).order_by(*latest).limit(limit)
    return [_of(*row) for row in connection.execute(query)]


def _of(version: str, document: str, first_used_at: str) -> PolicyVersion:
    return PolicyVersion(
        version=version,
        document=json.loads(document),
        first_used_at=codec.from_text(first_used_at),
    )
