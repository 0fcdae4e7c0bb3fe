"""Says quickly that a chain and its rows are sound; of all else only that one must look closer.

Nearly every session is sound, and checking that is most of what `ledger verify` does. So it is done
here on rows as the driver gives them: no values are built, and no body is written anew. Whatever is
not exactly as this release writes it (an older form, an erased body, anything wrong) is left to
`approvals.store.verifying`, which names it. So what is found wrong does not depend on this module;
what it calls sound, that one finds sound as well (tests/approvals/test_sound.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Table

from countersign.approvals.audit.ledger import GENESIS
from countersign.approvals.models import (
    JsonObject,
    LedgerEntry,
    RequestStatus,
    SessionId,
    SessionStatus,
)
from countersign.approvals.store import codec
from countersign.approvals.store.changes import GONE, NEVER_PLAIN, PLAIN_TEXT, ROWS
from countersign.approvals.store.comparing import WHILE_LIVE
from countersign.approvals.store.comparing_older import told_by_older
from countersign.approvals.store.schema import deliveries, requests, session_messages, sessions
from countersign.approvals.store.tables import OF_REQUESTS

Values = tuple[Any, ...]
Heard = tuple[str, str, JsonObject]
SHAPES = 1_000
"""Of one table that are remembered; of what we write there are some dozens."""
_LIVE = frozenset({SessionStatus.RUNNING, SessionStatus.WAITING})
_ENDED = frozenset(SessionStatus) - _LIVE
_HASHED = '"sha256:'
_MARK = f"{os.urandom(8).hex()}:"
"""Stands where an entry has the hash of a column instead of its text. Nobody knows it beforehand,
so no column holds it: one that holds the hash itself, and not the text, is not what was said."""
_MARKED = f'"{_MARK}'
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", re.ASCII)


@dataclass
class Shape:
    """Columns of which an entry tells together."""

    taken: Callable[[Values], Iterable[Any]]
    """Takes them out of a row, in the order in which they are told."""
    never_plain: frozenset[int]
    """Which of them are told by their hash, however short they are."""
    hashed: frozenset[int] = frozenset()
    """Which have been told by their hash so far."""


@dataclass(frozen=True)
class Columns:
    """Where the columns of a table are in a row that was read."""

    table: Table
    place: Mapping[str, int]
    key: tuple[int, ...]
    shapes: dict[tuple[str, ...], Shape] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Table) -> Columns:
        """In the order in which the table has them."""
        place = {column.name: n for n, column in enumerate(table.c)}
        key = tuple(place[column.name] for column in table.primary_key)
        return cls(table, place, key)

    def shape(self, names: tuple[str, ...]) -> Shape:
        """The columns of these names. Raises KeyError if there is none."""
        found = self.shapes.get(names)
        if found is None:
            places = [self.place[name] for name in names]
            # of one, `itemgetter` gives no tuple
            taken = itemgetter(*places) if len(places) > 1 else lambda row: [row[n] for n in places]
            never_plain = frozenset(n for n, name in enumerate(names) if name in NEVER_PLAIN)
            if len(self.shapes) == SHAPES:
                self.shapes.clear()
            found = self.shapes[names] = Shape(taken, never_plain)
        return found


OF = {
    table.name: Columns.of(table) for table in (sessions, requests, session_messages, *OF_REQUESTS)
}
"""By the names of the tables whose rows belong to sessions."""
_SESSIONS, _REQUESTS = OF[sessions.name], OF[requests.name]
_SESSION_ID, _SESSION_STATUS = _SESSIONS.place["id"], _SESSIONS.place["status"]
_SEQ, _HEAD = _SESSIONS.place["ledger_seq"], _SESSIONS.place["ledger_head"]
_CANARY = _REQUESTS.place["canary"]
_STATUS, _REQUESTER = _REQUESTS.place["status"], _REQUESTS.place["requester"]
Stored = Sequence[tuple[Columns, Values]]


def values(table: Table, row: Mapping[str, Any]) -> Values:
    """A row that was read elsewhere, in the order of its table. Raises KeyError for one that has
    other columns."""
    if len(row) != len(table.c):
        raise KeyError(table.name)
    return tuple([row[column.name] for column in table.c])


def end_of(session: Values) -> Values:
    """The id of a session, and where its row says that its chain ends: number and hash."""
    return session[_SESSION_ID], session[_SEQ], session[_HEAD]


class _LookCloserError(ValueError):
    """This is not how we write, or not any more."""


def is_sound(session: Values, entries: Iterable[Values], stored: Stored) -> bool:
    """Whether a chain, the row of its session with its head, and the other rows of the session are
    as they were written; each has all columns of its table. False: look closer."""
    try:
        bodies = list(_bodies(session, entries))
        expected = _expected(session[_SESSION_ID], bodies)
        owner = bodies[0][2].get("owner") if bodies else None
        return _goes_on(session, stored, owner) and _hold([(_SESSIONS, session), *stored], expected)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return False


def _bodies(session: Values, entries: Iterable[Values]) -> Iterator[Heard]:
    """Times, kinds and bodies of a chain that holds. Raises ValueError and others of another."""
    session_id = session[_SESSION_ID]
    end = f',"session":{encode_basestring(session_id)},"v":2}}'
    before, number, last_at = GENESIS, 0, ""
    for of, seq, at, kind, text, previous, own, salt, committed, fields in entries:
        number += 1
        if seq != number or previous != before or of != session_id or not salt:
            raise _LookCloserError
        if text[0] != "{" or text[-1] != "}":  # there is space around it, which we never write
            raise _LookCloserError
        if at != last_at:
            _require_time(at)
            last_at = at
        # All but the kind is without characters that JSON escapes: it has been compared.
        header = (
            f'{{"at":"{at}","commitment":"{committed}","kind":{encode_basestring(kind)},'
            f'"prev_hash":"{before}","seq":{number}{end}'
        )
        if sha256(header.encode()).hexdigest() != own:
            raise _LookCloserError
        if fields:
            opening = {"salt": salt, "commitment": committed, "fields": codec.salts(fields)}
            codec.body_of(seq, text, opening)
        elif sha256(bytes.fromhex(salt) + text.encode()).hexdigest() != committed:
            raise _LookCloserError
        before = own
        marked = text.replace(_HASHED, _MARKED)
        yield at, kind, from_json(marked, allow_inf_nan=False, cache_strings="keys")
    if (session[_SEQ], session[_HEAD]) != (number, before):
        raise _LookCloserError


def _require_time(at: str) -> None:
    if _AT.fullmatch(at) is None:
        raise _LookCloserError
    datetime.fromisoformat(at)


def _expected(session_id: SessionId, bodies: Iterable[Heard]) -> dict[Values, JsonObject]:
    """What the entries say of the rows, the newest last. Raises KeyError and others for what
    only older releases say."""
    expected: dict[Values, JsonObject] = {}
    for at, kind, body in bodies:
        said = body.get(ROWS)
        if said is None:
            said = told_by_older(_entry(session_id, at, kind, body))
        for row in said:
            key = (row["table"], *row["key"])
            if len(row) != 3:
                if row[GONE] is not True:
                    raise _LookCloserError
                expected.pop(key, None)
            elif key in expected:
                expected[key].update(row["set"])
            else:
                expected[key] = row["set"]
    return expected


def _entry(session_id: SessionId, at: str, kind: str, body: JsonObject) -> LedgerEntry:
    """What of an entry says something of the tables."""
    return LedgerEntry.model_construct(
        session_id=session_id,
        seq=0,
        at=datetime.fromisoformat(at),
        kind=kind,
        body=body,
        prev_hash="",
        hash="",
    )


def _goes_on(session: Values, stored: Stored, owner: Any) -> bool:
    """Whether all requests are the owner's, and a session that lives waits if one of them does."""
    waits = False
    for columns, row in stored:
        if columns is _REQUESTS:
            waits = waits or row[_STATUS] == RequestStatus.PENDING
            if owner is not None and row[_REQUESTER] != owner:
                return False
    expected = SessionStatus.WAITING if waits else SessionStatus.RUNNING
    return session[_SESSION_STATUS] in (expected, *_ENDED)


