"""What one message may show of a checkpoint, and that it ends as the calls have ended."""

from __future__ import annotations

import pytest

from countersign.approvals.forms.together import name_of
from countersign.approvals.models import Delivery, Domain, RequestKind
from countersign.approvals.ports import RequestView
from tests.approvals.decisions.test_steps import work
from tests.approvals.delivery.test_companions import rows, together
from tests.doubles.directory import BEN
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio


async def test_calls_of_different_domains_are_not_shown_together(world: World) -> None:
    """Whoever may read one need not be one who may read the other; what belongs to no domain is
    read by everybody."""
    world.directory.domains = {
        "finance": Domain(tools=frozenset({"pay"})),
        "legal": Domain(tools=frozenset({"ship"})),
    }
    asked = await together(world, "pay", "ship", "pay", "ship", "sign")
    await work(world)
    pay, ship, again, other, sign = asked
    calls = {view.request.id: view.calls for view in world.channel.cards.values()}
    views = [await world.records.view(each.id) for each in asked]
    beside = [{each.id for each in view.siblings} for view in views]

    assert {
        pay.id: name_of([pay, again]),
        ship.id: name_of([ship, other]),
        sign.id: "",
    } == calls
    in_one = world.records.views.in_one_message
    asked_for = pay.model_copy(update={"kind": RequestKind.INPUT})
    question = views[0].model_copy(update={"request": asked_for})

    assert (pay, again) == in_one(views[0], asked[1:])
    assert (asked_for,) == in_one(question, asked[1:])
    assert [
        {again.id, sign.id},
        {other.id, sign.id},
        {pay.id, sign.id},
        {ship.id, sign.id},
        set(),
    ] == beside


async def test_what_was_drawn_before_another_call_changed_is_drawn_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One server draws the message for one call. Another call changes meanwhile, and another server
    draws that; then what the first one has drawn arrives."""
    one, two = await together(world, "pay", "pay")
    await work(world)
    for each in (one, two):
        await world.vote(each, BEN)
    run = await world.begin(one.session_id)
    for each in (one, two):
        await world.runs.claim(run, each.id, each.arguments)
    await work(world)
    before = list(world.channel.updated)
    at_once = world.channel.update

    async def late(delivery: Delivery, view: RequestView) -> None:
        monkeypatch.setattr(world.channel, "update", at_once)
        await world.runs.finish(run, two.id, ok=True, content="")
        await work(world)
        await at_once(delivery, view)

    monkeypatch.setattr(world.channel, "update", late)
    await world.runs.finish(run, one.id, ok=True, content="")
    await work(world)
    card = world.channel.cards["card-1"]
    statuses = {each.id: str(each.status) for each in (card.request, *card.siblings)}
    shown = await rows(world, [one, two])

    assert {one.id: "executed", two.id: "executed"} == statuses
    assert [*before, *["card-1"] * 3] == world.channel.updated
    assert [None, None] == [each.next_at for each in shown]
