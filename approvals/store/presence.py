"""Queries on passkeys and on proofs of presence."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.audit.ledger import GOVERNANCE
from countersign.approvals.models import (
    GivenProof,
    Passkey,
    PasskeyAdded,
    PasskeyRemoved,
    PrincipalId,
    Proof,
    RequestId,
)
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes, codec, governance
from countersign.approvals.store.dialects import dialect_of
from countersign.approvals.store.schema import passkeys, proofs

_K, _P = passkeys.c, proofs.c
_USE = ("sign_count", "last_used_at")
"""Columns that change with each use, of which no entry tells."""


def add_passkey(unit: Unit, passkey: Passkey, entry: PasskeyAdded) -> None:
    """Keep it, and say so on the governance ledger."""
    columns = {name: _column(value) for name, value in passkey}
    unit.connection.execute(insert(passkeys).values(columns))
    told = {name: value for name, value in columns.items() if name not in _USE}
    changes.note(unit, GOVERNANCE, "passkeys", [passkey.id], told)
    governance.append(unit, entry)


def remove_passkey(unit: Unit, passkey_id: str, entry: PasskeyRemoved) -> None:
    """It counts no longer; the governance ledger says so."""
    removed = {"removed_at": codec.to_text(unit.now)}
    unit.connection.execute(update(passkeys).where(_K.id == passkey_id).values(removed))
    changes.note(unit, GOVERNANCE, "passkeys", [passkey_id], removed)
    governance.append(unit, entry)


def passkey(connection: Connection, passkey_id: str) -> Passkey | None:
    """The passkey with this id, also one that was removed."""
    row = connection.execute(select(passkeys).where(_K.id == passkey_id)).first()
    return None if row is None else _passkey(row._mapping)


def passkeys_of(connection: Connection, person: PrincipalId) -> list[Passkey]:
    """Those of a person that count, oldest first."""
    query = select(passkeys).where(_K.principal_id == person, _K.removed_at.is_(None))
    found = connection.execute(query.order_by(_K.created_at, _K.id)).mappings()
    return [_passkey(row) for row in found]


def is_told(connection: Connection, passkey: Passkey) -> bool:
    """Whether the governance ledger says that this person added this key, and not that it counts no
    longer. Raises ValueError for an entry that is not as we wrote it."""
    key = sha256_hex(passkey.public_key.encode())
    told = governance.about(connection, "passkey", passkey.id)
    return all(entry.kind != PasskeyRemoved.kind for entry in told) and any(
        entry.kind == PasskeyAdded.kind
        and (entry.body.get("by"), entry.body.get("key")) == (passkey.principal_id, key)
        for entry in told
    )


def used_passkey(connection: Connection, passkey_id: str, count: int, now: datetime) -> None:
    """Note that it was used."""
    values = {"sign_count": count, "last_used_at": codec.to_text(now)}
    connection.execute(update(passkeys).where(_K.id == passkey_id).values(values))


def add_proof(connection: Connection, given: GivenProof) -> bool:
    """Keep it; False if it was given before, also by somebody who does so at the same time."""
    proof = given.proof
    columns = {
        "id": proof.id,
        "method": proof.method,
        "principal_id": proof.principal_id,
        "digest": proof.digest,
        "request_id": given.request_id,
        "session_id": given.session_id,
        "at": codec.to_text(proof.at),
        "expires_at": codec.to_text(given.expires_at),
        "used_at": None,
        "evidence": codec.dumps(given.evidence),
    }
    dialect = dialect_of(connection)
    query = dialect.insert(proofs).values(columns).on_conflict_do_nothing()
    done = connection.execute(query.execution_options(preserve_rowcount=True))
    return done.rowcount == 1


def of_id(connection: Connection, proof_id: str) -> GivenProof | None:
    """One proof."""
    row = connection.execute(select(proofs).where(_P.id == proof_id)).first()
    return None if row is None else _proof(row._mapping)


def unused(
    connection: Connection, session_id: str, person: PrincipalId, digest: str, now: datetime
) -> GivenProof | None:
    """The newest that a browser session has given for a digest and not used."""
    query = select(proofs).where(
        _P.session_id == session_id,
        _P.principal_id == person,
        _P.digest == digest,
        _P.used_at.is_(None),
        _P.expires_at > codec.to_text(now),
    )
    row = connection.execute(query.order_by(_P.at.desc(), _P.id).limit(1)).first()
    return None if row is None else _proof(row._mapping)


def use(connection: Connection, proof_id: str, now: datetime) -> bool:
    """Use it up; False if somebody else has."""
    of_it = _P.id == proof_id, _P.used_at.is_(None)
    done = connection.execute(update(proofs).where(*of_it).values(used_at=codec.to_text(now)))
    return done.rowcount == 1


def drop_old(connection: Connection, now: datetime, *, limit: int) -> int:
    """Drop proofs that were not used in time, at most `limit`; how many those were."""
    old = select(_P.id).where(_P.used_at.is_(None), _P.expires_at <= codec.to_text(now))
    ids = connection.execute(old.limit(limit)).scalars().all()
    return connection.execute(delete(proofs).where(_P.id.in_(ids))).rowcount


def _column(value: Any) -> Any:
    return codec.to_text(value) if isinstance(value, datetime) else value


def _passkey(row: Any) -> Passkey:
    found = dict(row)
    found["created_at"] = codec.from_text(found["created_at"])
    for name in ("last_used_at", "removed_at"):
        found[name] = None if found[name] is None else codec.from_text(found[name])
    return Passkey.model_validate(found)


def _proof(row: Any) -> GivenProof:
    used_at = row["used_at"]
    return GivenProof(
        proof=Proof(
            id=row["id"],
            method=row["method"],
            principal_id=PrincipalId(row["principal_id"]),
            digest=row["digest"],
            at=codec.from_text(row["at"]),
        ),
        request_id=RequestId(row["request_id"]),
        session_id=row["session_id"],
        expires_at=codec.from_text(row["expires_at"]),
        used_at=None if used_at is None else codec.from_text(used_at),
        evidence=codec.loads(row["evidence"]),
    )
