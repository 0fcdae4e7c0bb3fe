"""Receipts as COSE_Sign1, in the shape of SCITT: a signed statement with its receipt of inclusion.

The statement's payload is the receipt of docs/receipts.md. In its unprotected header it carries a
COSE receipt (RFC 9942): the inclusion proof of the session's leaf, and the ledger key's signature
on the root that it leads to. Sources: RFC 9052; RFC 9597 (CWT claims are 15); RFC 9942 (header
parameters 394, 395 and 396, RFC9162_SHA256 is 1, inclusion proofs are -1), read on 2026-11-30 as
draft-ietf-cose-merkle-tree-proofs-18.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from countersign.approvals.audit.handover import Reign
from countersign.approvals.audit.merkle import root_of_path
from countersign.approvals.audit.notes import (
    Checkpoint,
    SigningKey,
    VerifierKey,
    opened_unchecked,
)
from countersign.approvals.audit.receipts import (
    ReceiptError,
    ReceiptFormatError,
    UntrustedError,
    chain,
    known_keys,
    loads,
    parse,
    verify,
)
from countersign.approvals.audit.seals import leaf_of
from countersign.approvals.errors import ConfigurationError, InvalidError
from countersign.approvals.models import JsonObject

SIGN1 = b"\xd2"
"""The tag of a COSE_Sign1, 18, with which each of our files begins."""
CONTENT_TYPE = "application/vnd.countersign.receipt+json"
ALGORITHM, CONTENT, KID, CLAIMS = 1, 3, 4, 15
RECEIPTS, STRUCTURE, PROOFS = 394, 395, 396
RFC9162_SHA256, INCLUSION = 1, -1
ISSUER, SUBJECT = 1, 2
EDDSA = -8
Headers = dict[Any, Any]
"""Of COSE: their labels are numbers."""


def _libraries() -> tuple[Any, Any]:
    try:
        import cbor2
        import cwt
    except ImportError as exc:
        raise ConfigurationError(
            ["receipts as COSE need more: pip install 'countersign-approvals[notary]'."]
        ) from exc
    return cwt, cbor2


def is_cose(head: bytes) -> bool:
    """Whether a file begins like one of these."""
    return head[:1] == SIGN1


def signed(receipt: JsonObject, key: SigningKey) -> bytes:
    """The receipt as a COSE_Sign1 by this key. Raises InvalidError if it is not the key that has
    signed its checkpoint: nobody who trusts the ledger would know it."""
    cwt, cbor2 = _libraries()
    known = known_keys(receipt, [key.verifier])
    verify(receipt, [key.verifier])
    checkpoint = Checkpoint.parse(opened_unchecked(receipt["checkpoint"]))
    if checkpoint.size > next(each.until for each in known if each.key == key.verifier):
        raise InvalidError("The key has given way to another one.")
    proof = receipt["proof"]
    path = [bytes.fromhex(each) for each in proof["path"]]
    inclusion = cbor2.dumps([checkpoint.size, proof["position"], path])
    claims = {ISSUER: checkpoint.origin, SUBJECT: receipt["summary"]["request"]}
    headers = {ALGORITHM: EDDSA, KID: key.verifier.id, CLAIMS: claims}
    ours = _cose_key(cwt, key.verifier, key.seed)
    maker = cwt.COSE.new(deterministic_header=True)
    included = maker.encode_and_sign(
        checkpoint.root,
        ours,
        protected={**headers, STRUCTURE: RFC9162_SHA256},
        unprotected={PROOFS: {INCLUSION: [inclusion]}},
        out="cbor2/CBORTag",
    )
    protected, unprotected, _, signature = included.value
    detached = cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected, None, signature]))
    text = json.dumps(receipt, ensure_ascii=False, separators=(",", ":")).encode()
    made: bytes = maker.encode_and_sign(
        text,
        ours,
        protected={**headers, CONTENT: CONTENT_TYPE},
        unprotected={RECEIPTS: [detached]},
    )
    return made


def opened(data: bytes, trusted: Sequence[VerifierKey]) -> JsonObject:
    """The receipt in it, after all of it and of the receipt was checked.

    Raises ReceiptFormatError, UntrustedError or ReceiptError.
    """
    cwt, cbor2 = _libraries()
    protected, unprotected, payload = _unchecked(cbor2, data)
    if protected.get(CONTENT) != CONTENT_TYPE:
        raise ReceiptFormatError(f"Its content is {protected.get(CONTENT)!r}, and no receipt.")
    receipt = parse(_text(payload))
    told = verify(receipt, trusted)
    known = known_keys(receipt, trusted)
    checkpoint = Checkpoint.parse(opened_unchecked(receipt["checkpoint"]))
    _, end = chain(receipt["entries"])
    last = loads(receipt["entries"][-1]["text"])
    leaf = leaf_of(last["session"], int(last["seq"]), end)
    key = _signer(cwt, data, protected, known, checkpoint.size, None)
    if protected.get(CLAIMS) != {ISSUER: checkpoint.origin, SUBJECT: told["request"]}:
        raise ReceiptError("Its claims are not those of the receipt in it.")
    included = unprotected.get(RECEIPTS)
    if not isinstance(included, list) or not included:
        raise ReceiptFormatError("It has no receipt of its inclusion (header 394).")
    for each in included:
        _require_included(cwt, cbor2, each, leaf, checkpoint, key)
    return receipt


def _require_included(
    cwt: Any, cbor2: Any, each: Any, leaf: bytes, checkpoint: Checkpoint, by: Reign
) -> None:
    protected, unprotected, _ = _unchecked(cbor2, each)
    if protected.get(STRUCTURE) != RFC9162_SHA256:
        raise ReceiptFormatError("Its inclusion is of another kind of tree than RFC9162_SHA256.")
    try:
        (proof,) = unprotected[PROOFS][INCLUSION]
        size, position, path = cbor2.loads(proof)
        root = root_of_path(leaf, position, size, path)
    except (KeyError, TypeError, ValueError, cbor2.CBORDecodeError) as exc:
        raise ReceiptFormatError(f"Its proof of inclusion cannot be read: {exc!r}.") from exc
    if (size, root) != (checkpoint.size, checkpoint.root):
        raise ReceiptError("Its proof of inclusion does not lead to the tree of its checkpoint.")
    _signer(cwt, each, protected, [by], checkpoint.size, checkpoint.root)


def _signer(
    cwt: Any,
    data: bytes,
    protected: Headers,
    known: Sequence[Reign],
    size: int,
    detached: bytes | None,
) -> Reign:
    """Which key has signed it. Raises UntrustedError."""
    for each in known:
        if protected.get(KID) != each.key.id or protected.get(ALGORITHM) != EDDSA:
            continue
        if size > each.until:
            raise UntrustedError(f"It is signed with the retired key {each.key.name}.")
        try:
            cwt.COSE.new().decode(data, _cose_key(cwt, each.key), detached_payload=detached)
        except (cwt.CWTError, ValueError) as exc:
            raise UntrustedError(f"The signature by {each.key.name} is wrong.") from exc
        return each
    raise UntrustedError("It is not signed with a key that is trusted, nor with one that it named.")


def _unchecked(cbor2: Any, data: Any) -> tuple[Headers, Headers, Any]:
    """Both headers and the payload. Raises ReceiptFormatError."""
    try:
        tagged = cbor2.loads(data)
        protected, unprotected, payload, _ = tagged.value
        headers = cbor2.loads(protected)
    except (cbor2.CBORDecodeError, AttributeError, TypeError, ValueError, RecursionError) as exc:
        raise ReceiptFormatError(f"It is no COSE_Sign1: {exc!r}.") from exc
    if tagged.tag != 18 or not isinstance(headers, dict) or not isinstance(unprotected, dict):
        raise ReceiptFormatError("It is no COSE_Sign1.")
    return headers, unprotected, payload


def _text(payload: Any) -> str:
    try:
        return str(payload.decode())
    except (AttributeError, UnicodeDecodeError) as exc:
        raise ReceiptFormatError("Its payload is no text.") from exc


def _cose_key(cwt: Any, key: VerifierKey, seed: bytes | None = None) -> Any:
    """An OKP key, Ed25519 (RFC 9053)."""
    of = {1: 1, 2: key.id, 3: EDDSA, -1: 6, -2: key.public}
    return cwt.COSEKey.new(of | ({-4: seed} if seed else {}))
