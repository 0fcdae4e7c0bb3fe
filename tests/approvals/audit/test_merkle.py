"""The Merkle tree: the vectors of Certificate Transparency, and proofs of every size."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.approvals.audit.merkle import (
    EMPTY,
    WIDTH,
    Complete,
    Growing,
    consistency,
    inclusion,
    is_consistent,
    leaf_hash,
    node_hash,
    root,
    root_of_path,
)

# Source: certificate-transparency, merkletree/merkle_tree_test.cc (the data of RFC 6962's reference
# implementation).
DATA = [
    bytes.fromhex(each)
    for each in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
N96, N5F = (
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
)
N6B, NCA = (
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
)
NBC = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
N0E = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"


def stored(leaves: list[bytes]) -> Complete:
    """Hashes of whole subtrees, each made from its leaves."""

    def complete(level: int, number: int) -> bytes:
        width = WIDTH**level
        found = leaves[number * width : (number + 1) * width]
        while len(found) > 1:
            found = list(map(node_hash, found[::2], found[1::2]))
        return found[0]

    return complete


TREE = stored([leaf_hash(data) for data in DATA])


def numbered(size: int) -> list[bytes]:
    return [leaf_hash(str(n).encode()) for n in range(size)]


def test_roots_are_those_of_the_reference() -> None:
    assert ROOTS == [root(TREE, size).hex() for size in range(1, 9)]
    assert sha256().digest() == EMPTY == root(TREE, 0) == Growing().root()


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (0, 8, [N96, N5F, N6B]),
        (5, 8, [NBC, NCA, ROOTS[3]]),
        (2, 3, [ROOTS[1]]),
        (1, 5, [ROOTS[0], N5F, NBC]),
    ],
)
def test_inclusion_paths_are_those_of_the_reference(index: int, size: int, path: list[str]) -> None:
    found = inclusion(TREE, index, size)
    reached = root_of_path(leaf_hash(DATA[index]), index, size, found)

    assert path == [each.hex() for each in found]
    assert reached is not None
    assert ROOTS[size - 1] == reached.hex()


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (1, 1, []),
        (1, 8, [N96, N5F, N6B]),
        (6, 8, [N0E, NCA, ROOTS[3]]),
        (2, 5, [N5F, NBC]),
    ],
)
def test_consistency_paths_are_those_of_the_reference(old: int, new: int, path: list[str]) -> None:
    found = consistency(TREE, old, new)
    roots = bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1])

    assert path == [each.hex() for each in found]
    assert is_consistent(old, new, found, *roots)


@given(size=st.integers(1, 700), data=st.data())
def test_every_path_leads_to_its_root_and_to_no_other(size: int, data: st.DataObject) -> None:
    leaves, index = numbered(size), data.draw(st.integers(0, size - 1))
    complete = stored(leaves)
    path, whole = inclusion(complete, index, size), root(complete, size)

    assert whole == root_of_path(leaves[index], index, size, path)
    assert whole != root_of_path(leaf_hash(b"x"), index, size, path)
    assert whole != root_of_path(leaves[index], index, size, [*path, whole])
    assert whole != root_of_path(leaves[index], index, size, path[1:]) or not path
    assert root_of_path(leaves[index], size, size, path) is None


@given(new=st.integers(1, 700), data=st.data())
def test_every_older_tree_is_the_beginning_of_the_newer(new: int, data: st.DataObject) -> None:
    complete, old = stored(numbered(new)), data.draw(st.integers(1, new))
    path, before, after = consistency(complete, old, new), root(complete, old), root(complete, new)

    assert is_consistent(old, new, path, before, after)
    assert not is_consistent(old, new, path, leaf_hash(b"x"), after)
    assert not is_consistent(old, new, path, before, leaf_hash(b"x"))
    assert not is_consistent(old, new, [*path, after], before, after)
    assert not is_consistent(old, new, path[:-1], before, after) or not path
    assert not is_consistent(0, new, path, before, after)


def test_a_growing_tree_has_the_same_roots_and_hashes_of_subtrees() -> None:
    leaves, growing = numbered(3 * WIDTH + 7), Growing()
    complete, done = stored(leaves), []
    for size, leaf in enumerate(leaves, 1):
        done += growing.add(leaf)

        assert size % 50 or growing.root() == root(complete, size)

    assert [(1, n, complete(1, n)) for n in range(3)] == done
