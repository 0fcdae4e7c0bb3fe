"""Receipts: what became of one request, in one file that anybody can check without us.

A receipt carries the texts that hashes were made of, so that whoever checks it needs SHA-256,
Ed25519 and a JSON reader, and no rules about how JSON is written. What is there to be read
(`summary`) has to follow from these texts. docs/receipts.md describes the format for others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from countersign.approvals.audit.fields import COMMITMENTS
from countersign.approvals.audit.handover import Reign, reigns, signed_checkpoint
from countersign.approvals.audit.ledger import commitment
from countersign.approvals.audit.merkle import root_of_path
from countersign.approvals.audit.notes import Checkpoint, NoteError, VerifierKey
from countersign.approvals.audit.seals import leaf_of
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import JsonObject

FORMAT = "countersign-receipt/v1"
CALL_TYPE = "countersign_tool_call"
"""`type` of the authorization details (RFC 9396) that describe the call."""
ENDS = ("executed", "failed", "late_result", "not_executed", "in_doubt", "doubt_settled")
"""Kinds of entries that say what came of a call."""
POLICY_DIGITS = 16
"""Hex digits of a policy's SHA-256 that are its version."""


class ReceiptFormatError(InvalidError):
    """It is no receipt, or one of another version."""


class ReceiptError(InvalidError):
    """It is a receipt, and it is not true; the text says what does not fit."""


class UntrustedError(InvalidError):
    """It is not signed by a key that is trusted."""


def parse(text: str, *formats: str) -> JsonObject:
    """The receipt in a file, or what else of these formats is in it. Raises ReceiptFormatError."""
    try:
        found = json.loads(text, parse_int=_number, parse_constant=_refuse)
    except (ValueError, RecursionError) as exc:
        raise ReceiptFormatError(f"It is not JSON: {exc}.") from exc
    if not isinstance(found, dict) or not isinstance(found.get("format"), str):
        raise ReceiptFormatError("It is JSON, but no receipt: it has no member `format`.")
    readable = formats or (FORMAT,)
    if found["format"] not in readable:
        raise ReceiptFormatError(
            f"It is of the format {found['format'][:80]!r}; this version reads "
            f"{' and '.join(readable)}."
        )
    return found


def verify(receipt: JsonObject, trusted: Sequence[VerifierKey]) -> JsonObject:
    """What a receipt says, after all of it was checked.

    Raises ReceiptFormatError, UntrustedError, or ReceiptError: with what does not fit.
    """
    try:
        known = known_keys(receipt, trusted)
        entries, end = chain(receipt["entries"])
        anchor(receipt["checkpoint"], receipt, end, known)
        told = summary(receipt["signed"], entries, receipt["policy"])
    except (KeyError, TypeError, AttributeError, IndexError) as exc:
        raise ReceiptFormatError(f"A member is missing or of the wrong kind: {exc}.") from exc
    except ValueError as exc:
        raise ReceiptFormatError(f"A text in it cannot be read: {exc}.") from exc
    except RecursionError as exc:
        raise ReceiptFormatError("It is nested too deeply.") from exc
    if receipt.get("summary") != told:
        names = [n for n in told if (receipt.get("summary") or {}).get(n) != told[n]]
        where = ", ".join(names) or "a member that should not be there"
        raise ReceiptError(f"Its summary is not what its entries say: {where}.")
    return told


def known_keys(receipt: JsonObject, trusted: Sequence[VerifierKey]) -> list[Reign]:
    """The trusted keys, and those that they named in its hand-overs. Raises ReceiptError."""
    try:
        return reigns(trusted, receipt["handovers"])
    except NoteError as exc:
        raise ReceiptError(f"A hand-over in it is wrong: {exc}") from exc


def chain(links: Iterable[JsonObject]) -> tuple[list[tuple[JsonObject, JsonObject]], str]:
    """Header and body of each entry ({} of one that is not shown), and the hash of the last.
    Raises ReceiptError."""
    found: list[tuple[JsonObject, JsonObject]] = []
    before = ""
    for link in links:
        header = loads(link["text"])
        seq = header["seq"]
        if found and (header["prev_hash"], seq) != (before, found[-1][0]["seq"] + 1):
            raise ReceiptError(f"Entry {seq:.0f} does not follow the one before it.")
        if found and header["session"] != found[0][0]["session"]:
            raise ReceiptError(f"Entry {seq:.0f} is of another session.")
        body = header.get("body", {})
        if "body" in link:
            if commitment(link["salt"], link["body"]) != header["commitment"]:
                raise ReceiptError(f"Entry {seq:.0f} has another body than was written.")
            body = loads(link["body"])
            for name, of in link.get("disclosed", {}).items():
                if body.get(COMMITMENTS, {}).get(name) != commitment(of["salt"], of["value"]):
                    raise ReceiptError(f"Entry {seq} shows another {name} than was written.")
        found.append((header, body))
        before = sha256(link["text"].encode()).hexdigest()
    return found, before


def anchor(note: str, part: JsonObject, end: str, known: Sequence[Reign]) -> None:
    """Require that the last of the entries of `part`, whose hash is `end`, is in the tree of a
    signed checkpoint by its proof. Raises UntrustedError or ReceiptError."""
    last = loads(part["entries"][-1]["text"])
    in_tree(signed(note, known), part["proof"], last["session"], int(last["seq"]), end)


