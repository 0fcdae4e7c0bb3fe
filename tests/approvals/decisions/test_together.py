"""One decision on several calls: all votes count in one transaction, or none does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select

from countersign.approvals.decisions.writing import Counted, Gathered
from countersign.approvals.errors import (
    AlreadyDecidedError,
    ExpiredError,
    IntegrityError,
    InvalidError,
    NotAuthorisedError,
    StaleDigestError,
)
from countersign.approvals.forms.together import digest_of, totals, totals_in_words, waiting
from countersign.approvals.models import Request, RequestStatus, Reversibility, Verdict, Via, Vote
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import notices
from countersign.approvals.tickets import ActKey
from tests.doubles.directory import ANNA, BEN, CARA, acting
from tests.doubles.world import THREAD, World


async def decide(world: World, requests: tuple[Request, ...], who: object = BEN) -> list[Request]:
    shown = {each.id: each.digest for each in requests}
    found = await world.approvals.vote_together(
        shown,
        acting(who),  # type: ignore[arg-type]
        verdict=Verdict.APPROVE,
    )
    return list(found.requests)


async def test_all_count_or_none_does(world: World) -> None:
    """A quorum waits for others; what is decided already leaves the rest as it was."""
    requests = await world.asked("quote", "wire", "look")
    view = await world.records.view(requests[0].id)
    assert view.reversibility is Reversibility.IRREVERSIBLE
    assert [r.tool for r in waiting(requests)] == ["quote", "wire"]
    first = await decide(world, requests[:2])

    assert [each.status for each in first] == [RequestStatus.APPROVED, RequestStatus.PENDING]
    with pytest.raises(AlreadyDecidedError):
        await decide(world, requests[:2], CARA)
    assert [vote.principal_id for vote in await world.records.votes(requests[1].id)] == [BEN.id]
    waits = await decide(world, await world.asked("wire", "wire"))
    assert [each.status for each in waits] == [RequestStatus.PENDING] * 2
    (last,) = await decide(world, requests[1:2], CARA)
    assert last.status is RequestStatus.APPROVED
    assert (await world.begin(requests[0].session_id)).batch[1].status is RequestStatus.APPROVED
    found = await world.records.verify()
    assert found.verified, found.problems


async def test_a_refusal_is_on_the_ledger_and_counts_nothing(world: World) -> None:
    requests = await world.asked("quote", "quote")
    with pytest.raises(NotAuthorisedError, match="You asked for this yourself"):
        await decide(world, requests, ANNA)

    assert (await world.kinds(requests[0].session_id))[-1] == "vote_refused"
    assert [] == await world.records.votes(requests[0].id)


async def test_after_the_deadline_none_counts(world: World) -> None:
    requests = await world.asked("quote", "quote")
    world.clock.advance(3_601)
    with pytest.raises(ExpiredError):
        await decide(world, requests)

    assert "vote_refused" not in await world.kinds(requests[0].session_id)


async def test_what_makes_no_decision_on_several_is_refused(world: World) -> None:
    one = await world.asked("quote")
    other = await world.asked("quote")
    with pytest.raises(InvalidError, match="was not proposed together"):
        await decide(world, (*one, *other))
    with pytest.raises(InvalidError, match="1 to 500 calls"):
        await decide(world, ())
    with pytest.raises(InvalidError, match="one call at a time"):
        await world.approvals.vote_together(
            {one[0].id: one[0].digest}, acting(BEN), verdict=Verdict.MODIFY
        )


async def test_sums_are_by_currency_of_what_says_both(world: World) -> None:
    run = await world.begun()
    amounts: list[dict[str, Any]] = [
        {"amount": 0.1, "currency": "EUR"},
        {"amount": "0.2", "currency": "EUR"},
        {"amount": 1200, "currency": "USD"},
        {"amount": True, "currency": "USD"},
        {"amount": "many", "currency": "USD"},
        {"amount": "inf", "currency": "USD"},
        {"amount": 5},
        {"currency": "USD"},
    ]
    calls = [world.proposal(run.session.id, "quote", each) for each in amounts]
    requests = await world.submit(run, *calls)

    assert {"EUR": Decimal("0.3"), "USD": Decimal(1200)} == totals(requests)
    assert "0.3 EUR and 1,200 USD" == totals_in_words(requests)
    assert "1,200 USD" == totals_in_words(requests[2:])
    assert "" == totals_in_words(requests[6:])
    assert digest_of(requests) == digest_of(tuple(reversed(requests))) != digest_of(requests[1:])


async def test_what_is_for_others_waits_on_and_is_named(world: World) -> None:
    """Ben has voted on the second, and the third is for controllers; neither is a refused try."""
    world.change_rule("audit", {"effect": "require_approval", "roles": ["controller"]})
    quote, wire, audit = await world.asked("quote", "wire", "audit")
    await world.vote(wire)
    shown = {each.id: each.digest for each in (quote, wire, audit)}
    acts = {of: ActKey(channel="jira", ticket_id="1", act_id=f"a#{of}") for of in shown}
    done = await world.approvals.vote_together(
        shown, acting(BEN), verdict=Verdict.APPROVE, leave=True, acts=acts
    )
    kept = await world.store.read(lambda c: ticket_rows.acts_of(c, "jira", "1"))

    assert [(acts[quote.id], "")] == [(each.key, each.reason) for each in kept]
    assert [quote.id] == [each.id for each in done.requests]
    assert [wire.id, audit.id] == list(done.left)
    assert "You have already voted" in done.left[wire.id]
    assert "controller" in done.left[audit.id]
    assert "vote_refused" not in await world.kinds(quote.session_id)
    with pytest.raises(NotAuthorisedError, match="already voted"):
        await world.approvals.vote_together(
            {wire.id: wire.digest, audit.id: audit.digest},
            acting(BEN),
            verdict=Verdict.APPROVE,
            leave=True,
        )
    assert 1 == (await world.kinds(quote.session_id)).count("vote_refused")
    assert (await world.records.verify()).verified


async def test_the_same_act_counts_once_however_often_it_is_read(world: World) -> None:
    requests = await world.asked("wire", "wire")
    shown = {each.id: each.digest for each in requests}
    acts = {of: ActKey(channel="jira", ticket_id="1", act_id=f"a#{of}") for of in shown}
    more: dict[str, Any] = {"verdict": Verdict.APPROVE, "leave": True, "acts": acts}
    first = await world.approvals.vote_together(shown, acting(BEN), **more)
    kinds = await world.kinds(requests[0].session_id)
    again = await world.approvals.vote_together(shown, acting(BEN), **more)

    assert (2, 0) == (len(first.requests), len(again.requests))
    assert kinds == await world.kinds(requests[0].session_id)


async def test_what_is_not_as_it_was_shown_stops_all_of_it(world: World) -> None:
    requests = await world.asked("quote", "quote", "quote")
    shown = {each.id: each.digest for each in requests}
    await world.vote(requests[1], verdict=Verdict.REJECT)
    with pytest.raises(AlreadyDecidedError):
        await world.approvals.vote_together(shown, acting(BEN), verdict=Verdict.APPROVE, leave=True)
    with pytest.raises(StaleDigestError):
        await world.approvals.vote_together(
            {requests[0].id: requests[0].digest, requests[2].id: "0" * 64},
            acting(BEN),
            verdict=Verdict.APPROVE,
            leave=True,
        )

    assert [] == await world.records.votes(requests[0].id)
    assert [] == await world.records.votes(requests[2].id)


class Statements:
    """Counts what is handed to the database, and the units of it."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch):
        self.count = self.units = 0
        for name in ("all", "first", "run", "run_each"):
            monkeypatch.setattr(Prepared, name, self._counted(getattr(Prepared, name)))
        execute, unit = Connection.execute, world.store.unit
        monkeypatch.setattr(Connection, "execute", self._counted(execute))

        async def counted_unit(*args: Any) -> Any:
            self.units += 1
            return await unit(*args)

        monkeypatch.setattr(world.store, "unit", counted_unit)

    def _counted(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **named: Any) -> Any:
            self.count += 1
            return run(*args, **named)

        return counted

    async def of(self, step: Awaitable[object]) -> tuple[int, int]:
        """Statements and transactions of a step."""
        self.count = self.units = 0
        await step
        return self.count, self.units


