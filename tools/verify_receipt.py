#!/usr/bin/env python3
"""Checks a Countersign receipt without Countersign: verify_receipt.py RECEIPT PUBLIC_KEY

PUBLIC_KEY is as `countersign ledger keys` prints it. Prints what the receipt says. Exit status:
0: true; 1: not; 3: unreadable; 4: not signed with the key or one that it named.
"""

# fmt: off
import base64, hashlib, json, sys  # noqa: E401
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HANDOVER = "countersign-hand-over/v1"
ENDS = ("executed", "failed", "late_result", "not_executed", "in_doubt", "doubt_settled")

def need(true, why, status=1):
    if not true: raise SystemExit(f"{status} {why}")  # noqa: E701
def sha(data):
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).digest()
def loads(text):
    return json.loads(text, parse_int=lambda n: int(n) if len(n) < 16 else float(n),
                      parse_constant=lambda name: float("no " + name))
def key_of(text):
    name, key_id, encoded = text.strip().split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    fits = len(raw) == 33 and raw[0] == 1 and sha(name.encode() + b"\n" + raw)[:4].hex() == key_id
    return need(fits, f"{text[:60]} is no Ed25519 key with its id", 4) or (name, raw[1:])

def opened(note, keys):
    """The text of a signed note, and which of the keys has signed it."""
    text, _, lines = note.rpartition("\n\n")
    text, found = text + "\n", []
    for line in lines.removesuffix("\n").split("\n"):
        _, name, encoded = line.split(" ")
        raw = base64.b64decode(encoded, validate=True)
        for key in keys:
            if (name, raw[:4]) == (key[0], sha(name.encode() + b"\n\x01" + key[1])[:4]):
                try:
                    Ed25519PublicKey.from_public_bytes(key[1]).verify(raw[4:], text.encode())
                except InvalidSignature:
                    need(False, f"the signature by {name} is wrong", 4)
                found.append(key)
    need(found, "not signed with the key that is trusted, nor with one that it named", 4)
    return text, found

def checkpoint(receipt, trusted):
    """Size and root of the tree that the trusted key, or one that it named, has signed."""
    until = {trusted: float("inf")}
    for note in receipt["handovers"]:
        _, old, new, size, *_ = note.split("\n")
        if key_of(old) in until:
            text, _ = opened(note, [key_of(old)])
            need(text == f"{HANDOVER}\n{old}\n{new}\n{int(size)}\n", "a hand-over is wrong")
            until[key_of(old)] = min(until[key_of(old)], int(size))
            until.setdefault(key_of(new), float("inf"))
    text, keys = opened(receipt["checkpoint"], list(until))
    _, size, root, *_ = text.split("\n")
    need(all(int(size) <= until[key] for key in keys), "signed with a retired key", 4)
    return int(size), base64.b64decode(root, validate=True)

def chain(links):
    """Header and body of each entry, and the hash of the last."""
    found, end = [], None
    for link in links:
        header = loads(link["text"])
        follows = (header["session"], header["seq"], header["prev_hash"])
        expected = found and (found[-1][0]["session"], found[-1][0]["seq"] + 1, end)
        need(not found or follows == expected, f"entry {header['seq']} does not follow")
        committed = sha(bytes.fromhex(link.get("salt", "")) + link.get("body", "").encode()).hex()
        need("body" not in link or committed == header["commitment"], "a body was changed")
        body = loads(link["body"]) if "body" in link else header.get("body", {})
        for name, of in link.get("disclosed", {}).items():
            own = sha(bytes.fromhex(of["salt"]) + of["value"].encode()).hex()
            need(body.get("commitments", {}).get(name) == own, "a field was changed")
        found.append((header, body))
        end = sha(link["text"]).hex()
    return found, end