def signed(note: str, known: Sequence[Reign]) -> Checkpoint:
    """What a note says that one of these keys has signed. Raises UntrustedError."""
    try:
        return signed_checkpoint(note, known)
    except NoteError as exc:
        raise UntrustedError(str(exc)) from exc


def in_tree(checkpoint: Checkpoint, proof: JsonObject, session: str, seq: int, end: str) -> None:
    """Require that it is proven to be in the tree that a chain stood at `seq`, with the hash `end`.
    Raises ReceiptError."""
    leaf = leaf_of(session, seq, end)
    path = [bytes.fromhex(each) for each in proof["path"]]
    position = proof["position"]
    if type(position) is not int:
        raise ReceiptFormatError("The position in it is no whole number.")
    root = root_of_path(leaf, position, checkpoint.size, path)
    if root != checkpoint.root:
        raise ReceiptError("Its entries are not in the tree that the checkpoint signs.")


def summary(
    signed: str, entries: Sequence[tuple[JsonObject, JsonObject]], policy: str
) -> JsonObject:
    """What the texts say of the request, to be read. Without `signed` the call is not shown, and
    what is said of it is left out. Raises ReceiptError."""
    if signed == "":
        return _without_call(entries)
    digest, call = sha256(signed.encode()).hexdigest(), loads(signed)
    version, rules = call["policy_version"], loads(policy) if policy else {}
    if policy and sha256(policy.encode()).hexdigest()[:POLICY_DIGITS] != version:
        raise ReceiptError("The policy in it is not the one that its version names.")
    proposed = next((b for h, b in entries if h["kind"] == "proposed" and _of_call(b, call)), None)
    if proposed is None or call["session"] != entries[0][0]["session"]:
        raise ReceiptError("There is no proposal of this call in it.")
    history = [view(h, b) for h, b in entries if b.get("request") == proposed["request"]]
    shaped = [e for e in history if e["entry"] == "proposed" or "replaces" in e]
    if shaped[-1]["digest"] != digest:
        raise ReceiptError("The call in it is not the one that was asked for last.")
    on_it = [e for e in history if e.get("digest") == digest]
    bodies = [b for _, b in entries if b.get("request") == proposed["request"]]
    rows = [r["set"] for b in bodies for r in b.get("rows", []) if r["table"] == "requests"]
    rule = [proposed["rule"], *(r["rule_id"] for r in rows if "rule_id" in r)][-1]
    return {
        "request": proposed["request"],
        "session": call["session"],
        "requested_by": next((r["requester"] for r in rows if "requester" in r), None),
        "authorization_details": [
            {
                "type": CALL_TYPE,
                "actions": [call["tool"]],
                "identifier": call["call_id"],
                "arguments": call["arguments"],
            }
        ],
        "digest": digest,
        "policy_version": version,
        "rule": {"id": rule, "text": _rule(rules, rule)},
        **_became(history, on_it),
        "withheld": [view(h, b) for h, b in entries if not b],
    }


def _without_call(entries: Sequence[tuple[JsonObject, JsonObject]]) -> JsonObject:
    """The summary of a receipt whose call is private or was erased: what else became of it."""
    about = next((b["request"] for _, b in entries if "request" in b), None)
    if about is None:
        raise ReceiptError("It shows nothing of any request.")
    history = [view(h, b) for h, b in entries if b.get("request") == about]
    digest = [e["digest"] for e in history if "digest" in e][-1:]
    on_it = [e for e in history if [e.get("digest")] == digest]
    return {
        "request": about,
        "session": entries[0][0]["session"],
        "requested_by": None,
        "authorization_details": [],
        "digest": digest[0] if digest else None,
        "policy_version": None,
        "rule": None,
        **_became(history, on_it),
        "withheld": [view(h, b) for h, b in entries if not b],
    }


def _became(history: list[JsonObject], on_it: list[JsonObject]) -> JsonObject:
    """What was shown, voted, decided and done; `on_it` is the history of this digest."""
    return {
        "shown": [e for e in history if e["entry"] == "delivered"],
        "votes": [e for e in on_it if e["entry"] == "voted"],
        "decision": next((e for e in reversed(on_it) if e["entry"] == "decided"), None),
        "execution": next((e for e in reversed(history) if e["entry"] in ENDS), None),
        "history": history,
    }


def _of_call(body: JsonObject, call: JsonObject) -> bool:
    return bool(body) and (body["call_id"], body["tool"]) == (call["call_id"], call["tool"])


def view(header: JsonObject, body: JsonObject) -> JsonObject:
    """An entry, to be read."""
    said = {name: value for name, value in body.items() if name not in ("request", "rows")}
    return {**said, "entry": header["kind"], "entry_at": header["at"]}


def _rule(rules: JsonObject, rule_id: str) -> Any:
    """The text of a rule; None where it is none of the policy's own."""
    named = {f"tools.{tool}": rule for tool, rule in rules.get("tools", {}).items()}
    named |= {rule["id"]: rule for rule in rules.get("rules", [])}
    return named.get(rule_id)


def loads(text: str) -> Any:
    """JSON with numbers as other tools have them: doubles."""
    return json.loads(text, parse_int=_number, parse_constant=_refuse)


def _number(text: str) -> int | float:
    """An integer as it is where a double holds it, else the double next to it."""
    if len(text) < 16:
        return int(text)
    return float(text)


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")
