"""Receipts as COSE_Sign1: read by other libraries, verified back, and every change is found."""

from __future__ import annotations

import random
from typing import Any

import cbor2
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from countersign.approvals.audit.merkle import root_of_path
from countersign.approvals.audit.notes import Checkpoint, SigningKey, opened_unchecked
from countersign.approvals.audit.receipts import (
    ReceiptError,
    ReceiptFormatError,
    UntrustedError,
    chain,
    loads,
)
from countersign.approvals.audit.seals import leaf_of
from countersign.approvals.errors import InvalidError
from countersign.bot.audit.cose import is_cose, opened, signed
from tests.doubles.receipts import KEY, NEXT, made_up

OTHER = SigningKey("gate.example/ledger", bytes([9]) * 32)
GENERATED = [made_up(random.Random(seed)) for seed in range(30)]
MADE = next(made for made in GENERATED if not made["handovers"])
DATA = signed(MADE, KEY)


def _verified(data: bytes, payload: bytes | None = None) -> tuple[Any, Any, bytes]:
    """As RFC 9052 says it (section 4.4), by nothing but CBOR and Ed25519."""
    tagged = cbor2.loads(data)
    protected, unprotected, inside, signature = tagged.value
    content = inside if payload is None else payload
    structure = cbor2.dumps(["Signature1", protected, b"", content])
    key = Ed25519PublicKey.from_public_bytes(KEY.verifier.public)
    key.verify(signature, structure)
    assert 18 == tagged.tag
    return cbor2.loads(protected), unprotected, content


def test_it_is_what_the_rfcs_say() -> None:
    protected, unprotected, payload = _verified(DATA)
    (receipt,) = unprotected[394]
    root = Checkpoint.parse(opened_unchecked(MADE["checkpoint"])).root
    included, proofs, _ = _verified(receipt, root)
    size, position, path = cbor2.loads(proofs[396][-1][0])
    _, end = chain(MADE["entries"])
    last = loads(MADE["entries"][-1]["text"])

    assert (-8, KEY.verifier.id) == (protected[1], protected[4])
    assert {1: KEY.name, 2: MADE["summary"]["request"]} == protected[15] == included[15]
    assert (1, "application/vnd.countersign.receipt+json") == (included[395], protected[3])
    assert root == root_of_path(leaf_of(last["session"], last["seq"], end), position, size, path)
    assert cbor2.loads(receipt).value[2] is None
    with pytest.raises(InvalidSignature):
        _verified(receipt, bytes(32))
    assert is_cose(DATA)
    assert not is_cose(b"{}")
    assert payload.startswith(b"{")


def test_it_is_verified_back() -> None:
    assert MADE == opened(DATA, [KEY.verifier])


def changed(number: int, value: Any) -> bytes:
    """With another member of the four."""
    members = list(cbor2.loads(DATA).value)
    members[number] = value
    return cbor2.dumps(cbor2.CBORTag(18, members))


def headers() -> dict[Any, Any]:
    found: dict[Any, Any] = cbor2.loads(cbor2.loads(DATA).value[0])
    return found


def included(**more: Any) -> bytes:
    """With another receipt of inclusion."""
    (receipt,) = cbor2.loads(DATA).value[1][394]
    members = list(cbor2.loads(receipt).value)
    for name, value in more.items():
        members[int(name[1:])] = value
    return changed(1, {394: [cbor2.dumps(cbor2.CBORTag(18, members))]})


@pytest.mark.parametrize(
    ("data", "kind", "why"),
    [
        (b"", ReceiptFormatError, "no COSE_Sign1"),
        (b"\xd2", ReceiptFormatError, "no COSE_Sign1"),
        (cbor2.dumps(cbor2.CBORTag(17, [])), ReceiptFormatError, "no COSE_Sign1"),
        (cbor2.dumps(cbor2.CBORTag(18, [b"\xa0", {}, b"", b""])), ReceiptFormatError, "no receipt"),
        (cbor2.dumps(cbor2.CBORTag(98, cbor2.loads(DATA).value)), ReceiptFormatError, "no COSE"),
        (changed(0, cbor2.dumps({**headers(), 3: "text/plain"})), ReceiptFormatError, "no receipt"),
        (changed(0, cbor2.dumps({**headers(), 15: {}})), UntrustedError, "is wrong"),
        (changed(0, cbor2.dumps({**headers(), 4: b"none"})), UntrustedError, "not signed with"),
        (changed(0, cbor2.dumps({**headers(), 1: -7})), UntrustedError, "not signed with"),
        (changed(2, None), ReceiptFormatError, "no text"),
        (changed(2, b"\xff"), ReceiptFormatError, "no text"),
        (changed(2, b"{}"), ReceiptFormatError, "no receipt"),
        (changed(3, bytes(64)), UntrustedError, "is wrong"),
        (changed(1, {}), ReceiptFormatError, "header 394"),
        (included(_0=cbor2.dumps({1: -8, 395: 2})), ReceiptFormatError, "another kind of tree"),
        (included(_1={}), ReceiptFormatError, "cannot be read"),
        (included(_1={396: {-1: [cbor2.dumps([9, 0, []])]}}), ReceiptError, "does not lead"),
        (included(_3=bytes(64)), UntrustedError, "is wrong"),
    ],
)
def test_what_was_changed_is_named(data: bytes, kind: type[Exception], why: str) -> None:
    with pytest.raises(kind, match=why):
        opened(data, [KEY.verifier])


def test_only_the_key_of_the_ledger_signs_one() -> None:
    with pytest.raises(UntrustedError, match="not signed by"):
        signed(MADE, OTHER)
    with pytest.raises(UntrustedError):
        opened(DATA, [OTHER.verifier])


def test_a_key_that_was_named_by_the_trusted_one_signs_and_the_one_that_gave_way_does_not() -> None:
    made = next(each for each in GENERATED if each["handovers"])
    assert made == opened(signed(made, NEXT), [KEY.verifier])
    with pytest.raises(InvalidError, match="given way"):
        signed(made, KEY)


def test_whatever_a_receipt_says_it_is_the_same_as_cose() -> None:
    for made in GENERATED:
        key = NEXT if made["handovers"] else KEY
        assert made == opened(signed(made, key), [KEY.verifier])
