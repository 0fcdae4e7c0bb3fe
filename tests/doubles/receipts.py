"""Receipts that are made up, true ones and changed ones, and what each verifier says of them."""

from __future__ import annotations

import json
import random
import runpy
from pathlib import Path
from typing import Any

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.audit.fields import covered_text, taken_out
from countersign.approvals.audit.handover import hand_over
from countersign.approvals.audit.ledger import GENESIS, commitment, header
from countersign.approvals.audit.merkle import WIDTH, inclusion, leaf_hash, node_hash, root
from countersign.approvals.audit.notes import Checkpoint, SigningKey, VerifierKey
from countersign.approvals.audit.receipts import (
    FORMAT,
    ReceiptError,
    ReceiptFormatError,
    UntrustedError,
    loads,
    parse,
    summary,
    verify,
)
from countersign.approvals.audit.seals import leaf_of
from countersign.approvals.models import JsonObject

KEY = SigningKey("gate.example/ledger", bytes(32))
NEXT = SigningKey("gate.example/ledger", bytes([1]) * 32)
SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "verify_receipt.py"))
NOISE = 'abcdefABCDEF0189{}[]":,\\+=é\u2028😀 '
VALUES: tuple[Any, ...] = (
    0, -1, 2**53 - 1, 0.1, 1e20, 1e300, 5e-324, -0.0, 1.5, True, None, "", "é😀\u2028\x7f\\\"\n",
    [], {}, [1, [2]], {"a": {"b": None}}, "2026-01-01", "1e5",
)  # fmt: skip
AT = "2026-03-02T09:00:00.250000+00:00"


def by_script(text: str, key: VerifierKey = KEY.verifier) -> Any:
    """What the small verifier says: a summary, or its exit status."""
    try:
        return SCRIPT["verify"](text, str(key))
    except SystemExit as exc:
        return int(str(exc).split(" ", 1)[0])


def by_product(text: str, key: VerifierKey = KEY.verifier) -> Any:
    """The same of the product's."""
    try:
        return verify(parse(text), [key])
    except ReceiptFormatError:
        return 3
    except UntrustedError:
        return 4
    except ReceiptError:
        return 1


def made_up(chance: random.Random) -> JsonObject:
    """A true receipt of nothing that ever happened."""
    arguments = {f"a{n}": chance.choice(VALUES) for n in range(chance.randrange(6))}
    policy = canonical_json({"tools": {"pay": {"roles": ["manager"]}}, "rules": [{"id": "r"}]})
    version = sha256_hex(policy)[:16] if (kept := chance.random() < 0.8) else "0" * 16
    call = {"arguments": arguments, "call_id": "c", "policy_version": version}
    signed = canonical_json({**call, "session": "S-1", "tool": "pay"})
    on = {"request": "R-1", "digest": sha256_hex(signed), "revision": 1}
    rule = chance.choice(("tools.pay", "r", "none"))
    rows = [{"table": "requests", "key": ["R-1"], "set": {"requester": "anna", "rule_id": rule}}]
    proposed = {**on, "call_id": "c", "tool": "pay", "rule": rule, "arguments": arguments}
    bodies: list[tuple[str, JsonObject]] = [("proposed", {**proposed, "rows": rows})]
    for kind in ("delivered", "voted", "decided", "claimed", "executed"):
        if chance.random() < 0.8:
            bodies.append((kind, {**on, "by": "ben", "x": chance.choice(VALUES)}))
        if chance.random() < 0.3:
            bodies.append(("voted", {"request": "R-2", "comment": "secret"}))
    links, seq, before = [], chance.randrange(1, 9), GENESIS
    for kind, body in bodies:
        salts = {f"/{name}": chance.randbytes(16).hex() for name in ("x", "arguments")
                 if name in body and chance.random() < 0.3}  # fmt: skip
        salt, text = chance.randbytes(16).hex(), covered_text(body, salts)
        head = header("S-1", seq, AT, kind, commitment(salt, text), before)
        shown: JsonObject = {"body": text, "salt": salt} if body["request"] == "R-1" else {}
        if shown and salts:
            _, values = taken_out(body, salts)
            shown["disclosed"] = {
                name: {"salt": salts[name], "value": canonical_json(value).decode()}
                for name, value in values.items()
                if chance.random() < 0.7
            }
        links.append({"text": head, **shown})
        seq, before = seq + 1, sha256_hex(head.encode())
    proof, note, handovers = _anchored(chance, leaf_of("S-1", seq - 1, before))
    texts = signed.decode(), policy.decode() if kept else ""
    if len([e for e in links if "body" in e]) > 1 and chance.random() < 0.25:
        links[0], texts = {"text": links[0]["text"]}, ("", "")  # the call is private
    read = [(loads(e["text"]), loads(e.get("body", "{}"))) for e in links]
    return {
        "format": FORMAT,
        "summary": summary(texts[0], read, texts[1]),
        "signed": texts[0],
        "policy": texts[1],
        "entries": links,
        "proof": proof,
        "checkpoint": note,
        "handovers": handovers,
    }


def _anchored(chance: random.Random, leaf: bytes) -> tuple[JsonObject, str, list[str]]:
    size = chance.randrange(1, 40)
    position = chance.randrange(size)
    leaves = [leaf_hash(bytes([n])) for n in range(size)]
    leaves[position] = leaf

    def complete(level: int, number: int) -> bytes:
        found = leaves[number * WIDTH**level : (number + 1) * WIDTH**level]
        while len(found) > 1:
            found = list(map(node_hash, found[::2], found[1::2]))
        return found[0]

    path = [each.hex() for each in inclusion(complete, position, size)]
    checkpoint = Checkpoint(KEY.name, size, root(complete, size)).text
    follows = chance.random() < 0.3
    handovers = [hand_over(KEY, NEXT.verifier, chance.randrange(size))] if follows else []
    signer = NEXT if follows else KEY
    return {"position": position, "path": path}, signer.sign(checkpoint), handovers


def changed(chance: random.Random, made: JsonObject) -> str:
    """The text of a receipt after somebody has changed a little of it, or nothing."""
    text = json.dumps(made, ensure_ascii=chance.random() < 0.5)
    for _ in range(chance.choice((0, 1, 1, 1, 2))):
        at, kind = chance.randrange(len(text)), chance.randrange(4)
        if kind == 0:
            text = text[:at] + chance.choice(NOISE) + text[at + 1 :]
        elif kind == 1:
            text = text[:at] + text[at + chance.randrange(1, 4) :]
        elif kind == 2:
            text = text.replace(text[at : at + 5], chance.choice(NOISE) * 5)
        else:
            value = json.loads(text) if _is_object(text) else {}
            if value.get("entries"):
                chance.shuffle(value["entries"])
                text = json.dumps(value)
    return text


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
