"""The people's side: look, page, cancel, verify, remember where people are."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import delete, func, literal, update

from countersign.approvals.errors import (
    ClosedError,
    IntegrityError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
)
from countersign.approvals.models import (
    Cause,
    Request,
    RequestStatus,
    SessionStatus,
    Verdict,
)
from countersign.approvals.records.paging import MAX_PAGE
from countersign.approvals.store import schema
from tests.doubles.catalog import QUOTE_SCHEMA
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, ROOT, STRANGER, acting
from tests.doubles.world import THREAD, World


async def test_expiring_waits_for_the_deadline(world: World) -> None:
    (request,) = await world.asked()
    world.clock.advance(3599)
    await world.approvals.expire(request.id)
    early = await world.now(request)
    world.clock.advance(1)
    await world.approvals.expire(request.id)
    await world.approvals.expire(request.id)

    assert RequestStatus.PENDING is early.status
    assert RequestStatus.EXPIRED is (await world.now(request)).status
    assert 1 == (await world.kinds(request.session_id)).count("expired")
    assert SessionStatus.RUNNING is (await world.records.session(request.session_id)).status


async def test_decided_request_and_one_without_deadline_never_expire(world: World) -> None:
    (decided,) = await world.asked()
    (endless,) = await world.asked("wire")
    await world.vote(decided)
    world.clock.advance(10**8)
    await world.approvals.expire(decided.id)
    await world.approvals.expire(endless.id)

    assert RequestStatus.APPROVED is (await world.now(decided)).status
    assert RequestStatus.PENDING is (await world.now(endless)).status


async def test_attempt_that_a_channel_refused_is_on_the_ledger(world: World) -> None:
    (request,) = await world.asked()
    await world.approvals.refuse(request.id, STRANGER, "The token is of another tenant.")
    entry = (await world.records.ledger(request.session_id))[-1]

    assert ("vote_refused", None, "The token is of another tenant.") == (
        entry.kind,
        entry.body["by"],
        entry.body["reason"],
    )


@pytest.mark.parametrize("who", [ANNA, ROOT])
async def test_owner_and_admin_may_cancel(world: World, who: Any) -> None:
    pending, approved = await world.asked("quote", "quote")
    await world.vote(approved)
    session = await world.approvals.cancel(pending.session_id, acting(who))
    stored = [await world.now(r) for r in (pending, approved)]

    assert (SessionStatus.CANCELLED, f"Cancelled by {who.name}.") == (session.status, session.error)
    assert [RequestStatus.CANCELLED] * 2 == [r.status for r in stored]
    assert [Cause.CANCELLED] * 2 == [r.result.cause for r in stored if r.result]
    assert ["session_cancelled", "cancelled", "cancelled"] == (await world.kinds(session.id))[-3:]


@pytest.mark.parametrize("actor", [acting(BEN), acting(ERIN), STRANGER])
async def test_nobody_else_may_cancel(world: World, actor: Any) -> None:
    (request,) = await world.asked()

    with pytest.raises(NotAuthorisedError):
        await world.approvals.cancel(request.session_id, actor)

    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_session_that_is_over_cannot_be_cancelled(world: World) -> None:
    session = await world.start()
    await world.approvals.cancel(session.id, acting(ANNA))

    with pytest.raises(ClosedError, match="already cancelled"):
        await world.approvals.cancel(session.id, acting(ANNA))


async def test_cancel_takes_the_lease_from_whoever_runs(world: World) -> None:
    run = await world.begun()
    await world.approvals.cancel(run.session.id, acting(ANNA))

    assert frozenset({run.session.id}) == await world.runs.renew([run])
    assert await world.runs.begin(run.session.id) is None


async def test_view_holds_all_that_a_card_shows(world: World) -> None:
    one, two = await world.asked("wire", "quote")
    await world.vote(one)
    view = await world.records.view(one.id)

    assert (one.id, one.session_id, ANNA) == (view.request.id, view.session.id, view.requester)
    assert ["ben"] == [v.principal_id for v in view.votes]
    assert [two.id] == [s.id for s in view.siblings]
    assert QUOTE_SCHEMA == view.arguments_schema


@pytest.mark.parametrize("method", ["view", "request"])
async def test_unknown_request_is_not_found(world: World, method: str) -> None:
    with pytest.raises(NotFoundError, match="no request R-0"):
        await getattr(world.records, method)("R-0")


@pytest.mark.parametrize("method", ["session", "transcript", "ledger", "verify"])
async def test_unknown_session_is_not_found(world: World, method: str) -> None:
    with pytest.raises(NotFoundError, match="no session S-0"):
        await getattr(world.records, method)("S-0")


async def test_requests_are_paged_oldest_first_without_gaps(world: World) -> None:
    made: list[Request] = []
    for number in range(5):
        world.clock.advance(number % 2)  # some share their time
        made += await world.asked()
    seen: list[Any] = []
    cursor = None
    while True:
        page = await world.records.requests(limit=2, cursor=cursor)
        seen += page.items
        cursor = page.next
        if cursor is None:
            break

    assert {r.id for r in made} == {r.id for r in seen}
    assert len(made) == len(seen)
    assert sorted(seen, key=lambda r: (r.created_at, r.id)) == seen


async def test_sessions_are_paged_newest_first_without_gaps(world: World) -> None:
    for number in range(5):
        world.clock.advance(number % 2)
        await world.start()
    first = await world.records.sessions(limit=3)
    rest = await world.records.sessions(limit=3, cursor=first.next)
    seen = [*first.items, *rest.items]

    assert rest.next is None
    assert 5 == len({s.id for s in seen})
    assert sorted(seen, key=lambda s: (s.created_at, s.id), reverse=True) == seen


async def test_lists_are_filtered(world: World) -> None:
    (pending,) = await world.asked()
    (decided,) = await world.asked()
    await world.vote(decided)
    threaded = await world.start(THREAD)
    records = world.records

    assert [pending.id] == [
        r.id for r in (await records.requests(status=RequestStatus.PENDING)).items
    ]
    assert [decided.id] == [
        r.id for r in (await records.requests(session_id=decided.session_id)).items
    ]
    assert [pending.session_id] == [
        s.id for s in (await records.sessions(status=SessionStatus.WAITING)).items
    ]
    assert [threaded.id] == [s.id for s in (await records.sessions(conversation=THREAD)).items]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "abc",
        "bm9wZQ==",
        "é",
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"2026-11-25T09:00:00.000000Z R-\0").decode(),
    ],
)
async def test_cursor_that_was_not_given_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(InvalidError, match="cursor"):
        await world.records.requests(cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, MAX_PAGE + 1])
async def test_limit_is_bounded(world: World, limit: int) -> None:
    with pytest.raises(InvalidError, match="limit must be between 1 and 200"):
        await world.records.sessions(limit=limit)


async def test_waiting_for_lists_what_a_person_may_decide_now(world: World) -> None:
    (quote,) = await world.asked("quote")
    (pay,) = await world.asked("pay")
    (wire,) = await world.asked("wire")
    await world.vote(wire, BEN)

    async def waiting(who: Any, **more: Any) -> list[str]:
        return [r.id for r in await world.records.waiting_for(who, **more)]

    assert {quote.id, pay.id} == set(await waiting(BEN))
    assert {quote.id, pay.id, wire.id} == set(await waiting(CARA))
    assert [wire.id] == await waiting(DAVE)
    assert [] == await waiting(ANNA)
    assert 1 == len(await waiting(CARA, limit=1))


async def test_transcript_is_empty_before_the_first_snapshot(world: World) -> None:
    assert [] == list(await world.records.transcript((await world.start()).id))


async def test_all_ledgers_are_verified_together(world: World) -> None:
    (one,) = await world.asked()
    (two,) = await world.asked()
    whole = await world.records.verify()

    assert (4, True) == (whole.entries, whole.verified)
    assert 2 == (await world.records.verify(one.session_id)).entries
    tampered = update(schema.ledger).where(schema.ledger.c.session_id == one.session_id)
    await world.store.write(lambda c: c.execute(tampered.values(kind="x")))
    assert not (await world.records.verify()).verified
    assert (await world.records.verify(two.session_id)).verified


@pytest.mark.parametrize(
    "values",
    [
        {"body": "{"},
        {"body": "[]"},
        {"body": '{"n":1e999}'},
        {"body": '{"n":123456789012345678901234567890}'},
        {"at": "yesterday"},
        {"at": "2026-03-02T09:00:00.250000+01:00"},
    ],
)
async def test_entry_that_cannot_be_read_is_reported(world: World, values: Any) -> None:
    (request,) = await world.asked()
    tampered = update(schema.ledger).where(schema.ledger.c.seq == 2).values(**values)
    await world.store.write(lambda c: c.execute(tampered))
    found = await world.records.verify()

    assert not found.verified
    assert request.session_id in found.problems[0]
    assert "was changed" in found.problems[0]


@pytest.mark.parametrize("extra", ['{"request":"R-EVIL",', "{ "])
async def test_entry_that_reads_the_same_but_is_written_otherwise_is_reported(
    world: World, extra: str
) -> None:
    """Of two members of one name this reads the last, other programs the first."""
    (request,) = await world.asked()
    body = literal(extra) + func.substr(schema.ledger.c.body, 2)
    tampered = update(schema.ledger).where(schema.ledger.c.seq == 2).values(body=body)
    await world.store.write(lambda c: c.execute(tampered))
    found = await world.records.verify()

    assert not found.verified
    assert request.session_id in found.problems[0]
    with pytest.raises(IntegrityError, match=f"{request.session_id} was changed"):
        await world.records.ledger(request.session_id)


async def test_truncated_ledger_is_reported(world: World) -> None:
    (request,) = await world.asked()
    await world.store.write(
        lambda c: c.execute(delete(schema.ledger).where(schema.ledger.c.seq == 2))
    )

    assert (
        f"session {request.session_id}: ends at entry 1, but its head is entry 2"
        in (await world.records.verify(request.session_id)).problems
    )


async def test_votes_of_all_revisions_are_listed(world: World) -> None:
    (request,) = await world.asked("wire")
    await world.vote(request, BEN)
    await world.vote(request, CARA, Verdict.MODIFY, arguments={"customer": "C", "amount": 1})

    assert {1, 2} == {v.revision for v in await world.records.votes(request.id)}
