"""Queries on signed checkpoints, and on the keys that sign them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from countersign.approvals.audit.cosignatures import added
from countersign.approvals.audit.handover import Reign, hand_over, reigns, signed_checkpoint
from countersign.approvals.audit.notes import Checkpoint, NoteError, SigningKey, VerifierKey
from countersign.approvals.errors import ConflictError, NotFoundError
from countersign.approvals.models import LedgerEntry, SealingKeyChanged
from countersign.approvals.ports import Unit
from countersign.approvals.store import codec, governance, seals
from countersign.approvals.store.schema import governance as governance_rows
from countersign.approvals.store.schema import ledger_checkpoints as rows
from countersign.approvals.store.schema import ledger_seals
from countersign.approvals.store.tree import StoredTree

LOOKED_AT = 5_000
"""Checkpoints: seven hours of a server that signs every five seconds."""
_TWO_LINES = "%\n\n\u2014 %\n\u2014 %"


def newest(connection: Connection, *, at_least: int = 0) -> str | None:
    """The note of the largest tree that is signed; None if none of at least this size is."""
    query = select(rows.c.note).where(rows.c.size >= at_least).order_by(rows.c.size.desc())
    note: str | None = connection.execute(query.limit(1)).scalar()
    return note


def newest_notarised(
    connection: Connection, *, at_least: int = 0, since: datetime | None = None
) -> str | None:
    """The note of the largest tree to which somebody else has added a line, among the last
    `LOOKED_AT` that are signed; with `since` only if it was signed then or later."""
    latest = select(rows.c.note, rows.c.size).where(rows.c.size >= at_least)
    if since is not None:
        latest = latest.where(rows.c.at >= codec.to_text(since))
    latest = latest.order_by(rows.c.size.desc()).limit(LOOKED_AT)
    some = latest.subquery()
    query = select(some.c.note).where(some.c.note.like(_TWO_LINES)).order_by(some.c.size.desc())
    note: str | None = connection.execute(query.limit(1)).scalar()
    return note


def notarise(unit: Unit, size: int, lines: Sequence[str]) -> str:
    """Keep what others say of a checkpoint with it; the note as it is then. Raises NoteError, and
    NotFoundError if there is no checkpoint of this size."""
    query = select(rows.c.note, rows.c.key_id).where(rows.c.size == size).with_for_update()
    row = unit.connection.execute(query.limit(1)).first()
    if row is None:
        raise NotFoundError(f"There is no checkpoint of size {size}.")
    note = added(row.note, lines)
    where = (rows.c.size == size, rows.c.key_id == row.key_id)
    unit.connection.execute(rows.update().where(*where).values(note=note))
    return note


def keys(connection: Connection) -> list[SealingKeyChanged]:
    """The keys that have signed, oldest first. Raises ValueError for an entry that is not as we
    wrote it."""
    found = [codec.ledger_entry(row) for row in _key_entries(connection)]
    return [_of(entry) for entry in found]


def _of(entry: LedgerEntry) -> SealingKeyChanged:
    members = SealingKeyChanged.model_fields
    return SealingKeyChanged.model_validate({name: entry.body.get(name) for name in members})


def _key_entries(connection: Connection) -> list[Row[Any]]:
    query = governance.ALL.where(governance_rows.c.kind == SealingKeyChanged.kind)
    return list(connection.execute(query))


def sign(unit: Unit, key: SigningKey) -> bool:
    """Sign the tree as it was sealed last, unless the key has; whether there is a new checkpoint.
    Nobody else seals or signs before the transaction has ended.

    Raises ConflictError if another key signs this ledger, and has not given way to this one.
    """
    seal = seals.last(unit.connection)
    if seal is None or not seal.size:
        return False
    _require_its_turn(unit, key.verifier)
    checkpoint = Checkpoint(key.name, seal.size, bytes.fromhex(seal.root))
    return keep(unit, key.verifier, checkpoint.size, key.sign(checkpoint.text))


def accept(unit: Unit, note: str, key: VerifierKey) -> Checkpoint:
    """Keep a checkpoint that was signed elsewhere. Raises NoteError or ConflictError."""
    checkpoint = signed_checkpoint(note, [Reign(key)])
    seal = seals.of_size(unit.connection, checkpoint.size)
    if seal is None or seal.root != checkpoint.root.hex() or checkpoint.origin != key.name:
        raise NoteError(f"This ledger never had the size {checkpoint.size} with such a root.")
    _require_its_turn(unit, key)
    keep(unit, key, checkpoint.size, note)
    return checkpoint


def give_way(unit: Unit, old: SigningKey, new: VerifierKey) -> int:
    """Let another key sign from now on, and give the size of the last tree of the old one.

    Raises ConflictError if it is not the old one's turn.
    """
    seal = seals.last(unit.connection)
    size = 0 if seal is None else seal.size
    _require_its_turn(unit, old.verifier)
    entry = SealingKeyChanged(
        before=str(old.verifier), after=str(new), size=size, handover=hand_over(old, new, size)
    )
    governance.append(unit, entry)
    return size


def _require_its_turn(unit: Unit, key: VerifierKey) -> None:
    last = governance.newest(unit, SealingKeyChanged)
    if last is None:
        began = SealingKeyChanged(before=None, after=str(key), size=0, handover=None)
        governance.append(unit, began)
    elif last.after != str(key):
        raise ConflictError(
            f"The checkpoints of this ledger are signed with the key {last.after}; "
            f"{key} may sign once that one has given way: `countersign ledger rotate`."
        )


def keep(unit: Unit, key: VerifierKey, size: int, note: str) -> bool:
    """Store a checkpoint, unless there is one of this size by this key; whether it was."""
    of = {"size": size, "key_id": key.id.hex()}
    query = select(rows.c.size).filter_by(**of)
    if unit.connection.execute(query).first() is not None:
        return False
    values = {**of, "at": codec.to_text(unit.now), "note": note}
    unit.connection.execute(rows.insert().values(values))
    return True


def untrue(connection: Connection, after_size: int, *, limit: int) -> tuple[list[str], int | None]:
    """What is wrong with the next checkpoints, and the size of the last of them."""
    found = list(
        connection.execute(
            select(rows).where(rows.c.size > after_size).order_by(rows.c.size).limit(limit)
        )
    )
    try:
        changes = keys(connection)
        first = [VerifierKey.parse(changes[0].after)] if changes else []
        known = reigns(first, [each.handover for each in changes if each.handover])
    except (ValueError, NoteError) as exc:
        return [f"the keys of the checkpoints cannot be read: {exc}"], None
    return list(_wrong(connection, found, known)), found[-1].size if found else None


def _wrong(connection: Connection, found: list[Row[Any]], known: list[Reign]) -> Iterator[str]:
    for row in found:
        where = f"the checkpoint of size {row.size}"
        try:
            checkpoint = signed_checkpoint(row.note, known)
        except NoteError as exc:
            yield f"{where}: {exc}"
            continue
        query = select(ledger_seals.c.root).where(ledger_seals.c.size == row.size)
        root = connection.execute(query).scalar()
        signers = {each.key.id.hex() for each in known}
        if checkpoint.size != row.size:
            yield f"{where}: is one of size {checkpoint.size}"
        elif row.key_id not in signers:
            yield f"{where}: is said to be signed with a key {row.key_id}, and there is none"
        elif root is None:
            yield f"{where}: the seal that it signs is gone"
        elif root != checkpoint.root.hex():
            yield f"{where}: signs another tree; a whole chain or more was replaced since"


def against(connection: Connection, checkpoint: Checkpoint) -> list[str]:
    """Where the ledger is not the one that somebody outside has kept a checkpoint of."""
    size: int = connection.execute(
        select(func.coalesce(func.max(ledger_seals.c.size), 0))
    ).scalar_one()
    where = f"the outside checkpoint of size {checkpoint.size}"
    if size < checkpoint.size:
        return [
            f"{where}: the ledger has only the size {size}: the database was set back to an "
            "older state, or the newest seals were cut off"
        ]
    root = StoredTree(connection).root(checkpoint.size)
    if root != checkpoint.root:
        return [f"{where}: signs another tree: what was sealed until then has been replaced"]
    return []
