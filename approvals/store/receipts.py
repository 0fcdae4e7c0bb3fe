"""Makes receipts from what is stored (`approvals.audit.receipts` says what they are)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Row, select

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.audit.fields import covered_text, disclosed, withheld
from countersign.approvals.audit.ledger import header_of, older_text
from countersign.approvals.audit.notes import Checkpoint, opened_unchecked
from countersign.approvals.audit.private import Privacy, PrivateRule
from countersign.approvals.audit.receipts import FORMAT, loads, summary
from countersign.approvals.errors import ConflictError, IntegrityError, NotFoundError
from countersign.approvals.models import JsonObject, LedgerEntry, Request
from countersign.approvals.rules.proposals import call_of, call_text
from countersign.approvals.store import checkpoints, codec, policy_versions, requests, tree
from countersign.approvals.store.schema import ledger

SHAPING = ("proposed", "revised", "asked_again")
"""Kinds of entries that say the call."""


class NotSealedError(ConflictError):
    """What a receipt would say is in no signed checkpoint yet."""


def receipt(
    connection: Connection, request_id: str, private: Sequence[PrivateRule] = ()
) -> JsonObject:
    """The receipt of a request, up to the newest signed checkpoint, without bodies that `private`
    covers or that were erased.

    Raises NotFoundError; NotSealedError; IntegrityError if what is stored does not fit together.
    """
    request = requests.get(connection, request_id)
    note, size, position, last = _covered(connection, request)
    first = max(request.ledger_seq, 1)
    entries = _entries(connection, request.session_id, first, last)
    privacy = Privacy(private)
    rules = {e.seq: those for e in entries if (those := privacy.rules_of(e))}
    links = [link_of(e, rules.get(e.seq, ()), shown=_is_about(e, request)) for e in entries]
    signed = call_text(call_of(request, request.arguments), request.policy_version).decode()
    whole = sha256_hex(signed.encode()) == request.digest
    if not whole and not any(e.erased for e in entries):
        raise IntegrityError(f"The digest of request {request_id} is not that of its call.")
    policy = _policy(connection, request.policy_version)
    shapes = [e for e in entries if e.kind in SHAPING and (e.erased or _is_about(e, request))]
    if not whole or any(e.erased or e.seq in rules for e in shapes):
        signed = policy = ""
    read = [(h := loads(each["text"]), _body(h, each)) for each in links]
    path = tree.StoredTree(connection).inclusion(position, size)
    return {
        "format": FORMAT,
        "summary": summary(signed, read, policy),
        "signed": signed,
        "policy": policy,
        "entries": links,
        "proof": {"position": position, "path": [each.hex() for each in path]},
        "checkpoint": note,
        "handovers": [each.handover for each in checkpoints.keys(connection) if each.handover],
    }


def _covered(connection: Connection, request: Request) -> tuple[str, int, int, int]:
    """A signed checkpoint and its size, the place of the session's leaf in it, and the number of
    the entry up to which that goes: one that others have cosigned or stamped if what became of the
    request is in it, else the newest. Raises NotSealedError."""
    needed = _last_about(connection, request)
    for find in (checkpoints.newest_notarised, checkpoints.newest):
        note = find(connection)
        if note is None:
            continue
        size = Checkpoint.parse(opened_unchecked(note)).size
        found = tree.newest_place(connection, request.session_id, size)
        if found is not None and found[1][0] >= needed:
            return note, size, found[0], found[1][0]
    raise NotSealedError(
        f"What became of request {request.id} is in no signed checkpoint yet. Servers seal "
        "every few seconds; they sign where `ledger` in the configuration names a key."
    )


def _policy(connection: Connection, version: str) -> str:
    """Its text; "" where it ruled before texts were kept."""
    try:
        return policy_versions.text(connection, version)
    except NotFoundError:
        return ""


def shows_other_requests(made: JsonObject) -> bool:
    """Whether a receipt has bodies that are not about its request: entries of before there were
    commitments cannot do without."""
    about = made["summary"]["request"]
    bodies = [loads(each["text"]).get("body", {}) for each in made["entries"]]
    return any(body and body.get("request") != about for body in bodies)


def _last_about(connection: Connection, request: Request) -> int:
    """The number of the last entry about a request."""
    entries = _entries(connection, request.session_id, max(request.ledger_seq, 1), None)
    return max((e.seq for e in entries if _is_about(e, request)), default=0)


def _entries(
    connection: Connection, session_id: str, first: int, last: int | None
) -> list[LedgerEntry]:
    query = select(ledger).where(ledger.c.session_id == session_id, ledger.c.seq >= first)
    if last is not None:
        query = query.where(ledger.c.seq <= last)
    return list(_read(session_id, connection.execute(query.order_by(ledger.c.seq))))


def _read(session_id: str, rows: Iterable[Row[tuple[object, ...]]]) -> Iterable[LedgerEntry]:
    for row in rows:
        try:
            yield codec.ledger_entry(row)
        except ValueError as exc:
            raise IntegrityError(
                f"The ledger of session {session_id} was changed and cannot be read: {exc}"
            ) from exc


def _is_about(entry: LedgerEntry, request: Request) -> bool:
    return entry.body.get("request") == request.id


def link_of(entry: LedgerEntry, private: Sequence[PrivateRule] = (), *, shown: bool) -> JsonObject:
    """An entry as receipts and bundles have it, with its body if that is `shown`, and without what
    these rules call private; those of before there were commitments have it always."""
    if not entry.commitment:
        return {"text": older_text(entry)}
    left_out = withheld(entry, private)
    if entry.erased or not shown or left_out is None:
        return {"text": header_of(entry)}
    text = covered_text(entry.body, entry.fields)
    link: JsonObject = {"text": header_of(entry), "body": text, "salt": entry.salt}
    if fields := disclosed(entry, left_out):
        link["disclosed"] = fields
    return link


def _body(header: JsonObject, link: JsonObject) -> JsonObject:
    body: JsonObject = loads(link["body"]) if "body" in link else header.get("body", {})
    return body
