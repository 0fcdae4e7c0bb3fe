"""Bundles: whole chains of sessions in one file, each proven by the same signed checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.audit.fields import COMMITMENTS, whole
from countersign.approvals.audit.ledger import GENESIS
from countersign.approvals.audit.notes import Checkpoint, VerifierKey
from countersign.approvals.audit.receipts import (
    ReceiptError,
    ReceiptFormatError,
    chain,
    in_tree,
    known_keys,
    loads,
    signed,
)
from countersign.approvals.audit.sound_links import Sound, sound
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import JsonObject, Value

FORMAT = "countersign-bundle/v1"


class Bundled(Value):
    """What there is in a bundle that is true."""

    sessions: int
    entries: int
    withheld: int
    """Entries whose bodies are not in it."""
    fields: int = 0
    """Fields that are not in it, of bodies that are."""


def verify(bundle: JsonObject, trusted: Sequence[VerifierKey]) -> Bundled:
    """Check all of a bundle. Raises ReceiptFormatError, UntrustedError, or ReceiptError: with the
    session, and the first entry that does not fit."""
    checkpoint: Checkpoint | None = None
    found: list[Sound] = []
    try:
        known = known_keys(bundle, trusted)
        for part in bundle["chains"]:
            session_id, links = part.get("session"), part["entries"]
            whole_chain = sound(session_id, links) or closer(session_id, links)
            if checkpoint is None:
                checkpoint = signed(bundle["checkpoint"], known)
            try:
                proof, end = part["proof"], whole_chain.end
                in_tree(checkpoint, proof, session_id, whole_chain.entries, end)
            except ReceiptError as exc:
                raise ReceiptError(f"Session {session_id}: {exc}") from exc
            found.append(whole_chain)
    except InvalidError:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError) as exc:
        raise ReceiptFormatError(f"A part of it cannot be read: {exc!r}.") from exc
    return Bundled(
        sessions=len(found),
        entries=sum(each.entries for each in found),
        withheld=sum(each.withheld for each in found),
        fields=sum(each.fields for each in found),
    )


def closer(session_id: str, links: Sequence[JsonObject]) -> Sound:
    """What there is in a chain, looked at text by text. Raises ReceiptError and others."""
    found, end = chain(links)
    (first, _), withheld = found[0], sum(not body for _, body in found)
    try:
        _whole(session_id, first)
    except ReceiptError as exc:
        raise ReceiptError(f"Session {first['session']}: {exc}") from exc
    fields = sum(len(body.get(COMMITMENTS, ())) for _, body in found)
    fields -= sum(len(link.get("disclosed", ())) for link in links)
    return Sound(end, len(found), withheld, fields)


def _whole(session_id: str, first: JsonObject) -> None:
    if (first["seq"], first["prev_hash"]) != (1, GENESIS):
        raise ReceiptError("Its beginning is missing.")
    if first["session"] != session_id:
        raise ReceiptError(f"It is said to be {session_id}.")


def lines(bundle: JsonObject) -> list[JsonObject]:
    """Its entries, to be read."""
    return [
        {**loads(link["text"]), **({"body": _whole_body(link)} if "body" in link else {})}
        for part in bundle["chains"]
        for link in part["entries"]
    ]


def _whole_body(link: JsonObject) -> JsonObject:
    return whole(loads(link["body"]), link.get("disclosed", {}))
