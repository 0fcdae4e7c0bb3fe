"""The chain of a session: every change of it is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.audit.ledger import (
    GENESIS,
    Verification,
    combine,
    commitment,
    header_of,
    verify,
)
from countersign.approvals.models import JsonObject, LedgerEntry, SessionId
from countersign.approvals.store.codec import body_of
from tests.doubles.clock import START

SESSION = SessionId("S-1")
Chain = list[LedgerEntry]


def link(
    previous: tuple[int, str], *, session_id: SessionId, at: datetime, kind: str, body: JsonObject
) -> LedgerEntry:
    values: dict[str, Any] = {
        "session_id": session_id,
        "seq": previous[0] + 1,
        "at": at,
        "kind": kind,
        "body": body,
        "prev_hash": previous[1],
    }
    salt = "00" * 16
    committed = commitment(salt, canonical_json(body).decode())
    entry = LedgerEntry(**values, salt=salt, commitment=committed, hash="")
    return entry.model_copy(update={"hash": sha256_hex(header_of(entry).encode())})


def chain(length: int = 5, session_id: SessionId = SESSION) -> Chain:
    entries: Chain = []
    previous = (0, GENESIS)
    for number in range(1, length + 1):
        entry = link(
            previous,
            session_id=session_id,
            at=START + timedelta(seconds=number),
            kind="voted",
            body={"number": number, "by": "ben"},
        )
        entries.append(entry)
        previous = (entry.seq, entry.hash)
    return entries


def head(entries: Chain) -> tuple[int, str]:
    return (entries[-1].seq, entries[-1].hash) if entries else (0, GENESIS)


def changed(entry: LedgerEntry, **values: object) -> LedgerEntry:
    return entry.model_copy(update=values)


def rehashed(previous: LedgerEntry, entry: LedgerEntry, **body: object) -> LedgerEntry:
    """A forgery whose own hash and link are right."""
    return link(
        (previous.seq, previous.hash),
        session_id=entry.session_id,
        at=entry.at,
        kind=entry.kind,
        body=body,
    )


def test_untouched_chain_is_verified() -> None:
    entries = chain()
    found = verify(SESSION, entries, head(entries))

    assert Verification(entries=5) == found
    assert found.verified


def test_session_without_entries_is_verified() -> None:
    assert verify(SESSION, [], (0, GENESIS)).verified


def test_entries_count_from_one_and_link_to_the_one_before() -> None:
    entries = chain(3)

    assert [1, 2, 3] == [e.seq for e in entries]
    assert [GENESIS, entries[0].hash, entries[1].hash] == [e.prev_hash for e in entries]


ATTACKS: dict[str, Callable[[Chain], Chain]] = {
    "edit the body": lambda c: [*c[:2], changed(c[2], body={"number": 3, "by": "cara"}), *c[3:]],
    "edit the kind": lambda c: [*c[:2], changed(c[2], kind="decided"), *c[3:]],
    "edit the time": lambda c: [*c[:2], changed(c[2], at=START), *c[3:]],
    "edit the session": lambda c: [*c[:2], changed(c[2], session_id="S-2"), *c[3:]],
    "edit the hash": lambda c: [*c[:2], changed(c[2], hash="0" * 64), *c[3:]],
    "edit so that it has no canonical form": lambda c: [
        changed(c[0], body={"number": 2**60}),
        *c[1:],
    ],
    "edit and hash again": lambda c: [*c[:2], rehashed(c[1], c[2], by="cara"), *c[3:]],
    "edit the last and hash again": lambda c: [*c[:4], rehashed(c[3], c[4], by="cara")],
    "delete the first": lambda c: c[1:],
    "delete one": lambda c: [*c[:2], *c[3:]],
    "delete one and renumber": lambda c: [*c[:2], changed(c[3], seq=3), changed(c[4], seq=4)],
    "insert a copy": lambda c: [*c[:3], c[2], *c[3:]],
    "insert a forgery": lambda c: [*c[:3], rehashed(c[2], c[2], by="eve"), *c[3:]],
    "append a forgery": lambda c: [*c, rehashed(c[4], c[4], by="eve")],
    "reorder": lambda c: [c[0], c[2], c[1], *c[3:]],
    "reorder and renumber": lambda c: [c[0], changed(c[2], seq=2), changed(c[1], seq=3), *c[3:]],
    "truncate": lambda c: c[:3],
    "delete everything": lambda _: [],
    "replace by the chain of another session": lambda _: chain(5, SessionId("S-2")),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_tampering_is_detected(attack: Callable[[Chain], Chain]) -> None:
    entries = chain()
    found = verify(SESSION, attack(entries), head(entries))

    assert not found.verified
    assert all("session S-1" in problem for problem in found.problems)


def test_number_that_is_left_out_is_detected_even_if_every_hash_is_right() -> None:
    first = chain(1)[0]
    second = link((first.seq + 1, first.hash), session_id=SESSION, at=START, kind="voted", body={})
    found = verify(SESSION, [first, second], head([first, second]))

    assert ("session S-1, entry 3: follows entry 1; something is missing or out of order",) == (
        found.problems
    )


def test_problem_names_the_entry() -> None:
    entries = chain()
    edited = [*entries[:2], changed(entries[2], kind="decided"), *entries[3:]]

    assert ("session S-1, entry 3: was changed after it was written",) == verify(
        SESSION, edited, head(entries)
    ).problems


def test_truncation_names_both_ends() -> None:
    entries = chain()

    assert ("session S-1: ends at entry 3, but its head is entry 5",) == verify(
        SESSION, entries[:3], head(entries)
    ).problems


def test_many_sessions_are_verified_as_one() -> None:
    parts = [Verification(entries=2), Verification(entries=3, problems=("a", "b"))]

    assert Verification(entries=5, problems=("a", "b")) == combine(parts)
    assert combine([]).verified


def test_a_chain_holds_without_the_body_of_an_entry() -> None:
    entries = chain()
    entries[2] = changed(entries[2], body={}, salt="")

    assert entries[2].erased
    assert verify(SESSION, entries, head(entries)).verified
    assert {} == body_of(3, "", {"commitment": entries[2].commitment, "salt": ""})