@pytest.mark.parametrize("tool", ["quote", "pay"])
async def test_a_decision_on_many_takes_as_many_statements_as_one_on_some(
    world: World, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of `pay`, whose first stage needs two, they wait on, shown where they were shown before."""
    if tool == "pay":
        world.channels = {}
        world.use(world.rules)
    some = await world.asked(*[tool] * 5)
    many = await world.asked(*[tool] * 60)
    statements = Statements(world, monkeypatch)
    few = await statements.of(decide(world, some))
    lots = await statements.of(decide(world, many))

    assert few == lots
    assert 1 == lots[1]
    monkeypatch.undo()
    entries = await world.records.ledger(many[0].session_id)
    voted = [entry.body for entry in entries if entry.kind == "voted"]
    assert [(each.id, each.digest) for each in many] == [(b["request"], b["digest"]) for b in voted]
    for each in many:
        assert [BEN.id] == [vote.principal_id for vote in await world.records.votes(each.id)]
    found = await world.records.verify()
    assert found.verified, found.problems


async def test_whoever_asked_is_told_once_of_all_of_it(world: World) -> None:
    """In the thread of the session: the first ones by name, and how many more there are."""
    requests = await world.submit(await world.begun(THREAD), *["quote"] * 25)
    query = select(notices.c.text).order_by(notices.c.id)
    before = await world.store.read(lambda c: list(c.execute(query).scalars()))
    await decide(world, requests)
    after = await world.store.read(lambda c: list(c.execute(query).scalars()))

    (text,) = after[len(before) :]
    assert 20 == text.count("**Approved** by Ben")
    assert text.endswith("And 5 more like these.")


async def test_a_request_that_has_changed_under_the_lock_writes_nothing(world: World) -> None:
    one, two = await world.asked("quote", "quote")
    vote = Vote(
        request_id=two.id, revision=1, principal_id=BEN.id, name="Ben", stage=0,
        verdict=Verdict.REJECT, via=Via.API, identity="ben", at=world.clock.now(),
    )  # fmt: skip
    gathered = Gathered()
    for before in (one, two.model_copy(update={"revision": 7})):
        after = before.model_copy(update={"status": RequestStatus.REJECTED})
        of = vote.model_copy(update={"request_id": before.id})
        gathered.counted(None, Counted(before, after, of, ()))  # type: ignore[arg-type]
    with pytest.raises(IntegrityError, match="changed while they were decided"):
        await world.unit(gathered.write)

    assert RequestStatus.PENDING == (await world.records.request(one.id)).status
