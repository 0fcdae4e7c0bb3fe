"""Conditions on what was before, and on what is proposed beside: seen once, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import (
    Request,
    RequestStatus,
    Result,
    Reversibility,
    SessionId,
    Verdict,
)
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.examples import ExampleCall
from countersign.approvals.rules.explaining import explain
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rulebook import Tools
from countersign.approvals.rules.seeing import Needs
from countersign.approvals.runs import Run
from tests.doubles.catalog import QUOTE_SCHEMA
from tests.doubles.directory import BEN
from tests.doubles.world import World

REST = {"id": "rest", "tool": "*", "effect": "require_approval", "roles": ["manager"]}


def ruled(*conditions: str, effect: str = "allow", **more: Any) -> Mapping[str, Any]:
    """Calls are allowed where a condition holds; else a manager is asked."""
    rules = [
        {"id": f"r{n}", "tool": ["look", "pay"], "when": when, "effect": effect}
        for n, when in enumerate(conditions)
    ]
    return {"zone": "Europe/Berlin", "rules": [*rules, REST], **more}


async def proposed(world: World, tool: str = "look", **arguments: Any) -> tuple[Run, Request]:
    run = await world.begun()
    given = {"customer": "Contoso", "amount": 5, **arguments}
    (request,) = await world.submit(run, world.proposal(run.session.id, tool, given))
    return run, request


async def ran(world: World, **arguments: Any) -> tuple[Run, Request]:
    run, request = await proposed(world, **arguments)
    if request.status is RequestStatus.PENDING:
        await world.vote(request)
        run = await world.begin(run.session.id)
    got = await world.runs.claim(run, request.id, request.arguments)
    assert isinstance(got, Request)
    return run, got


async def rule_of(world: World, **arguments: Any) -> str:
    return (await proposed(world, **arguments))[1].rule_id


async def sound(world: World) -> None:
    assert () == (await world.records.verify()).problems


async def test_today_counts_calls_of_the_tool_that_ran(world: World) -> None:
    world.use(ruled("history.today < 2"))
    for _ in range(2):
        assert "r0" == (await ran(world))[1].rule_id
    run, third = await proposed(world)

    assert ("rest", {"history": {"today": 2}}) == (third.rule_id, third.seen)
    assert "r0" == await rule_of(world, tool="pay")
    world.clock.advance(86400)
    assert "r0" == await rule_of(world)
    entry = next(e for e in await world.records.ledger(run.session.id) if e.kind == "proposed")
    assert {"history": {"today": 2}} == entry.body["seen"]
    await sound(world)


async def test_a_call_of_which_nothing_happened_does_not_count(world: World) -> None:
    world.use(ruled("history.today < 1"))
    run, request = await ran(world)
    assert "rest" == await rule_of(world)
    await world.runs.finish(run, request.id, ok=False, content="No such customer.")

    assert "r0" == await rule_of(world)
    await sound(world)


async def test_each_requester_is_counted_alone(world: World) -> None:
    world.use(ruled("history.by_requester_today < 1"))
    await ran(world)
    run = await world.begin(
        (
            await world.runs.start(
                workflow="sales", workflow_version="1", task="Quote", owner=BEN.id
            )
        ).id
    )
    (request,) = await world.submit(run, "look")

    assert "rest" == await rule_of(world)
    assert "r0" == request.rule_id


async def test_same_says_whether_the_value_was_there_before(world: World) -> None:
    world.use(ruled('history.same("customer")'))
    assert "rest" == (await ran(world, customer="ACME"))[1].rule_id
    world.clock.advance(400 * 86400)

    assert ["r0", "rest"] == [await rule_of(world, customer=name) for name in ("ACME", "Other")]
    await sound(world)


async def test_what_a_condition_saw_stays_so_while_people_decide(world: World) -> None:
    world.use(ruled("history.today > 0", effect="deny"))
    waiting, request = await proposed(world)
    await ran(world)
    await world.vote(request)
    waiting = await world.begin(waiting.session.id)
    got = await world.runs.claim(waiting, request.id, request.arguments)

    assert isinstance(got, Request)
    assert {"history": {"today": 0}} == got.seen
    assert "r0" == await rule_of(world)


async def test_an_edit_is_looked_at_anew(world: World) -> None:
    world.use(ruled('history.same("customer")'))
    await ran(world, customer="ACME")
    _, request = await proposed(world, customer="Other")
    assert {"history": {"same": {"customer": False}}} == request.seen
    await world.vote(request, verdict=Verdict.MODIFY, arguments={"customer": "ACME", "amount": 1})
    now = await world.now(request)

    assert {"history": {"same": {"customer": True}}} == now.seen
    run = await world.begin(now.session_id)
    assert isinstance(await world.runs.claim(run, now.id, now.arguments), Request)
    await sound(world)


async def test_rules_that_look_at_more_ask_again_what_waits(world: World) -> None:
    world.use(ruled("args.amount < 1"))
    run, request = await proposed(world)
    world.use(ruled("history.today < 0"))
    assert 1 == await world.approvals.ask_again_what_changed()
    again = await world.now(request)

    assert ({"history": {"today": 0}}, 2) == (again.seen, again.revision)
    assert 0 == await world.approvals.ask_again_what_changed()
    await world.vote(again)
    run = await world.begin(run.session.id)
    assert isinstance(await world.runs.claim(run, again.id, again.arguments), Request)
    await sound(world)


async def test_the_whole_of_what_is_proposed_together(world: World) -> None:
    batch = 'batch.size <= 2 && batch.reversibility != "irreversible" && batch.total("amount") <= 9'
    world.use(ruled(batch, reversibility={"look": "read_only", "pay": "externally_reversible"}))

    found: list[Request] = []

    async def together(*calls: tuple[str, Any]) -> list[str]:
        run = await world.begun()
        made = [
            world.proposal(run.session.id, tool, {"customer": "C", "amount": amount})
            for tool, amount in calls
        ]
        found.extend(await world.submit(run, *made))
        return [r.rule_id for r in found[-len(made) :]]

    assert ["r0", "r0"] == await together(("look", 4), ("pay", 5))
    assert ["rest", "rest"] == await together(("look", 4), ("pay", 5.01))
    assert ["rest"] * 3 == await together(("look", 1), ("look", 1), ("pay", 1))
    assert ["rest", "rest"] == await together(("look", 1), ("drop", 1))
    assert {
        "batch": {"size": 2, "reversibility": "externally_reversible", "total": {"amount": "9"}}
    } == found[0].seen
    await sound(world)


async def test_nothing_is_added_up_where_no_rule_speaks_of_a_total(world: World) -> None:
    world.use(ruled("batch.size <= 2", reversibility={"look": "read_only"}))
    two = await world.submit(await world.begun(), "look", "look")
    three = await world.submit(await world.begun(), "look", "look", "look")

    assert ["r0"] * 2 == [each.rule_id for each in two]
    assert {"batch": {"size": 2, "reversibility": "read_only"}} == two[0].seen
    assert ["rest"] * 3 == [each.rule_id for each in three]


@pytest.mark.parametrize("amounts", [[1, "x"], [1, None], [1e300, 1], [True]])
async def test_a_total_that_nobody_can_say_denies(world: World, amounts: list[Any]) -> None:
    world.use(ruled('batch.total("amount") >= 0'))
    run = await world.begun()
    calls = [world.proposal(run.session.id, "look", {"amount": each}) for each in amounts]
    found = await world.submit(run, *calls)

    assert {RequestStatus.REJECTED} == {each.status for each in found}


async def test_a_total_of_two_currencies_denies(world: World) -> None:
    world.use(ruled('batch.total("amount") >= 0'))
    run = await world.begun()
    calls = [
        world.proposal(run.session.id, "look", {"amount": 1, "currency": code})
        for code in ("EUR", "USD")
    ]
    first, _ = await world.submit(run, *calls)

    assert RequestStatus.REJECTED is first.status
    assert 'batch.total("amount") is not known here' in first.reason


async def test_what_has_no_such_argument_was_never_the_same(world: World) -> None:
    world.use(ruled('has(args.payee) && history.same("payee")'))
    run, request = await proposed(world)
    assert {"history": {"same": {"payee": False}}} == request.seen
    await world.vote(request)
    run = await world.begin(run.session.id)
    assert not isinstance(await world.runs.claim(run, request.id, request.arguments), Result)
    await sound(world)


TYPED = Tools({("sales", "look"): QUOTE_SCHEMA})


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("history.yesterday > 1", "history has no yesterday; there is by_requester_today, today"),
        ("history.today", "a condition says true or false"),
        ("history.today > 'a'", "history.today"),
        ('history.same("customr")', "look has no argument customr; did you mean customer?"),
        ("history.same(args.customer)", 'write history.same("…") with the name of an argument'),
        ("history.same()", 'write history.same("…")'),
        ('same("customer")', 'write history.same("…")'),
        ('batch.same("customer")', 'write history.same("…")'),
        ('history.total("amount") > 1', 'write batch.total("…")'),
        ('batch.total("customer") > 1', "customer is a text, not a number"),
        ('batch.reversibility == "bad"', "bad"),
        ("batch.sise > 1", "did you mean size?"),
    ],
)
def test_what_is_wrong_is_said_when_the_policy_is_read(when: str, says: str) -> None:
    rules = {**ruled(), "rules": [{"id": "r", "tool": "look", "when": when, "effect": "allow"}]}
    try:
        found = [said for _, said in Policy.load(rules).knowing(TYPED).problems()]
    except ConfigurationError as exc:
        found = list(exc.problems)

    assert any(says in each for each in found), found


@pytest.mark.parametrize("when", ['history.same("customer")', 'batch.total("amount") > 1.0'])
def test_arguments_that_the_tool_has_may_be_named(when: str) -> None:
    rules = {"rules": [{"id": "r", "tool": "look", "when": when, "effect": "allow"}]}

    assert [] == Policy.load(rules).knowing(TYPED).problems()


def test_lists_are_not_compared_with_what_was_before() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "array"}}}
    rules = {"rules": [{"id": "r", "tool": "t", "when": 'history.same("x")', "effect": "allow"}]}
    (problem,) = Policy.load(rules).knowing(Tools({("w", "t"): schema})).problems()

    assert "x is a list, not a simple value" in problem[1]


def test_a_day_begins_somewhere() -> None:
    rules = {"rules": [{"id": "r", "tool": "t", "when": "history.today > 1", "effect": "deny"}]}
    with pytest.raises(ConfigurationError, match=r"write policy\.zone, as Europe/Berlin"):
        Policy.load(rules)
    Policy.load({**rules, "zone": "Europe/Berlin"})
    with pytest.raises(ConfigurationError, match="is no time zone"):
        Policy.load({**rules, "zone": "Berlin"})


def test_explaining_takes_it_from_the_file() -> None:
    policy = Policy.load(
        ruled(
            'history.today < 2 && history.by_requester_today < 1 && history.same("customer")',
            'batch.size > 1 && batch.reversibility == "read_only" && batch.total("amount") > 7',
        )
    )

    def said(**more: Any) -> tuple[str, str]:
        asked = ExampleCall.model_validate(
            {"tool": "look", "arguments": {"customer": "C", "amount": 5}, "workflow": "w", **more}
        )
        needs = policy.needs(asked.call, "w")
        seen = asked.seen(needs, asked.call, policy.book.reversibility("look"))
        found = explain(policy, asked.call, Situation(workflow="w", **(seen or {})))
        return found.ruling.rule_id, found.considered[-1].why

    assert "rest" == said()[0]
    same = {"same": {"customer": True}}
    rule, why = said(history={"today": 1, **same})
    assert "r0" == rule
    assert (
        'history.today is 1, history.by_requester_today is 0, history.same("customer") is true'
        in why
    )
    assert "rest" == said(history={"today": 2, **same})[0]
    assert "r1" == said(batch={"size": 2, "reversibility": "read_only", "total": {"amount": 8}})[0]
    assert "rest" == said(batch={"size": 2})[0]
    plain = Policy.load({"tools": {"look": "allow"}})
    assert Needs() == plain.needs(ExampleCall(tool="look").call, None)
    alone = ExampleCall(tool="look")
    assert alone.seen(Needs(), alone.call, Reversibility.READ_ONLY) is None


async def test_names_of_one_function_need_what_either_rule_speaks_of(world: World) -> None:
    rules = [
        {"id": "a", "tool": "look", "when": "history.today < 9", "effect": "allow"},
        {"id": "b", "tool": "peek", "when": "batch.size < 9", "effect": "allow"},
    ]
    policy = Policy.load({"zone": "UTC", "rules": rules}).strictest([frozenset({"look", "peek"})])
    call = world.proposal(SessionId("S"), "peek").call

    assert Needs(frozenset({"today"}), batch=True) == policy.needs(call, None)


async def test_where_nothing_was_looked_at_it_is_not_known(world: World) -> None:
    policy = Policy.load(ruled('history.same("customer")'))
    call = world.proposal(SessionId("S"), "look").call
    ruling = policy.rule(call, Situation(history={"today": 1}))

    assert 'history.same("customer") is not known here' in ruling.reason
