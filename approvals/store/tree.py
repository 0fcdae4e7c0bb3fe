"""Queries on the Merkle tree: its leaves, the hashes of its whole subtrees, and proofs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from countersign.approvals.audit import merkle
from countersign.approvals.audit.seals import Head, leaf_of
from countersign.approvals.store.schema import ledger_leaves as leaves
from countersign.approvals.store.schema import ledger_nodes as nodes


class StoredTree:
    """What of the tree is stored, read 256 hashes at a time and kept. Raises KeyError for a hash
    that should be there and is not."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._read: dict[tuple[int, int], dict[int, bytes]] = {}

    def complete(self, level: int, number: int) -> bytes:
        """See `merkle.Complete`."""
        group = level, number // merkle.WIDTH
        if group not in self._read:
            self._read[group] = self._group(*group)
        return self._read[group][number]

    def root(self, size: int) -> bytes:
        """Of the tree when it had this size."""
        return merkle.root(self.complete, size)

    def inclusion(self, position: int, size: int) -> list[bytes]:
        """The path of a leaf."""
        return merkle.inclusion(self.complete, position, size)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """That the tree of one size begins with that of another."""
        return merkle.consistency(self.complete, old, new) if old else []

    def add(self, size: int, heads: Iterable[tuple[str, Head]]) -> int:
        """Append leaves to the tree of this size, and give its new size."""
        rows = [
            {"position": size + n, "session_id": name, "seq": seq, "hash": own_hash}
            for n, (name, (seq, own_hash)) in enumerate(heads)
        ]
        self._connection.execute(leaves.insert(), rows)
        self._read.clear()
        end, level, width = size + len(rows), 1, merkle.WIDTH
        while end // width > size // width:
            found = [
                {"level": level, "number": n, "hash": self._whole(level, n).hex()}
                for n in range(size // width, end // width)
            ]
            self._connection.execute(nodes.insert(), found)
            self._read.clear()
            level, width = level + 1, width * merkle.WIDTH
        return end

    def _whole(self, level: int, number: int) -> bytes:
        """The hash of a subtree of `WIDTH` from those below it."""
        below = [
            self.complete(level - 1, n)
            for n in range(number * merkle.WIDTH, (number + 1) * merkle.WIDTH)
        ]
        while len(below) > 1:
            below = list(map(merkle.node_hash, below[::2], below[1::2]))
        return below[0]

    def _group(self, level: int, group: int) -> dict[int, bytes]:
        first, end = group * merkle.WIDTH, (group + 1) * merkle.WIDTH
        if level == 0:
            query = select(leaves).where(leaves.c.position >= first, leaves.c.position < end)
            return {row[0]: leaf_of(*row[1:]) for row in self._connection.execute(query)}
        where = nodes.c.level == level, nodes.c.number >= first, nodes.c.number < end
        query = select(nodes.c.number, nodes.c.hash).where(*where)
        return {row[0]: bytes.fromhex(row[1]) for row in self._connection.execute(query)}


def place(connection: Connection, session_id: str, seq: int, size: int) -> tuple[int, Head] | None:
    """The first leaf among `size` that covers entry `seq` of a chain, and the head it names."""
    query = (
        select(leaves.c.position, leaves.c.seq, leaves.c.hash)
        .where(leaves.c.session_id == session_id, leaves.c.seq >= seq, leaves.c.position < size)
        .order_by(leaves.c.seq, leaves.c.position)
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else (row[0], (row[1], row[2]))


def newest_place(connection: Connection, session_id: str, size: int) -> tuple[int, Head] | None:
    """The last leaf among `size` of a chain, and the head it names."""
    query = (
        select(leaves.c.position, leaves.c.seq, leaves.c.hash)
        .where(leaves.c.session_id == session_id, leaves.c.position < size)
        .order_by(leaves.c.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else (row[0], (row[1], row[2]))


def page(connection: Connection, after: int, *, limit: int) -> Sequence[tuple[int, str, int, str]]:
    """Position, chain, number and hash of the leaves from position `after` on."""
    query = select(leaves).where(leaves.c.position >= after).order_by(leaves.c.position)
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query.limit(limit))]


def has_leaf(connection: Connection, session_id: str) -> bool:
    """Whether a chain is in the tree."""
    query = select(leaves.c.position).where(leaves.c.session_id == session_id).limit(1)
    return connection.execute(query).first() is not None