def root_of(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    last = size - 1
    need(0 <= index <= last, "not in the tree")
    for sibling in map(bytes.fromhex, path):
        need(last, "the path is too long")
        left = index & 1 or index == last
        leaf = sha(b"\x01" + sibling + leaf if left else b"\x01" + leaf + sibling)
        while left and index and not index & 1:
            index, last = index >> 1, last >> 1
        index, last = index >> 1, last >> 1
    return leaf if last == 0 else None

def summary(signed, entries, policy):
    """What the texts say; see docs/receipts.md."""
    digest, call, rules = sha(signed).hex(), loads(signed or "{}"), loads(policy or "{}")
    need(not signed or not policy or sha(policy).hex()[:16] == call["policy_version"], "policy")
    said = [({k: v for k, v in b.items() if k not in ("request", "rows")}
             | {"entry": h["kind"], "entry_at": h["at"]}, b) for h, b in entries]
    wanted = signed and (call["call_id"], call["tool"], "proposed")
    asked = (b for e, b in said if (b.get("call_id"), b.get("tool"), e["entry"]) == wanted
             or (not call and "request" in b))
    first, session = next(asked, None), entries[0][0]["session"]
    need(first and session == call.get("session", session), "the call is not proposed in it")
    about = [(e, b) for e, b in said if b.get("request") == first["request"]]
    history = [e for e, _ in about]
    last = [e for e in history if e["entry"] == "proposed" or "replaces" in e][-1:]
    need(not signed or last[0]["digest"] == digest, "not the call that was asked for last")
    digest = digest if signed else ([e["digest"] for e in history if "digest" in e] or [None])[-1]
    rows = [r["set"] for _, b in about for r in b.get("rows", []) if r["table"] == "requests"]
    rule = signed and [first["rule"], *(r["rule_id"] for r in rows if "rule_id" in r)][-1]
    texts = {f"tools.{tool}": text for tool, text in rules.get("tools", {}).items()}
    texts |= {text["id"]: text for text in rules.get("rules", [])}
    on_it = [e for e in history if e.get("digest") == digest]
    details = [{"type": "countersign_tool_call", "actions": [call["tool"]],
                "identifier": call["call_id"], "arguments": call["arguments"]}] if signed else []
    return {
        "request": first["request"], "session": session, "digest": digest,
        "requested_by": next((r["requester"] for r in rows if signed and "requester" in r), None),
        "policy_version": call.get("policy_version"), "authorization_details": details,
        "rule": {"id": rule, "text": texts.get(rule)} if signed else None,
        "shown": [e for e in history if e["entry"] == "delivered"],
        "votes": [e for e in on_it if e["entry"] == "voted"],
        "decision": next((e for e in on_it[::-1] if e["entry"] == "decided"), None),
        "execution": next((e for e in history[::-1] if e["entry"] in ENDS), None),
        "history": history, "withheld": [e for e, b in said if not b],
    }

def verify(text, trusted):
    """What a receipt says. Raises SystemExit: the exit status, and what is wrong."""
    try:
        receipt = loads(text)
        need(receipt["format"] == "countersign-receipt/v1", "not a receipt of this format", 3)
        size, root = checkpoint(receipt, key_of(trusted))
        entries, end = chain(receipt["entries"])
        last = {"hash": end} | {name: entries[-1][0][name] for name in ("seq", "session")}
        leaf = json.dumps(last, separators=(",", ":"), ensure_ascii=False)
        position, path = receipt["proof"]["position"], receipt["proof"]["path"]
        need(root_of(sha("\0" + leaf), position, size, path) == root, "not in the signed tree")
        told = summary(receipt["signed"], entries, receipt["policy"])
        need(told == receipt["summary"], "its summary is not what its entries say")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as exc:
        raise SystemExit(f"3 it cannot be read: {exc!r}") from exc
    return told
if __name__ == "__main__":
    try:
        need(len(sys.argv) == 3, __doc__, 2)
        with open(sys.argv[1], encoding="utf-8") as file:
            print(json.dumps(verify(file.read(2**26), sys.argv[2]), indent=2))
    except (OSError, UnicodeError, SystemExit) as exc:
        code, why = str(exc).split(" ", 1) if isinstance(exc, SystemExit) else (3, exc)
        sys.exit(print(f"NOT verified: {why}", file=sys.stderr) or int(code))
