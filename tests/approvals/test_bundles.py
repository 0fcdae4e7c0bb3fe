"""Exports: what was asked for and nothing else, and every change of a bundle is found and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from countersign.approvals.audit.bundles import FORMAT, lines, verify
from countersign.approvals.audit.receipts import (
    ReceiptError,
    ReceiptFormatError,
    UntrustedError,
    parse,
)
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.errors import IntegrityError
from countersign.approvals.jobs.sealing import Sealing
from countersign.approvals.models import JsonObject
from countersign.approvals.store.exporting import Wanted
from countersign.approvals.store.receipts import NotSealedError
from countersign.approvals.store.schema import ledger
from tests.doubles.directory import BEN
from tests.doubles.receipts import KEY, NEXT
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def trail(world: World) -> AuditTrail:
    """Three sessions: two of quotes, one of which Ben approved, later one of a payment."""
    (one,) = await world.asked()
    await world.vote(one, BEN)
    await world.asked()
    world.clock.advance(timedelta(hours=1).total_seconds())
    await world.asked("pay")
    sealing = Sealing(world.store, world.clock, KEY)
    await sealing.seal()
    return AuditTrail(world.store, world.records, sealing)


async def kinds(trail: AuditTrail, wanted: Wanted) -> list[str]:
    return [entry.kind async for entry in trail.entries(wanted)]


async def test_an_export_has_what_was_asked_for(world: World, trail: AuditTrail) -> None:
    asked = ["session_started", "proposed"]
    voted = [*asked, "voted", "decided"]
    now = world.clock.now()

    assert sorted([*voted, *asked, *asked]) == sorted(await kinds(trail, Wanted()))
    assert voted == await kinds(trail, Wanted(person="ben"))
    assert 8 == len(await kinds(trail, Wanted(person="anna")))
    assert asked == await kinds(trail, Wanted(tool="pay"))
    assert [] == await kinds(trail, Wanted(tool="pay", person="ben"))
    assert asked == await kinds(trail, Wanted(since=now - timedelta(minutes=1)))
    assert 6 == len(await kinds(trail, Wanted(until=now - timedelta(minutes=1))))
    (of_ben,) = {e.session_id async for e in trail.entries(Wanted(person="ben"))}
    assert voted == await kinds(trail, Wanted(session=of_ben))


async def test_pages_of_an_export_have_no_seam(
    trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await kinds(trail, Wanted())
    monkeypatch.setattr("countersign.approvals.audit_trail.PAGE", 3)

    assert whole == await kinds(trail, Wanted())


async def test_what_is_not_as_it_was_written_is_not_exported(
    world: World, trail: AuditTrail
) -> None:
    await world.store.write(lambda c: c.execute(update(ledger).values(body="{}")))
    with pytest.raises(IntegrityError, match="was changed"):
        await kinds(trail, Wanted())


async def test_a_bundle_verifies_with_and_without_bodies(trail: AuditTrail) -> None:
    whole = await trail.bundle(Wanted())
    bare = await trail.bundle(Wanted(), bodies=False)
    passed = parse(json.dumps(bare), FORMAT)

    assert (3, 8, 0, 0) == tuple(verify(whole, [KEY.verifier]).model_dump().values())
    assert (3, 8, 8, 0) == tuple(verify(passed, [KEY.verifier]).model_dump().values())
    assert "Contoso" in json.dumps(whole)
    assert "Contoso" not in json.dumps(bare)
    assert 8 == len(lines(whole)) == len(lines(bare))
    assert 1 == len((await trail.bundle(Wanted(tool="pay")))["chains"])


async def test_what_is_not_signed_is_in_no_bundle(world: World) -> None:
    sealing = Sealing(world.store, world.clock, KEY)
    trail = AuditTrail(world.store, world.records)
    await world.asked()
    with pytest.raises(NotSealedError, match="nothing can be proven"):
        await trail.bundle(Wanted())
    await sealing.seal()
    (request,) = await world.asked()
    with pytest.raises(NotSealedError, match=request.session_id):
        await trail.bundle(Wanted())


def swap_sessions(made: JsonObject) -> None:
    one, two = made["chains"][:2]
    one["session"], two["session"] = two["session"], one["session"]


def swap_proofs(made: JsonObject) -> None:
    one, two = made["chains"][:2]
    one["proof"], two["proof"] = two["proof"], one["proof"]


def flip(made: JsonObject) -> None:
    entry = made["chains"][0]["entries"][1]
    entry["body"] = entry["body"].replace("Contoso", "Fabrikam")


def reorder(made: JsonObject) -> None:
    entries = made["chains"][0]["entries"]
    entries[0], entries[1] = entries[1], entries[0]


def of(chain: int, change: Callable[[list[Any]], object]) -> Callable[[JsonObject], object]:
    return lambda made: change(made["chains"][chain]["entries"])


TAMPERING: list[tuple[str, Callable[[JsonObject], object], str]] = [
    ("a body was changed", flip, "Entry 2 has another body"),
    ("an entry is gone", of(0, lambda e: e.pop(0)), "beginning is missing"),
    ("the end is cut off", of(0, lambda e: e.pop()), "not in the tree"),
    ("the order was changed", reorder, "does not follow"),
    ("one was put in", of(0, lambda e: e.insert(1, e[0])), "Entry 1 does not follow"),
    ("from another chain", lambda m: of(0, lambda e: e.append(m["chains"][1]["entries"][0]))(m),
     "does not follow"),
    ("two were swapped", swap_sessions, "is said to be"),
    ("proofs were swapped", swap_proofs, "not in the tree"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(TAMPERING)))
async def test_tampering_with_a_bundle_is_found_and_named(trail: AuditTrail, number: int) -> None:
    _, change, named = TAMPERING[number]
    made = await trail.bundle(Wanted())
    change(made)
    with pytest.raises(ReceiptError, match=named):
        verify(made, [KEY.verifier])


async def test_a_bundle_has_to_be_whole_and_signed(trail: AuditTrail) -> None:
    made = await trail.bundle(Wanted())
    with pytest.raises(UntrustedError):
        verify(made, [NEXT.verifier])
    for broken in ({**made, "chains": [{}]}, {**made, "chains": None}):
        with pytest.raises(ReceiptFormatError):
            verify(broken, [KEY.verifier])
