"""Tables beside the ledger: entries of today say which rows they wrote, older ones say less."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, update

from countersign.approvals.errors import IntegrityError
from countersign.approvals.models import LedgerEntry, SessionId
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import schema
from countersign.approvals.store.comparing import differences
from countersign.approvals.store.tables import Row
from tests.doubles.directory import BEN
from tests.doubles.world import World

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
PROPOSED = {
    "request": "R-1",
    "tool": "quote",
    "digest": "d1",
    "rule": "quote",
    "reason": "r",
    "policy_version": "p1",
    "effect": "require_approval",
    "arguments": {"amount": 1},
}
REQUEST = {
    "tool": "quote",
    "digest": "d1",
    "rule_id": "quote",
    "reason": "r",
    "policy_version": "p1",
    "arguments": '{"amount":1}',
}
VOTED = {
    "request": "R-1",
    "revision": 1,
    "by": "ben",
    "name": "Ben",
    "stage": 0,
    "verdict": "approve",
    "via": "teams",
    "identity": "entra:1",
    "comment": "",
}
REVISED = {
    "request": "R-1",
    "revision": 2,
    "digest": "d2",
    "policy_version": "p2",
    "arguments": {"amount": 2},
}


def told(*entries: tuple[str, Mapping[str, Any]]) -> list[LedgerEntry]:
    """A chain of an older release: entries without `rows`."""
    return [
        LedgerEntry(
            session_id=SessionId("S-1"),
            seq=number,
            at=AT,
            kind=kind,
            body=dict(body),
            prev_hash="",
            hash="",
        )
        for number, (kind, body) in enumerate(entries, 1)
    ]


def request(status: str, **columns: Any) -> Row:
    return Row("requests", ("R-1",), {**REQUEST, "status": status, **columns})


def session(status: str, **columns: Any) -> Row:
    return Row("sessions", ("S-1",), {"status": status, "answer": None, "error": None, **columns})


STARTED = ("session_started", {"workflow": "w", "owner": "anna"})


@pytest.mark.parametrize(
    ("entries", "status"),
    [
        ([], "pending"),
        ([("decided", {"verdict": "approve"})], "approved"),
        ([("decided", {"verdict": "modify"})], "approved"),
        ([("decided", {"verdict": "reject"})], "rejected"),
        ([("expired", {})], "expired"),
        ([("claimed", {})], "executing"),
        ([("executed", {})], "executed"),
        ([("failed", {})], "failed"),
        ([("in_doubt", {})], "in_doubt"),
        ([("not_executed", {})], "cancelled"),
        ([("cancelled", {})], "cancelled"),
        ([("in_doubt", {}), ("doubt_settled", {"happened": True})], "executed"),
        ([("in_doubt", {}), ("doubt_settled", {"happened": False})], "failed"),
        ([("in_doubt", {}), ("late_result", {"outcome": "failed"})], "failed"),
        ([("in_doubt", {}), ("late_result", {"outcome": "executed"})], "executed"),
        ([("in_doubt", {}), ("late_result", {"outcome": "failed", "stands": False})], "in_doubt"),
        ([("noted", {})], "pending"),
    ],
)
def test_older_entries_say_what_state_a_request_is_in(
    entries: list[tuple[str, dict[str, Any]]], status: str
) -> None:
    chain = told(("proposed", PROPOSED), *[(kind, {**b, "request": "R-1"}) for kind, b in entries])
    forged = "approved" if status != "approved" else "executed"

    assert [] == list(differences(chain, [request(status)]))
    assert ["requests R-1, column status: is not what the ledger says"] == list(
        differences(chain, [request(forged)])
    )


@pytest.mark.parametrize(
    ("effect", "status"),
    [("allow", "approved"), ("deny", "rejected"), ("shadow", "rejected")],
)
def test_older_proposals_say_what_the_rule_made_of_them(effect: str, status: str) -> None:
    chain = told(("proposed", {**PROPOSED, "effect": effect}))

    assert [] == list(differences(chain, [request(status)]))


@pytest.mark.parametrize(
    ("entry", "status", "column"),
    [
        (("session_completed", {"answer": "Done."}), "completed", {"answer": "Done."}),
        (("session_failed", {"error": "No."}), "failed", {"error": "No."}),
        (("session_cancelled", {}), "cancelled", {}),
    ],
)
def test_older_entries_say_how_a_session_ended(
    entry: tuple[str, dict[str, Any]], status: str, column: dict[str, Any]
) -> None:
    chain = told(STARTED, entry)

    assert [] == list(differences(chain, [session(status, **column)]))
    wrong = list(differences(chain, [session(status, answer="Other.", error="Other.")]))
    assert len(column) == len(wrong)
    assert list(differences(chain, [session("running")]))


def test_older_revision_says_what_it_changed_and_leaves_what_it_does_not_say() -> None:
    chain = told(("proposed", PROPOSED), ("revised", REVISED))
    changed = {"revision": 2, "digest": "d2", "policy_version": "p2", "arguments": '{"amount":2}'}

    assert [] == list(differences(chain, [request("pending", **changed, rule_id="another")]))
    assert ["requests R-1, column digest: is not what the ledger says"] == list(
        differences(chain, [request("pending", **{**changed, "digest": "d1"})])
    )


def test_older_vote_is_held_to_what_was_said_of_it() -> None:
    chain = told(("proposed", PROPOSED), ("voted", VOTED))
    cast = {name: VOTED[name] for name in ("name", "stage", "verdict", "via", "identity")}
    row = {**cast, "comment": "", "at": "2026-03-02T09:00:00.000000+00:00"}
    key = ("R-1", 1, "ben")

    assert [] == list(differences(chain, [request("pending"), Row("votes", key, row)]))
    other = Row("votes", key, {**row, "verdict": "reject"})
    assert ["votes R-1 / 1 / ben, column verdict: is not what the ledger says"] == list(
        differences(chain, [request("pending"), other])
    )
    assert ["votes R-1 / 1 / ben: is on the ledger, but not in its table"] == list(
        differences(chain, [request("pending")])
    )


def test_card_that_was_not_shown_yet_has_no_entry() -> None:
    chain = told(("proposed", PROPOSED))
    card = Row("deliveries", ("D-1",), {"status": "pending"})

    assert [] == list(differences(chain, [request("pending"), card]))


@pytest.mark.asyncio
async def test_vote_that_nobody_cast_is_named(world: World) -> None:
    (asked,) = await world.asked("pay")
    await world.vote(asked, BEN)
    await world.store.write(lambda c: c.execute(update(schema.votes).values(principal_id="cara")))
    found = (await world.records.verify(asked.session_id)).problems

    assert any(f"votes {asked.id} / 1 / cara: is not on the ledger" in said for said in found)
    assert any(f"votes {asked.id} / 1 / ben: is on the ledger, but not" in said for said in found)


@pytest.mark.asyncio
async def test_session_that_was_ended_by_writing_it_is_named(world: World) -> None:
    (asked,) = await world.asked()
    await world.store.write(lambda c: c.execute(update(schema.sessions).values(status="completed")))
    found = (await world.records.verify(asked.session_id)).problems

    assert any("column status: is not what the ledger says" in problem for problem in found)


@pytest.mark.asyncio
async def test_session_that_waits_for_nobody_is_named(world: World) -> None:
    run = await world.begun()
    await world.store.write(lambda c: c.execute(update(schema.sessions).values(status="waiting")))
    found = (await world.records.verify(run.session.id)).problems

    assert any("its requests say that it is running" in problem for problem in found)


@pytest.mark.asyncio
async def test_change_without_an_entry_does_not_commit(world: World) -> None:
    (asked,) = await world.asked()
    after = asked.model_copy(update={"reason": "another"})
    with pytest.raises(IntegrityError, match="changed without a ledger entry"):
        await world.unit(lambda unit: request_rows.replace(unit, (asked, after)))

    assert asked.reason == (await world.now(asked)).reason


@pytest.mark.asyncio
async def test_rows_without_their_session_are_named(world: World) -> None:
    (asked,) = await world.asked()
    await world.store.write(lambda c: c.execute(delete(schema.ledger)))

    assert not (await world.records.verify(asked.session_id)).verified


async def test_what_is_made_a_test_afterwards_is_found(world: World) -> None:
    (request,) = await world.asked()
    await world.vote(request, BEN)
    forged = update(schema.requests).where(schema.requests.c.id == request.id)
    await world.store.write(lambda c: c.execute(forged.values(canary='{"example":"mine"}')))
    found = await world.records.verify(request.session_id)

    assert f"requests {request.id}, column canary: is not on the ledger" in " ".join(found.problems)
