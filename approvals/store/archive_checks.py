"""Checks archive files: alone, against their checkpoint, and against a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, select

from countersign.approvals.audit.archives import Archive, Kept, hash_of
from countersign.approvals.audit.bundles import Bundled
from countersign.approvals.audit.ledger import Verification, combine
from countersign.approvals.audit.notes import Checkpoint, VerifierKey
from countersign.approvals.audit.receipts import ReceiptError, in_tree, known_keys, signed
from countersign.approvals.errors import IntegrityError
from countersign.approvals.models import JsonObject
from countersign.approvals.store import archived, sound
from countersign.approvals.store.ledger import Chain
from countersign.approvals.store.schema import ledger, metadata, sessions
from countersign.approvals.store.schema import ledger_leaves as leaves
from countersign.approvals.store.tables import Row
from countersign.approvals.store.verifying import compared

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def checked(kept: Kept, rows: Rows) -> Verification:
    """A session of a file by itself: its chain, and its rows against the chain."""
    if is_sound(kept, rows):
        return Verification(entries=kept.entries)
    return closer(kept, rows)


def closer(kept: Kept, rows: Rows) -> Verification:
    """What is wrong with a session of a file, if anything is."""
    try:
        chain_rows: list[Any] = [SimpleNamespace(_mapping=r, **r) for r in rows["ledger"]]
        found = Chain(kept.session, (kept.entries, kept.head), chain_rows)
        stored = [_row(table, row) for table in _COMPARED if table in rows for row in rows[table]]
        return compared(found, stored)
    except (KeyError, TypeError, AttributeError) as exc:  # nothing that we wrote
        problem = f"session {kept.session}: cannot be read in the archive: {exc!r}"
        return Verification(entries=0, problems=(problem,))


def is_sound(kept: Kept, rows: Rows) -> bool:
    """Whether all of it is as this release writes it; False: look closer."""
    try:
        (session,) = [sound.values(sessions, row) for row in rows[sessions.name]]
        entries = [sound.values(ledger, row) for row in rows[ledger.name]]
        stored = [
            (columns, sound.values(columns.table, row))
            for name, columns in sound.OF.items()
            if name != sessions.name
            for row in rows.get(name, ())
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
    of, *end = sound.end_of(session)
    fits = (of, *end) == (kept.session, kept.entries, kept.head)
    return fits and sound.is_sound(session, entries, stored)


def _row(table: str, row: Mapping[str, Any]) -> Row:
    key = tuple(row[column.name] for column in metadata.tables[table].primary_key)
    return Row(table, key, row)


def proven(archive: Archive, trusted: Sequence[VerifierKey]) -> Bundled:
    """All of a file, by its own checkpoint. Raises ReceiptError, ReceiptFormatError or
    UntrustedError, with the first session that does not fit."""
    manifest = archive.manifest
    known = known_keys({"handovers": list(manifest.handovers)}, trusted)
    checkpoint: Checkpoint | None = None
    entries = 0
    for kept in manifest.sessions:
        try:
            rows = archive.rows(kept)
        except IntegrityError as exc:
            raise ReceiptError(str(exc)) from exc
        if problems := checked(kept, rows).problems:
            raise ReceiptError(f"{archive.path.name}: {problems[0]}")
        if checkpoint is None:
            checkpoint = signed(manifest.checkpoint, known)
        proof: JsonObject = {"position": kept.position, "path": list(kept.path)}
        in_tree(checkpoint, proof, kept.session, kept.entries, kept.head)
        entries += kept.entries
    return Bundled(sessions=len(manifest.sessions), entries=entries, withheld=0)


def against(connection: Connection, archive: Archive, only: str | None = None) -> Verification:
    """What is wrong with a file by the database: whether it is the one that was made, and whether
    all that was sealed of its sessions, or of `only` one, is in it."""
    own = hash_of(archive.path)
    expected = {each.session: each for each in archived.in_file(connection, own)}
    if not expected:
        said = f"{archive.path.name}: is not a file in which anything of this ledger is archived"
        return Verification(entries=0, problems=(said,))
    parts: list[Verification] = []
    for kept in archive.manifest.sessions:
        if kept.session not in expected or only not in (None, kept.session):
            continue  # it was restored, or nobody asks for it
        try:
            rows = archive.rows(kept)
        except IntegrityError as exc:
            parts.append(Verification(entries=0, problems=(str(exc),)))
            continue
        parts += [checked(kept, rows), _sealed(connection, kept, rows)]
        mine = expected.pop(kept.session)
        if (mine.entries, mine.head) != (kept.entries, kept.head):
            said = f"session {kept.session}: ends elsewhere in {archive.path.name}"
            parts.append(Verification(entries=0, problems=(said,)))
    missing = expected if only is None else ()
    gone = tuple(f"session {name}: is not in {archive.path.name}" for name in missing)
    return combine([*parts, Verification(entries=0, problems=gone)])


def _sealed(connection: Connection, kept: Kept, rows: Rows) -> Verification:
    own = {row["seq"]: row["hash"] for row in rows.get("ledger", ())}
    query = select(leaves.c.seq, leaves.c.hash).where(leaves.c.session_id == kept.session)
    wrong = tuple(
        f"session {kept.session}: entry {seq} in the archive is not the one that was sealed"
        for seq, sealed in connection.execute(query.order_by(leaves.c.position))
        if own.get(seq) != sealed
    )
    return Verification(entries=0, problems=wrong)


_COMPARED = (
    "sessions",
    "requests",
    "session_messages",
    "votes",
    "questions",
    "request_openings",
    "result_texts",
    "deliveries",
    "grant_uses",
    "budget_uses",
    "hindsights",
)
