"""The Merkle tree of RFC 6962: hashes, roots, and proofs that are checked without the tree.

Sources: RFC 6962 section 2.1, RFC 9162 sections 2.1.3.2 and 2.1.4.2 for checking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

WIDTH = 256
"""Of the subtrees whose hashes are kept: 256 leaves, 256 of those, and so on."""

Complete = Callable[[int, int], bytes]
"""`complete(level, number)`: the hash of the subtree over the 256 ** level leaves that begin at
number * 256 ** level."""

EMPTY = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Of one leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def subtree(complete: Complete, first: int, end: int) -> bytes:
    """The hash over the leaves from `first` to before `end`, of which there is at least one; as
    RFC 6962 divides trees, so that `first` is a multiple of the next power of two."""
    count, level, width = end - first, 0, 1
    while width < count:
        width *= WIDTH
        level += 1
    if width == count and first % width == 0:
        return complete(level, first // width)
    half = 1 << ((count - 1).bit_length() - 1)
    left = subtree(complete, first, first + half)
    return node_hash(left, subtree(complete, first + half, end))


def root(complete: Complete, size: int) -> bytes:
    """Of the whole tree."""
    return subtree(complete, 0, size) if size else EMPTY


def inclusion(complete: Complete, index: int, size: int) -> list[bytes]:
    """The path of leaf `index` in the tree of this size, from the leaf upwards."""
    path: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        half = first + (1 << ((end - first - 1).bit_length() - 1))
        if index < half:
            path.append(subtree(complete, half, end))
            end = half
        else:
            path.append(subtree(complete, first, half))
            first = half
    return path[::-1]


def consistency(complete: Complete, old: int, new: int) -> list[bytes]:
    """That the tree of size `new` begins with that of size `old`; 0 < old <= new."""
    path: list[bytes] = []
    first, end, whole = 0, new, True
    while old != end:
        half = first + (1 << ((end - first - 1).bit_length() - 1))
        if old <= half:
            path.append(subtree(complete, half, end))
            end = half
        else:
            path.append(subtree(complete, first, half))
            first, whole = half, False
    return [*([] if whole else [subtree(complete, first, end)]), *path[::-1]]


def root_of_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion path leads to; None if it is not a path of this leaf."""
    if not 0 <= index < size:
        return None
    place, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    return found if last == 0 else None


def is_consistent(
    old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes
) -> bool:
    """Whether the proof shows that the tree of size `new` begins with that of size `old`."""
    if old == new:
        return not path and old_root == new_root
    if not 0 < old < new or not path:
        return False
    rest = list(path)
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = old_root if old & (old - 1) == 0 else rest.pop(0)
    for sibling in rest:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


class Growing:
    """A tree to which leaves are added at its end: it keeps the hashes of its right edge."""

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[bytes] = []

    def add(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf by its hash; (level, number, hash) of the subtrees of `WIDTH` that it has
        completed."""
        done: list[tuple[int, int, bytes]] = []
        self.size += 1
        self._edge.append(leaf)
        size, width = self.size, 1
        while size & width == 0:
            right = self._edge.pop()
            self._edge[-1] = node_hash(self._edge[-1], right)
            width *= 2
            if (width.bit_length() - 1) % 8 == 0:
                done.append(((width.bit_length() - 1) // 8, size // width - 1, self._edge[-1]))
        return done

    def root(self) -> bytes:
        """Of the leaves that were added until now."""
        if not self._edge:
            return EMPTY
        found = self._edge[-1]
        for left in self._edge[-2::-1]:
            found = node_hash(left, found)
        return found
