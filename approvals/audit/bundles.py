"""Bundles: whole chains of sessions in one file, each proven by the same signed checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.audit.fields import COMMITMENTS, whole
from countersign.approvals.audit.ledger import GENESIS
from countersign.approvals.audit.notes import VerifierKey
from countersign.approvals.audit.receipts import (
    ReceiptError,
    ReceiptFormatError,
    anchor,
    chain,
    known_keys,
    loads,
)
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
    entries = withheld = fields = 0
    try:
        known = known_keys(bundle, trusted)
        for part in bundle["chains"]:
            found, end = chain(part["entries"])
            session_id = found[0][0]["session"]
            try:
                _whole(part["session"], found[0][0])
                anchor(bundle["checkpoint"], part, end, known)
            except ReceiptError as exc:
                raise ReceiptError(f"Session {session_id}: {exc}") from exc
            entries += len(found)
            withheld += sum(not body for _, body in found)
            fields += sum(len(body.get(COMMITMENTS, ())) for _, body in found)
            fields -= sum(len(link.get("disclosed", ())) for link in part["entries"])
    except InvalidError:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError) as exc:
        raise ReceiptFormatError(f"A part of it cannot be read: {exc!r}.") from exc
    sessions = len(bundle["chains"])
    return Bundled(sessions=sessions, entries=entries, withheld=withheld, fields=fields)


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
