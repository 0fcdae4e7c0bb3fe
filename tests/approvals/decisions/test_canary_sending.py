"""Canaries: when one is sent, and why not: limits, quiet hours, and what does not fit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import CanaryEnd, Checked, QuietHours, Request, Verdict
from tests.approvals.decisions.test_canaries import (
    begin,
    known,
    policy,
    sent,
    until_drawn,
    waiting,
)
from tests.doubles.directory import BEN, CARA
from tests.doubles.world import World


async def drawn_once(world: World) -> list[Request]:
    until_drawn(world)
    await world.domain.canaries.send()
    return await waiting(world)


async def test_each_draw_is_sent_once_by_however_many_servers(world: World) -> None:
    canary = await sent(world, policy(per_person="1s"))
    world.clock.advance(5)
    await world.domain.canaries.send()
    for _ in range(2):
        begin(world, policy(per_person="1s"))
        await world.domain.canaries.send()

    assert [canary.id] == [each.id for each in await waiting(world)]
    assert 32 * 2 == len(known(canary).draw)


async def test_without_a_key_none_is_drawn(world: World) -> None:
    begin(world, key=None)
    await world.asked()

    assert [] == await drawn_once(world)


async def test_where_no_rule_says_so_none_is_sent(world: World) -> None:
    begin(world, {"tools": {"quote": policy()["tools"]["quote"] | {"canaries": None}}})
    await world.asked()
    await world.domain.canaries.send()

    assert [] == await waiting(world)


async def test_where_nobody_was_asked_lately_it_would_be_known(world: World) -> None:
    begin(world)
    assert [] == await drawn_once(world)
    await world.asked("look")
    assert [] == await drawn_once(world)
    await world.asked()
    world.clock.advance(31 * 86400)
    assert [] == await drawn_once(world)
    await world.asked()
    assert 1 == len(await drawn_once(world))


async def test_nobody_is_sent_a_second_one_too_soon(world: World) -> None:
    first = await sent(world)
    await world.vote(first, BEN, Verdict.REJECT)
    world.clock.advance(20 * 86400)
    await world.asked()
    assert [] == await drawn_once(world)
    world.clock.advance(10 * 86400)
    assert 1 == len(await drawn_once(world))


async def test_nobody_is_disturbed_in_quiet_hours(world: World) -> None:
    begin(world)
    await world.asked()
    until_drawn(world)
    now = world.clock.now()
    begins, ends = now - timedelta(hours=1), now + timedelta(hours=1)
    quiet = QuietHours(begins=begins.time(), ends=ends.time(), zone="UTC")
    world.directory.put(CARA.model_copy(update={"quiet": quiet}))
    await world.domain.canaries.send()
    assert [] == await waiting(world)
    quiet = QuietHours(begins=ends.time(), ends=(ends + timedelta(hours=1)).time(), zone="UTC")
    world.directory.put(CARA.model_copy(update={"quiet": quiet}))
    begin(world)
    await world.domain.canaries.send()
    assert 1 == len(await waiting(world))


async def test_it_is_nobodys_request_too_many(world: World) -> None:
    begin(world, policy(most_open=2, deadline="30d"))
    open_ = [(await world.asked())[0] for _ in range(2)]
    assert [] == await drawn_once(world)
    for each in open_:
        await world.vote(each)
    assert 1 == len(await drawn_once(world))


@pytest.mark.parametrize(
    "example",
    [
        {"arguments": {"customer": "Contoso", "amount": -1}},  # does not fit the tool
        {"requester": "ben", "arguments": {"customer": "Contoso"}},
    ],
)
async def test_an_example_that_does_not_fit_is_not_sent(
    world: World, example: dict[str, Any]
) -> None:
    begin(world, policy(example))
    await world.asked()

    assert [] == await drawn_once(world)


async def test_an_example_on_which_another_rule_rules_is_not_sent(world: World) -> None:
    rules = policy({"arguments": {"customer": "Contoso", "amount": 1000}})
    large = {"id": "large", "tool": "quote", "when": "args.amount >= 500.0", "effect": "deny"}
    begin(world, {**rules, "rules": [large]})
    await world.asked()

    assert [] == await drawn_once(world)


async def test_it_shows_what_the_tools_own_check_finds(world: World) -> None:
    begin(world)
    await world.asked()
    world.catalog.finds = Checked(facts={"stock": 3})
    (canary,) = await drawn_once(world)
    assert {"stock": 3} == canary.facts


async def test_of_a_tool_that_is_not_there_none_is_sent(world: World) -> None:
    begin(world)
    await world.asked()
    world.catalog.schemas = {}
    assert [] == await drawn_once(world)


async def test_a_store_that_cannot_be_read_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(world)
    await world.asked()
    until_drawn(world)

    async def away(*_: object) -> None:
        raise UnavailableError("The database is away.")

    with monkeypatch.context() as patched:
        patched.setattr(world.store, "read", away)
        with pytest.raises(UnavailableError):
            await world.domain.canaries.send()
    await world.domain.canaries.send()

    assert 1 == len(await waiting(world))


async def test_it_draws_on_no_budget_and_no_rule_counts_it(world: World) -> None:
    few = {"tool": "quote", "window": "day", "count": {"hard": 5}, "zone": "UTC"}
    canary = await sent(world, policy(budgets={"few": few}))
    await world.vote(canary, BEN)
    (real,) = await world.asked()

    assert 1 == canary.budgets[0].count == real.budgets[0].count


async def test_a_rule_that_changes_asks_a_canary_of_nobody_again(world: World) -> None:
    canary = await sent(world)
    rules = policy()
    rules["tools"]["quote"] |= {"roles": ["controller"], "remind": ["10m"]}
    begin(world, rules)

    assert 0 == await world.approvals.ask_again_what_changed()
    assert (None, canary.digest) == ((now := await world.now(canary)).timing, now.digest)
    after = await world.vote(canary, BEN)
    assert CanaryEnd.MISSED is known(after).end


async def test_what_its_rule_reminds_of_and_escalates_is_left_out(world: World) -> None:
    rules = policy()
    rules["tools"]["quote"] |= {
        "remind": ["10m"],
        "escalate": [{"after": "20m", "roles": ["boss"]}],
    }
    canary = await sent(world, rules)

    assert (None, None) == (canary.timing, canary.next_step_at)
    assert canary.expires_at is not None
