"""Load: a person is sent so many requests at a time, and others who may decide the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import Request
from countersign.approvals.rules.policy import Policy
from countersign.approvals.store import loads
from tests.doubles.directory import BEN, CARA, DAVE, ERIN
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio

ASKS = {"effect": "require_approval", "roles": ["manager"]}


def rules(most: int | None = 2, **more: Any) -> Mapping[str, Any]:
    own = {"effect": "require_approval", "stages": [{"people": ["ben"]}]}
    tools = {"quote": ASKS, "own": own, **more}
    return {"tools": tools, **({} if most is None else {"most_open": most})}


async def sent(world: World, tool: str = "quote", **arguments: Any) -> tuple[Request, list[str]]:
    """A new request, and who is sent it."""
    (request,) = await world.asked(tool)
    found = await world.records.deliveries(request.id)
    return request, sorted(each.target.removeprefix("person:") for each in found)


async def test_without_a_limit_everybody_who_may_decide_is_sent_everything(world: World) -> None:
    world.use(rules(None))
    for _ in range(4):
        _, to = await sent(world)
        assert ["ben", "cara"] == to


async def test_whoever_has_enough_open_is_sent_no_more_while_others_may(world: World) -> None:
    world.use(rules())
    first, to_ben = await sent(world, "own")
    await sent(world, "own")
    request, to = await sent(world)

    assert ["ben"] == to_ben
    assert ["cara"] == to
    # What they are not sent they may decide all the same.
    view = await world.records.view(request.id)
    assert {BEN.id, CARA.id} == {person.id for person in view.eligible}
    await world.vote(request, BEN)
    await world.vote(first, BEN)
    assert ["ben", "cara"] == (await sent(world))[1]


async def test_the_limit_is_never_a_way_to_somebody_who_may_not_decide(world: World) -> None:
    world.use(rules(1))
    for number in range(5):
        _, to = await sent(world, "own")
        assert ["ben"] == to, number  # whoever alone may decide is sent all of it
    everybody = {BEN.id, CARA.id}
    for _ in range(5):
        _, to = await sent(world)
        assert to
        assert everybody >= set(to)
    assert not {DAVE.id, ERIN.id} & set(to)


async def test_where_all_have_enough_it_goes_to_who_has_least(world: World) -> None:
    world.use(rules(1))
    _, both = await sent(world)
    await sent(world, "own")
    _, least = await sent(world)

    assert ["ben", "cara"] == both
    assert ["cara"] == least


async def test_as_many_are_sent_it_as_it_needs(world: World) -> None:
    two = {"effect": "require_approval", "stages": [{"roles": ["manager"], "quorum": 2}]}
    beside = {
        "effect": "require_approval",
        "stages": [
            {"roles": ["manager"], "parallel": True}, {"roles": ["controller"], "parallel": True},
        ],
    }  # fmt: skip
    world.use(rules(1, pay=two, wire=beside))
    await sent(world, "own")
    _, quorum = await sent(world, "pay")
    _, parallel = await sent(world, "wire")
    request, again = await sent(world, "wire")

    assert ["ben", "cara"] == quorum
    assert ["cara", "dave"] == parallel  # a full manager is needed, the free controller was asked
    assert ["ben", "dave"] == again or ["cara", "dave"] == again
    await world.vote(request, DAVE)


async def test_what_is_of_high_risk_is_sent_to_everybody(world: World) -> None:
    world.use(rules(1, pay={**ASKS, "risk": "high"}))
    await sent(world, "own")
    await sent(world, "own")
    _, to = await sent(world, "pay")

    assert ["ben", "cara"] == to


async def test_many_people_are_counted_a_few_at_a_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loads, "AT_ONCE", 1)
    world.use(rules(1))
    request, _ = await sent(world)
    ids = [BEN.id, CARA.id, DAVE.id]
    with_it = await world.store.read(
        lambda c: loads.open_for(c, "teams", ids, request.id.__class__("R-other"))
    )
    without = await world.store.read(lambda c: loads.open_for(c, "teams", ids, request.id))
    elsewhere = await world.store.read(
        lambda c: loads.open_for(c, "email", ids, request.id.__class__("R-other"))
    )

    assert {BEN.id: 1, CARA.id: 1} == with_it
    assert ({}, {}) == (without, elsewhere)


@pytest.mark.parametrize(
    ("value", "says"), [(0, "1 or more"), (10_001, "10000 or less"), ("few", "whole number")]
)
async def test_a_limit_that_makes_no_sense_is_refused(value: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=f"policy.most_open.*{says}"):
        Policy.load({"tools": {"quote": ASKS}, "most_open": value})


async def test_a_policy_without_a_limit_has_the_version_that_it_had() -> None:
    before = Policy.load({"tools": {"quote": ASKS}})

    assert "most_open" not in before.document.text()
    assert before.version != Policy.load({"tools": {"quote": ASKS}, "most_open": 3}).version
