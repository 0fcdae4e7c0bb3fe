"""The hash chains: every entry links to the one before it.

There is one for each session, and one for what belongs to no session, the governance chain. An
entry's hash covers a salted commitment to the text of its body, so that a chain can be checked, and
shown to others, without the bodies. Entries of older releases have no commitment; their hash covers
the body itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC
from json.encoder import encode_basestring

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.audit.commitments import as_doubles as as_doubles
from countersign.approvals.audit.commitments import commitment as commitment
from countersign.approvals.audit.fields import covered_text
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import (
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


SALT_BYTES = 16


def new_salt() -> str:
    """What keeps a short body from being guessed by its commitment, as hex."""
    return os.urandom(SALT_BYTES).hex()


def header(session_id: str, seq: int, at: str, kind: str, committed: str, prev_hash: str) -> str:
    """The RFC 8785 text that the hash of an entry covers; `at` as it is stored."""
    return (
        f'{{"at":{encode_basestring(at)},"commitment":{encode_basestring(committed)},'
        f'"kind":{encode_basestring(kind)},"prev_hash":{encode_basestring(prev_hash)},'
        f'"seq":{seq},"session":{encode_basestring(session_id)},"v":2}}'
    )


def header_hash(
    session_id: str, seq: int, at: str, kind: str, committed: str, prev_hash: str
) -> str:
    """The hash of an entry with a commitment."""
    return sha256_hex(header(session_id, seq, at, kind, committed, prev_hash).encode())


def older_text(entry: LedgerEntry) -> str:
    """What the hash of an entry without a commitment covers. Raises InvalidError if it has no
    canonical form: then it was never written by us."""
    return canonical_json(
        {
            "session": entry.session_id,
            "seq": entry.seq,
            "at": entry.at.isoformat(),
            "kind": entry.kind,
            "body": as_doubles(entry.body),
            "prev_hash": entry.prev_hash,
        }
    ).decode()


class Verification(Value):
    """What checking chains found; `verified` only if there is nothing to report."""

    entries: int
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What was not looked at, and where it is."""

    @property
    def verified(self) -> bool:
        """Whether every link held."""
        return not self.problems


def verify(
    session_id: SessionId,
    entries: Iterable[LedgerEntry],
    head: tuple[int, str],
    *,
    compared: bool = False,
) -> Verification:
    """Check one chain's entries, ordered by seq, against its stored `head` (seq and hash).
    `compared` says that whoever read them has compared each stored body with its commitment.

    Detects edits, insertions, deletions, reordering, and a cut-off tail (the head says how long
    the chain must be). Whoever can rewrite both entries and head is not detected by this alone.
    """
    problems: list[str] = []
    name = chain_name(session_id)
    seq, prev_hash, count = 0, GENESIS, 0
    hash_of = hash_of_header if compared else hash_as_written
    for entry in entries:
        count += 1
        where = f"{name}, entry {entry.seq}"
        if entry.seq != seq + 1:
            problems.append(f"{where}: follows entry {seq}; something is missing or out of order")
        if entry.prev_hash != prev_hash:
            problems.append(f"{where}: does not link to the entry before it")
        if entry.hash != hash_of(entry):
            problems.append(f"{where}: was changed after it was written")
        seq, prev_hash = entry.seq, entry.hash
    if (seq, prev_hash) != head:
        problems.append(f"{name}: ends at entry {seq}, but its head is entry {head[0]}")
    return Verification(entries=count, problems=tuple(problems))


def hash_as_written(entry: LedgerEntry) -> str | None:
    """The hash of an entry that is as it was written; None of one that never was."""
    try:
        if not entry.commitment:
            return sha256_hex(older_text(entry).encode())
        if not entry.erased:
            text = covered_text(entry.body, entry.fields)
            if commitment(entry.salt, text) != entry.commitment:
                return None
        return sha256_hex(header_of(entry).encode())
    except (InvalidError, ValueError):  # without a canonical form it was never written by us
        return None


def hash_of_header(entry: LedgerEntry) -> str | None:
    """`hash_as_written` of an entry whose stored body was compared with its commitment when it was
    read: the body is not written anew. What has no commitment is."""
    if not entry.commitment:
        return hash_as_written(entry)
    return sha256_hex(header_of(entry).encode())


def hash_of_text(entry: LedgerEntry, at: str, text: str) -> str | None:
    """`hash_as_written` of an entry with a commitment, by its time and body as they are stored: the
    text was committed to, so it is not written anew. None where it is another one."""
    try:
        covered = covered_text(entry.body, entry.fields) if entry.fields else text
        if commitment(entry.salt, covered) != entry.commitment:
            return None
    except ValueError:  # a salt that is no hex, a field that is not there
        return None
    before = entry.prev_hash
    return header_hash(entry.session_id, entry.seq, at, entry.kind, entry.commitment, before)


def header_of(entry: LedgerEntry) -> str:
    """What the hash of an entry with a commitment covers."""
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    before = entry.prev_hash
    return header(entry.session_id, entry.seq, at, entry.kind, entry.commitment, before)


def combine(parts: Sequence[Verification]) -> Verification:
    """One verification of many sessions."""
    return Verification(
        entries=sum(p.entries for p in parts),
        problems=tuple(problem for p in parts for problem in p.problems),
        notes=tuple(note for p in parts for note in p.notes),
    )
