"""What somebody looks for among what waits for them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from countersign.approvals.models import RequestKind, Risk
from countersign.approvals.rules.wanted import Wanted
from countersign.approvals.store import waiting
from tests.doubles.directory import BEN, DAVE
from tests.doubles.world import World


async def test_text_risk_and_deadline_all_have_to_fit(world: World) -> None:
    (request,) = await world.asked("quote")
    assert request.expires_at is not None
    other = next(risk for risk in Risk if risk is not request.risk)
    soon, late = request.expires_at, request.expires_at - timedelta(seconds=1)

    for wanted, fits in (
        (Wanted(), True),
        (Wanted(text="QUOTE"), True),
        (Wanted(text=f"quote {request.requester}"), True),
        (Wanted(text="quote nothing-like-it"), False),
        (Wanted(risk=request.risk), True),
        (Wanted(risk=other), False),
        (Wanted(kind=request.kind), True),
        (Wanted(kind=RequestKind.INPUT), False),
        (Wanted(due_before=soon), True),
        (Wanted(due_before=late), False),
    ):
        assert fits == wanted.fits(request), wanted
    without = request.model_copy(update={"expires_at": None})
    assert not Wanted(due_before=soon).fits(without)
    assert [True, False] == [Wanted().is_all, Wanted(text="x").is_all]


async def test_a_search_goes_on_by_pages_and_looks_at_so_many_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [(await world.asked("quote"))[0] for _ in range(5)]
    monkeypatch.setattr(waiting, "AT_ONCE", 2)
    monkeypatch.setattr(waiting, "SEARCHED", 4)
    first = await world.records.search(BEN, Wanted(text="quote"), limit=2)
    assert first.next is not None
    rest = await world.records.search(BEN, Wanted(text="quote"), limit=9, cursor=first.next)

    assert {r.id for r in asked} == {r.id for r in (*first.items, *rest.items)}
    assert rest.next is None
    # There is one more than is looked at: nothing fits so far, and yet it goes on.
    none = await world.records.search(BEN, Wanted(text="nothing-like-it"), limit=2)
    assert ((), True) == (none.items, none.next is not None)
    last = await world.records.search(
        BEN, Wanted(text="nothing-like-it"), limit=2, cursor=none.next
    )
    assert ((), None) == (last.items, last.next)
    assert () == (await world.records.search(DAVE, Wanted(text="quote"))).items