def _hold(stored: Stored, expected: dict[Values, JsonObject]) -> bool:
    """Whether the rows are those that were said, and hold that."""
    for columns, row in stored:
        said = expected.pop((columns.table.name, *[row[n] for n in columns.key]), None)
        if said is None:
            if columns.table is not deliveries:  # those that were not shown yet have no entry
                return False
        elif columns is _REQUESTS and row[_CANARY] is not None and "canary" not in said:
            return False  # a test that has not ended, or something that was made to look like one
        elif not _holds(columns, said, row):
            return False
    return not expected


def _holds(columns: Columns, said: JsonObject, row: Values) -> bool:
    if columns is _SESSIONS and said.get("status") in _LIVE:
        if row[_SESSION_STATUS] not in _LIVE:
            return False
        for name in WHILE_LIVE & said.keys():  # it wakes and is retried without an entry
            del said[name]
    shape = columns.shape(tuple(said))
    held, values = list(shape.taken(row)), list(said.values())
    for n in shape.hashed:
        _hash(held, n, shape)
    if held == values:
        return True
    different = [n for n, value in enumerate(values) if held[n] != value]
    shape.hashed = shape.hashed.union(different)
    for n in different:
        _hash(held, n, shape)
    return held == values


def _hash(held: list[Any], n: int, shape: Shape) -> None:
    """Put what an entry says of a long text, or one that is never told, into its place."""
    text = held[n]
    if text.__class__ is str and (len(text) > PLAIN_TEXT or n in shape.never_plain):
        held[n] = _told(text)


def _told(text: str) -> str:
    return f"{_MARK}{sha256(text.encode()).hexdigest()}"
