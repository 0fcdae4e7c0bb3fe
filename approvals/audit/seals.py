"""Seals: rows outside of all sessions that fix where their chains stood, each linked to the last.

Where a chain stands is a leaf of a Merkle tree that only grows; a seal is a size of it and its
root. Seals of before there was a tree name the chains themselves, and are checked as ever.

A chain shows what was changed inside its session, and nothing shows that a whole session is gone,
or was set back to an older end, but what was written about it elsewhere. Sealing is not on the way
of anything: a process seals every few seconds what its units have moved since.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from json.encoder import encode_basestring

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.audit.ledger import GENESIS
from countersign.approvals.audit.merkle import leaf_hash
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import Value

SEALS = "seals"
"""What stands for the session in the leaf that takes in the seals of before there was a tree."""
Head = tuple[int, str]
"""Sequence number and hash of the last entry of a chain."""


class Seal(Value):
    """Where some chains stood at a time; `hash` covers all the rest and the seal before."""

    number: int
    """From 1, without gaps."""
    at: datetime
    heads: Mapping[str, Head]
    """By session id; {} where the tree says it."""
    prev_hash: str
    hash: str
    size: int = 0
    """Leaves of the tree; 0 of before there was one."""
    root: str = ""


def seal_hash(number: int, at: datetime, heads: Mapping[str, Head], prev_hash: str) -> str:
    """SHA-256 over the canonical JSON of a seal without its hash."""
    body = {
        "seal": number,
        "at": at.isoformat(),
        "heads": {session_id: list(head) for session_id, head in heads.items()},
        "prev_hash": prev_hash,
    }
    return sha256_hex(canonical_json(body))


def tree_seal_hash(number: int, at: datetime, size: int, root: str, prev_hash: str) -> str:
    """`seal_hash` of a seal of the tree."""
    body = {
        "seal": number,
        "at": at.isoformat(),
        "size": size,
        "root": root,
        "prev_hash": prev_hash,
    }
    return sha256_hex(canonical_json(body))


def leaf_text(session_id: str, seq: int, own_hash: str) -> str:
    """The RFC 8785 text of a leaf: where a chain stood."""
    return (
        f'{{"hash":{encode_basestring(own_hash)},"seq":{seq},'
        f'"session":{encode_basestring(session_id)}}}'
    )


def leaf_of(session_id: str, seq: int, own_hash: str) -> bytes:
    """The hash of a leaf."""
    return leaf_hash(leaf_text(session_id, seq, own_hash).encode())


def broken(seals: Iterable[Seal], before: tuple[int, str] = (0, GENESIS)) -> list[str]:
    """What is wrong with the chain of seals that follow the number and hash `before`."""
    problems = []
    number, prev_hash = before
    for seal in seals:
        if seal.number != number + 1:
            problems.append(f"seal {seal.number}: follows seal {number}; something is missing")
        if seal.prev_hash != prev_hash:
            problems.append(f"seal {seal.number}: does not link to the seal before it")
        if seal.hash != _expected(seal):
            problems.append(f"seal {seal.number}: was changed after it was written")
        number, prev_hash = seal.number, seal.hash
    return problems


def _expected(seal: Seal) -> str | None:
    try:
        if seal.size:
            of = (seal.size, seal.root) if not seal.heads else (-1, "")
            return tree_seal_hash(seal.number, seal.at, *of, seal.prev_hash)
        return seal_hash(seal.number, seal.at, seal.heads, seal.prev_hash)
    except InvalidError:
        return None


class Unsealed:
    """Where chains stand that were moved since they were sealed. Any thread may use it."""

    def __init__(self) -> None:
        self._heads: dict[str, Head] = {}
        self._lock = threading.Lock()

    def add(self, heads: Mapping[str, Head]) -> None:
        """These were moved, or could not be sealed; the later end of a chain stays."""
        with self._lock:
            for session_id, head in heads.items():
                if head[0] > self._heads.get(session_id, (0, ""))[0]:
                    self._heads[session_id] = head

    def of(self, session_id: str) -> Head | None:
        """Where the chain of this session stands, if it was moved and is not sealed yet."""
        with self._lock:
            return self._heads.get(session_id)

    def take(self) -> dict[str, Head]:
        """All of them, to be sealed now."""
        with self._lock:
            taken, self._heads = self._heads, {}
        return taken
