"""A role can be held for some calls only: at the vote, at the claim, and in every list."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import NotAuthorisedError, NotFoundError
from countersign.approvals.models import (
    Domain,
    People,
    Principal,
    Request,
    RequestStatus,
    Result,
    Scope,
    Subject,
)
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, ROOT
from tests.doubles.world import World

QUOTE = Subject("quote", "seller", "sales")
FINANCE = {"finance": Domain(tools=frozenset({"quote"}))}


def limited(who: Principal, **scope: Any) -> Principal:
    """The person, who manages so much only."""
    held = Scope.model_validate({key: frozenset({value}) for key, value in scope.items()})
    return who.model_copy(update={"roles": frozenset({"manager"}), "scopes": {"manager": (held,)}})


@pytest.mark.parametrize(
    ("scope", "holds"),
    [
        ({"tools": "quote"}, True),
        ({"tools": "pay"}, False),
        ({"agents": "seller"}, True),
        ({"agents": "buyer"}, False),
        ({"workflows": "sales"}, True),
        ({"workflows": "payroll"}, False),
        ({"domains": "finance"}, True),
        ({"domains": "people"}, False),
        ({"tools": "quote", "agents": "buyer"}, False),
    ],
)
def test_a_scope_limits_by_all_that_it_names(scope: dict[str, str], holds: bool) -> None:
    people = People([limited(BEN, **scope), CARA], domains=FINANCE)
    narrowed = people.about(QUOTE)
    expected = [BEN.id, CARA.id] if holds else [CARA.id]
    ben = narrowed.by_id(BEN.id)

    assert expected == [person.id for person in narrowed.with_roles(["manager"])]
    assert ben is not None
    assert holds == ("manager" in ben.roles)
    assert [BEN.id, CARA.id] == [person.id for person in narrowed.everybody()]
    assert 2 == len(narrowed)
    assert narrowed is people.about(QUOTE)


def test_so_many_different_calls_are_kept_and_no_more() -> None:
    people = People([limited(BEN, tools="quote")])
    for number in range(300):
        people.about(Subject(f"tool{number}", "a", "w"))

    assert len(people._narrowed) <= 256


async def test_only_who_holds_it_for_this_call_may_decide(world: World) -> None:
    world.directory.put(limited(BEN, tools="pay"))
    (request,) = await world.asked("quote")
    view = await world.records.view(request.id)
    with pytest.raises(NotAuthorisedError, match="This needs the role manager"):
        await world.vote(request, limited(BEN, tools="pay"))

    assert [CARA.id] == [person.id for person in view.eligible]
    assert [] == list(await world.records.waiting_for(limited(BEN, tools="pay")))
    assert [request.id] == [r.id for r in await world.records.waiting_for(CARA)]

    approved = await world.vote(request, CARA)

    assert RequestStatus.APPROVED is approved.status


async def test_somebody_unknown_by_now_may_not_decide(world: World) -> None:
    (request,) = await world.asked("quote")
    ben = limited(BEN, tools="quote")
    world.directory.remove("ben")
    with pytest.raises(NotAuthorisedError, match="not known here"):
        await world.vote(request, ben)


async def test_a_scope_that_was_taken_back_counts_at_the_claim(world: World) -> None:
    world.directory.put(limited(BEN, workflows="sales"))
    run, request = await world.approved()
    world.directory.put(limited(BEN, workflows="payroll"))
    claimed = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(claimed, Result)
    assert "no longer holds the role manager" in claimed.message


async def test_what_nobody_may_decide_is_asked_of_nobody(world: World) -> None:
    world.directory.put(limited(BEN, tools="pay"))
    world.directory.put(limited(CARA, agents="buyer"))
    (request,) = await world.asked("quote")

    assert request.result is not None
    assert "manager" in request.result.message
    assert request.status is not RequestStatus.PENDING


async def test_that_nobody_is_left_for_one_tool_is_told(world: World) -> None:
    quote, pay = await world.asked("quote", "pay")
    world.directory.put(limited(BEN, tools="pay"))
    world.directory.put(limited(CARA, tools="pay"))
    told = await world.domain.review.run()
    kinds = await world.kinds(quote.session_id)

    assert 1 == told
    assert 1 == kinds.count("nobody_left")

    world.directory.put(BEN)
    await world.domain.review.run()

    assert "somebody_again" in await world.kinds(pay.session_id)


async def test_a_doubt_is_resolved_by_those_who_hold_it_for_the_call(world: World) -> None:
    run, request = await world.executing()
    await world.runs.unknown(run, request.id, message="The line broke.")
    from tests.doubles.directory import acting

    with pytest.raises(NotAuthorisedError):
        await world.approvals.resolve(
            request.id, acting(limited(CARA, tools="pay")), happened=True, note="It is there."
        )


async def seen(world: World, who: Principal) -> tuple[list[str], list[str]]:
    """The requests and sessions that somebody may read, by tool and workflow."""
    requests = await world.records.requests(reader=who, limit=1)
    found = [r.tool for r in requests.items]
    if requests.next:
        more = await world.records.requests(reader=who, cursor=requests.next)
        found += [r.tool for r in more.items]
    sessions = await world.records.sessions(reader=who)
    return sorted(found), [session.workflow for session in sessions.items]


async def of_two(world: World) -> tuple[Request, Request]:
    """One in a domain, one in none, in sessions of their own."""
    world.directory.domains = FINANCE
    (quote,) = await world.asked("quote")
    (pay,) = await world.asked("pay")
    return quote, pay


@pytest.mark.parametrize(
    "who",
    [ANNA, BEN, ROOT, ERIN.model_copy(update={"domains": frozenset({"finance"})})],
    ids=["asked", "may decide", "administrator", "reads the domain"],
)
async def test_what_is_in_a_domain_is_read_by_those_concerned(world: World, who: Principal) -> None:
    quote, _ = await of_two(world)
    await world.records.require_seen(who, quote.id)
    await world.records.require_session_seen(who, quote.session_id)

    assert (["pay", "quote"], ["sales", "sales"]) == await seen(world, who)


@pytest.mark.parametrize(
    "who",
    [DAVE, ERIN, limited(BEN, tools="pay")],
    ids=["decides others", "decides nothing", "manages other calls"],
)
async def test_others_do_not_learn_that_there_is_something(world: World, who: Principal) -> None:
    quote, pay = await of_two(world)
    await world.records.require_seen(who, pay.id)
    with pytest.raises(NotFoundError, match=quote.id):
        await world.records.require_seen(who, quote.id)
    with pytest.raises(NotFoundError, match=quote.session_id):
        await world.records.require_session_seen(who, quote.session_id)

    assert (["pay"], ["sales"]) == await seen(world, who)


async def test_a_workflow_in_a_domain_is_hidden_before_it_has_asked_anything(world: World) -> None:
    world.directory.domains = {"hr": Domain(workflows=frozenset({"sales"}))}
    await world.start()

    assert ([], []) == await seen(world, BEN)
    assert ([], ["sales"]) == await seen(world, ANNA)


async def test_without_domains_everybody_reads_everything(world: World) -> None:
    await world.asked("quote")

    assert (["quote"], ["sales"]) == await seen(world, ERIN)
