"""The hash chains: every entry links to the one before it.

There is one for each session, and one for what belongs to no session, the governance chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import (
    JsonObject,
    LedgerEntry,
    SessionId,
    Value,
)

GENESIS = "0" * 64
"""`prev_hash` of the first entry."""
GOVERNANCE = SessionId("governance")
"""What stands for the session in the entries of the governance chain; no session has this id."""


def chain_name(session_id: str) -> str:
    """A chain, as people are told of it."""
    return "the governance ledger" if session_id == GOVERNANCE else f"session {session_id}"


def entry_hash(
    *,
    session_id: str,
    seq: int,
    at: datetime,
    kind: str,
    body: JsonObject,
    prev_hash: str,
) -> str:
    """SHA-256 over the canonical JSON of the entry without its hash."""
    return sha256_hex(
        canonical_json(
            {
                "session": session_id,
                "seq": seq,
                "at": at.isoformat(),
                "kind": kind,
                "body": body,
                "prev_hash": prev_hash,
            }
        )
    )


class Verification(Value):
    """What checking chains found; `verified` only if there is nothing to report."""

    entries: int
    problems: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether every link held."""
        return not self.problems


def verify(
    session_id: SessionId, entries: Iterable[LedgerEntry], head: tuple[int, str]
) -> Verification:
    """Check one chain's entries, ordered by seq, against its stored `head` (seq and hash).

    Detects edits, insertions, deletions, reordering, and a cut-off tail (the head says how long
    the chain must be). Whoever can rewrite both entries and head is not detected by this alone.
    """
    problems: list[str] = []
    name = chain_name(session_id)
    seq, prev_hash, count = 0, GENESIS, 0
    for entry in entries:
        count += 1
        where = f"{name}, entry {entry.seq}"
        if entry.seq != seq + 1:
            problems.append(f"{where}: follows entry {seq}; something is missing or out of order")
        if entry.prev_hash != prev_hash:
            problems.append(f"{where}: does not link to the entry before it")
        if entry.hash != hash_as_written(entry):
            problems.append(f"{where}: was changed after it was written")
        seq, prev_hash = entry.seq, entry.hash
    if (seq, prev_hash) != head:
        problems.append(f"{name}: ends at entry {seq}, but its head is entry {head[0]}")
    return Verification(entries=count, problems=tuple(problems))


def hash_as_written(entry: LedgerEntry) -> str | None:
    """The hash of an entry that is as it was written; None of one that never was."""
    try:
        return entry_hash(
            session_id=entry.session_id,
            seq=entry.seq,
            at=entry.at,
            kind=entry.kind,
            body=entry.body,
            prev_hash=entry.prev_hash,
        )
    except InvalidError:  # without a canonical form it was never written by us
        return None


def combine(parts: Sequence[Verification]) -> Verification:
    """One verification of many sessions."""
    return Verification(
        entries=sum(p.entries for p in parts),
        problems=tuple(problem for p in parts for problem in p.problems),
    )
