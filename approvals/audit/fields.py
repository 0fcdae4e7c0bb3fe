"""Fields of a body that are committed to by hashes of their own, so that each can be left out.

A pointer (RFC 6901) names the member of an object. What the commitment of an entry covers is its
body without these members, and with `commitments`: for each pointer the SHA-256 of a salt of its
own and the RFC 8785 text of the value. So the rest of a body can be shown and checked without
them, and a value with its salt can be shown beside it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.audit.commitments import as_doubles, commitment
from countersign.approvals.audit.private import (
    BY_ARGUMENTS,
    CALL,
    EVERY,
    SALT,
    TRANSCRIPT,
    PrivateRule,
)
from countersign.approvals.models import JsonObject, LedgerEntry

COMMITMENTS = "commitments"
"""The member of a body that holds them; no body of ours has another one of this name."""
ROWS = "rows"


def private_in(body: JsonObject, rules: Sequence[PrivateRule]) -> list[str]:
    """Pointers to what these rules call private, whatever tool it is of; none lies in another."""
    found = {pointer for rule in rules for pointer in _private(body, rule)}
    return sorted(p for p in found if not any(p.startswith(f"{other}/") for other in found))


def _private(body: JsonObject, rule: PrivateRule) -> Iterator[str]:
    for name, value in body.items():
        if name == ROWS:
            for number, row in enumerate(value):
                yield from (
                    f"/{ROWS}/{number}/set/{_escaped(column)}"
                    for column, said in row["set"].items()
                    if rule.says(column, said)
                )
        elif rule.says(name, value):
            if name in BY_ARGUMENTS and isinstance(value, Mapping):
                yield from (
                    found
                    for path in rule.arguments
                    if (found := _at(f"/{_escaped(name)}", value, path)) is not None
                )
            else:
                yield f"/{_escaped(name)}"


def _at(pointer: str, value: Mapping[str, Any], path: str) -> str | None:
    """The pointer to what is at a path, as far as there are objects; None if nothing is there."""
    if path == EVERY:
        return pointer
    name, _, rest = path.partition(".")
    if name not in value:
        return None
    inner = value[name]
    deeper = f"{pointer}/{_escaped(name)}"
    return _at(deeper, inner, rest) if rest and isinstance(inner, Mapping) else deeper


def taken_out(body: JsonObject, pointers: Collection[str]) -> tuple[JsonObject, dict[str, Any]]:
    """A body without the members at these pointers, and these. Raises ValueError if one of them is
    not there."""
    rest: JsonObject = json.loads(json.dumps(body))
    try:
        return rest, {pointer: _parent(rest, pointer).pop(_last(pointer)) for pointer in pointers}
    except (KeyError, IndexError, TypeError, AttributeError) as exc:
        raise ValueError(f"a field is not there: {exc!r}") from exc


def covered(body: JsonObject, salts: Mapping[str, str]) -> JsonObject:
    """What the commitment of an entry covers, by its whole body and the salts of its fields.
    Raises ValueError."""
    rest, values = taken_out(body, salts)
    found = {p: commitment(salts[p], _text(value)) for p, value in values.items()}
    return {**rest, COMMITMENTS: found}


def covered_text(body: JsonObject, salts: Mapping[str, str]) -> str:
    """`covered` as its RFC 8785 text; the body's own where it has no such fields."""
    return _text(covered(body, salts) if salts else body)


def disclosed(entry: LedgerEntry, withheld: Collection[str]) -> JsonObject:
    """By pointer, salt and text of the fields that are not `withheld`."""
    _, values = taken_out(entry.body, entry.fields)
    return {
        pointer: {"salt": entry.fields[pointer], "value": _text(value)}
        for pointer, value in values.items()
        if pointer not in withheld
    }


def whole(body: JsonObject, fields: Mapping[str, Mapping[str, str]]) -> JsonObject:
    """A covered body with the disclosed fields in their places again; those that are withheld stay
    commitments. Raises ValueError for a field that is not the one that was committed to."""
    found: JsonObject = json.loads(json.dumps(body))
    left = found.pop(COMMITMENTS, {})
    for pointer in fields:
        given = fields[pointer]
        if left.pop(pointer, None) != commitment(given["salt"], given["value"]):
            raise ValueError(f"{pointer} is not what was committed to")
        _parent(found, pointer)[_last(pointer)] = json.loads(given["value"])
    return {**found, COMMITMENTS: left} if left else found


def withheld(entry: LedgerEntry, rules: Sequence[PrivateRule]) -> frozenset[str] | None:
    """Which fields of an entry are left out by these rules; None if that takes the whole body: it
    was not committed to field by field."""
    found = set()
    for pointer in private_in(entry.body, rules):
        over = next((f for f in entry.fields if pointer == f or pointer.startswith(f"{f}/")), None)
        if over is not None:
            found.add(over)
        elif not _is_known_anyway(entry.body, pointer):
            return None
    return frozenset(found)


def _is_known_anyway(body: JsonObject, pointer: str) -> bool:
    """Hashes of older releases, and those of before there was a rule. Leaving out a body for them
    takes what it says from people, and no guess from anybody: that of a call without a salt can be
    made by its digest, that of a chat only by who knows all of it."""
    name = _last(pointer)
    if name != CALL:
        return name == TRANSCRIPT
    row = _parent(body, pointer)
    return SALT not in row and "execution_token" in row  # as older releases have asked


def redacted(entry: LedgerEntry, rules: Sequence[PrivateRule]) -> LedgerEntry:
    """An entry without what these rules call private, and without the salts by which it could be
    guessed: fields where they were committed to on their own, else the body."""
    if not rules:
        return entry
    body: JsonObject = {"redacted": rules[0].id}
    if left_out := withheld(entry, rules):
        rest, _ = taken_out(entry.body, left_out)
        body = {**rest, **body, "withheld": sorted(left_out)}
    return entry.model_copy(update={"body": body, "salt": "", "fields": {}})


def _text(value: Any) -> str:
    return canonical_json(as_doubles(value)).decode()


def _parent(body: Any, pointer: str) -> Any:
    """The object that has the member."""
    for name in map(_unescaped, pointer.split("/")[1:-1]):
        body = body[int(name)] if isinstance(body, list) else body[name]
    return body


def _last(pointer: str) -> str:
    return _unescaped(pointer.rpartition("/")[2])


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _unescaped(name: str) -> str:
    return name.replace("~1", "/").replace("~0", "~")
