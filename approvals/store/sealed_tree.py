"""Checks the stored Merkle tree: its leaves against the chains, its hashes against its leaves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, select, tuple_

from countersign.approvals.audit.merkle import Growing
from countersign.approvals.audit.seals import Seal, leaf_of
from countersign.approvals.store import seals, tree
from countersign.approvals.store.schema import ledger_leaves, ledger_nodes

PAGE = 2000
"""Leaves that are in memory at once."""
_Node = tuple[int, int, bytes]


def untrue(connection: Connection, seal: Seal, growing: Growing) -> list[str]:
    """What is wrong with the leaves that a seal has added, and with its root; `growing` is the tree
    before, and takes them in."""
    problems: list[str] = []
    while growing.size < seal.size:
        most = min(PAGE, seal.size - growing.size)
        found = tree.page(connection, growing.size, limit=most)
        if [row[0] for row in found] != list(range(growing.size, growing.size + most)):
            gone = _first_gap(growing.size, found)
            missing = f"the tree's leaf {gone}, which seal {seal.number} covers, is gone"
            growing.size = seal.size  # what follows cannot be compared any more
            return [*problems, missing]
        done: list[_Node] = []
        for row in found:
            done += growing.add(leaf_of(*row[1:]))
        heads = [(row[1], (row[2], row[3])) for row in found]
        problems += seals.untrue(connection, heads, seal)
        problems += _nodes(connection, done)
    if growing.size != seal.size:
        problems.append(f"seal {seal.number}: is of a smaller tree than the seal before it")
    elif growing.root().hex() != seal.root:
        problems.append(
            f"seal {seal.number}: its root is not that of the leaves; one of them was changed, "
            "put in, taken out or moved"
        )
    return problems


def unsealed(connection: Connection, size: int) -> list[str]:
    """What is in the tables of the tree beyond what the seals cover."""
    leaves = select(func.count()).select_from(ledger_leaves)
    more = connection.execute(leaves.where(ledger_leaves.c.position >= size)).scalar_one()
    problems = [f"{more} leaves of the tree are in no seal"] if more else []
    nodes = connection.execute(select(func.count()).select_from(ledger_nodes)).scalar_one()
    expected, width = 0, 256
    while size // width:
        expected, width = expected + size // width, width * 256
    if nodes != expected:
        problems.append(f"the tree has {nodes} stored hashes, and should have {expected}")
    return problems


def _first_gap(first: int, found: Sequence[tuple[int, str, int, str]]) -> int:
    there = {row[0] for row in found}
    return next(n for n in range(first, first + len(found) + 1) if n not in there)


def _nodes(connection: Connection, done: Iterable[_Node]) -> list[str]:
    """Which stored hashes of whole subtrees are not those of their leaves."""
    expected = {(level, number): own.hex() for level, number, own in done}
    n = ledger_nodes.c
    where = tuple_(n.level, n.number).in_(list(expected))
    rows = connection.execute(select(n.level, n.number, n.hash).where(where)) if expected else ()
    found = {(row[0], row[1]): row[2] for row in rows}
    return [
        f"the tree's stored hash {level} / {number} is not that of its leaves"
        for (level, number), own in expected.items()
        if found.get((level, number)) != own
    ]
