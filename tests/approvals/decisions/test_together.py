"""One decision on several calls: all votes count in one transaction, or none does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from countersign.approvals.errors import (
    AlreadyDecidedError,
    ExpiredError,
    InvalidError,
    NotAuthorisedError,
)
from countersign.approvals.forms.together import digest_of, totals, totals_in_words, waiting
from countersign.approvals.models import Request, RequestStatus, Reversibility, Verdict
from tests.doubles.directory import ANNA, BEN, CARA, acting
from tests.doubles.world import World


async def decide(world: World, requests: tuple[Request, ...], who: object = BEN) -> list[Request]:
    shown = {each.id: each.digest for each in requests}
    found = await world.approvals.vote_together(
        shown,
        acting(who),  # type: ignore[arg-type]
        verdict=Verdict.APPROVE,
    )
    return list(found)


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
