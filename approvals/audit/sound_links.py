"""Says quickly that the entries of a chain, as bundles have them, are sound; of all else only that
one must look closer.

What is not exactly as this release writes it is left to `approvals.audit.receipts.chain`, which
names what is wrong. What this calls sound, that one finds sound as well, and with the same figures
(tests/approvals/audit/test_sound_links.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from pydantic_core import from_json

from countersign.approvals.audit.fields import COMMITMENTS
from countersign.approvals.audit.ledger import GENESIS
from countersign.approvals.models import JsonObject

_HEADER = re.compile(
    r'\{"at":"[0-9T:.+-]{32}","commitment":"([0-9a-f]{64})","kind":"[a-z_]{1,64}",'
    r'"prev_hash":"([0-9a-f]{64})","seq":([1-9][0-9]{0,14}),"session":"([0-9A-Za-z-]{1,64})","v":2\}',
    re.ASCII,
)
"""A header with nothing in it that JSON escapes."""
_ALONE, _WITH_BODY = frozenset({"text"}), frozenset({"text", "body", "salt"})
_WITH_FIELDS = _WITH_BODY | {"disclosed"}


class Sound(NamedTuple):
    """A whole chain that holds."""

    end: str
    """The hash of its last entry."""
    entries: int
    withheld: int
    """Entries whose bodies are not in it."""
    fields: int
    """Fields that are not in it, of bodies that are."""


def sound(session_id: str, links: Sequence[JsonObject]) -> Sound | None:
    """What a chain of this session has, from its first entry on; None: look closer."""
    try:
        return _sound(session_id, links)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _sound(session_id: str, links: Sequence[JsonObject]) -> Sound | None:
    before, number, withheld, fields = GENESIS, 0, 0, 0
    for link in links:
        number += 1
        text = link["text"]
        found = _HEADER.fullmatch(text)
        if found is None or found.group(2, 3, 4) != (before, str(number), session_id):
            return None
        names = link.keys()
        if names == _ALONE:
            withheld += 1
        elif names == _WITH_BODY or names == _WITH_FIELDS:
            body = _body(link, found.group(1))
            if body is None:
                return None
            withheld += not body
            if COMMITMENTS in body:
                left = _withheld(body[COMMITMENTS], link.get("disclosed", {}))
                if left is None:
                    return None
                fields += left
            elif link.get("disclosed"):
                return None
        else:
            return None
        before = sha256(text.encode()).hexdigest()
    return Sound(before, number, withheld, fields) if number else None


def _body(link: JsonObject, committed: str) -> JsonObject | None:
    """The body of an entry, if it is the one that was committed to and as we write it."""
    text = link["body"]
    if sha256(bytes.fromhex(link["salt"]) + text.encode()).hexdigest() != committed:
        return None
    body: Any = from_json(text, allow_inf_nan=False, cache_strings="keys")
    return body if type(body) is dict else None


def _withheld(committed: Any, disclosed: Mapping[str, JsonObject]) -> int | None:
    """How many fields are not shown, if those that are shown are what was committed to."""
    if type(committed) is not dict:
        return None
    for name, of in disclosed.items():
        own = sha256(bytes.fromhex(of["salt"]) + of["value"].encode()).hexdigest()
        if committed.get(name) != own:
            return None
    return len(committed) - len(disclosed)
