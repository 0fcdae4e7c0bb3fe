"""What people put on record of calls afterwards: by whom, once, compared, and on the ledger."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import (
    ConflictError,
    InvalidArgumentsError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
)
from countersign.approvals.models import Hindsight, HindsightKind, Principal, Request, RequestId
from countersign.approvals.store.replaying import replay
from tests.doubles.directory import ANNA, BEN, CARA, ERIN, ROOT, STRANGER, acting
from tests.doubles.world import QUOTE, World

SHADOW: dict[str, Any] = {"effect": "shadow", "roles": ["manager"], "tolerances": {"amount": 5}}


async def in_shadow(world: World, rule: Any = SHADOW) -> Request:
    world.change_rule("quote", rule)
    (request,) = await world.asked()
    return request


async def by_hand(
    world: World, request: Request, arguments: Any = QUOTE, who: Principal | None = BEN, **more: Any
) -> Hindsight:
    person = STRANGER if who is None else acting(who)
    recording = world.approvals.recording
    return await recording.by_hand(request.id, person, arguments=arguments, **more)


async def wrong(
    world: World, request: Request, who: Principal | None = BEN, reason: str = " Twice. "
) -> Hindsight:
    person = STRANGER if who is None else acting(who)
    return await world.approvals.recording.wrong(request.id, person, reason=reason)


async def executed(world: World, tool: str = "quote") -> Request:
    run = await world.begun()
    (request,) = await world.submit(run, tool)
    if tool == "quote":
        await world.vote(request)
        run = await world.begin(run.session.id)
    await world.runs.claim(run, request.id, request.arguments)
    await world.runs.finish(run, request.id, ok=True, content="Q-1")
    return await world.now(request)


async def sound(world: World) -> bool:
    found = await world.records.verify()
    assert found.verified, found.problems
    return True


@pytest.mark.parametrize(
    ("done", "agrees", "differs"),
    [
        (QUOTE, True, ()),
        ({**QUOTE, "amount": 104}, True, ()),
        ({**QUOTE, "amount": 120}, False, ("amount",)),
        (None, False, ()),
    ],
)
async def test_what_was_done_by_hand_is_compared_with_what_was_proposed(
    world: World, done: Any, agrees: bool, differs: tuple[str, ...]
) -> None:
    request = await in_shadow(world)
    found = await by_hand(world, request, done, text=" In the CRM. ")

    assert (done, agrees, differs) == (found.arguments, found.agrees, found.differs)
    assert (BEN.id, "Ben", "In the CRM.") == (found.principal_id, found.name, found.text)
    assert (found,) == (await world.records.view(request.id)).hindsights
    entry = (await world.records.ledger(request.session_id))[-1]
    assert entry.kind == "done_by_hand"
    told = ("by", "arguments", "agrees", "differs", "digest")
    assert [BEN.id, done, agrees, list(differs), request.digest] == [entry.body[n] for n in told]
    assert await sound(world)


async def test_the_replay_tells_both_what_was_proposed_and_what_was_done(world: World) -> None:
    request = await in_shadow(world)
    await by_hand(world, request, {**QUOTE, "amount": 120})

    (told,) = replay(await world.records.ledger(request.session_id)).requests
    assert told["arguments"] == QUOTE
    (said,) = told["hindsights"]
    assert ({**QUOTE, "amount": 120}, ["amount"]) == (said["arguments"], said["differs"])


async def test_whoever_is_second_learns_who_was_first(world: World) -> None:
    request = await in_shadow(world)
    await by_hand(world, request)
    with pytest.raises(ConflictError, match="Ben recorded what was done at 2026-"):
        await by_hand(world, request, None, CARA)

    assert len((await world.records.view(request.id)).hindsights) == 1


async def test_a_default_that_nobody_typed_is_filled_in_as_the_tool_would(world: World) -> None:
    request = await in_shadow(world)
    assert world.catalog.schema("sales", "quote") is not None
    with pytest.raises(InvalidArgumentsError, match="customer"):
        await by_hand(world, request, {"amount": 100})
    world.catalog.schemas = {}  # nobody knows the tool any more: it is taken as it is
    found = await by_hand(world, request, {"amount": 100})

    assert ("customer",) == found.differs


@pytest.mark.parametrize(
    ("who", "rule", "said"),
    [
        (None, SHADOW, "You are not known here"),
        (ANNA, SHADOW, "You asked for this yourself"),
        (ERIN, SHADOW, "This needs the role manager"),
        (BEN, "shadow", "This needs the role admin"),
    ],
)
async def test_only_whom_its_rule_asks_records_and_a_refusal_is_on_the_ledger(
    world: World, who: Principal | None, rule: Any, said: str
) -> None:
    request = await in_shadow(world, rule)
    with pytest.raises(NotAuthorisedError, match=said):
        await by_hand(world, request, who=who)

    assert (await world.kinds(request.session_id))[-1] == "recording_refused"
    assert (await world.records.view(request.id)).hindsights == ()


async def test_a_counterparty_does_not_record(world: World) -> None:
    request = await in_shadow(world)
    stage = request.stages[0].model_copy(update={"parties": (BEN.id, "Ben")})
    from countersign.approvals.rules.rollout.who import reason_against_recording

    with_party = request.model_copy(update={"stages": (stage,)})
    said = reason_against_recording(BEN, with_party, ("admin",))
    assert said is not None
    assert "counterparty" in said


async def test_where_a_rule_names_nobody_an_administrator_records(world: World) -> None:
    request = await in_shadow(world, "shadow")
    assert (await by_hand(world, request, who=ROOT)).agrees is True


async def test_a_rule_that_is_gone_has_no_tolerances(world: World) -> None:
    request = await in_shadow(world)
    world.change_rule("quote", None)
    assert (await by_hand(world, request, {**QUOTE, "amount": 101})).differs == ("amount",)


async def test_only_what_is_in_shadow_is_done_by_hand(world: World) -> None:
    (request,) = await world.asked()
    with pytest.raises(ConflictError, match="is not in shadow"):
        await by_hand(world, request)
    with pytest.raises(NotFoundError):
        await world.approvals.recording.by_hand(RequestId("R-0"), acting(BEN), arguments=None)


async def test_a_text_that_is_too_long_is_refused(world: World) -> None:
    request = await in_shadow(world)
    with pytest.raises(InvalidError, match="at most 4,000 characters what you did"):
        await by_hand(world, request, text="x" * 4001)


@pytest.mark.parametrize("who", [ANNA, BEN, ROOT])
async def test_what_has_run_is_marked_as_wrong(world: World, who: Principal) -> None:
    """Whoever asked may, too: nothing is let run by that."""
    request = await executed(world)
    found = await wrong(world, request, who)

    assert (HindsightKind.WRONG, "Twice.", who.id) == (found.kind, found.text, found.principal_id)
    assert (found.arguments, found.agrees) == (None, None)
    assert (await world.kinds(request.session_id))[-1] == "marked_wrong"
    with pytest.raises(ConflictError, match=f"{found.name} marked it as wrong"):
        await wrong(world, request, CARA)
    assert await sound(world)


@pytest.mark.parametrize(
    ("who", "tool", "said"),
    [
        (None, "quote", "You are not known here"),
        (ERIN, "quote", "This needs the role manager, or whoever asked for it"),
        (BEN, "look", "Only who asked for this, or an administrator"),
    ],
)
async def test_others_do_not_say_that_it_was_wrong(
    world: World, who: Principal | None, tool: str, said: str
) -> None:
    request = await executed(world, tool)
    with pytest.raises(NotAuthorisedError, match=said):
        await wrong(world, request, who)

    assert (await world.kinds(request.session_id))[-1] == "marking_refused"


async def test_what_has_not_run_was_not_wrong_and_a_reason_is_needed(world: World) -> None:
    (request,) = await world.asked()
    with pytest.raises(ConflictError, match="is pending; only what has run"):
        await wrong(world, request)
    with pytest.raises(InvalidError, match="Say why it was wrong"):
        await wrong(world, request, reason=" ")


async def test_a_row_that_was_changed_behind_the_ledger_is_found(world: World) -> None:
    from sqlalchemy import update

    from countersign.approvals.store.schema import hindsights

    request = await in_shadow(world)
    await by_hand(world, request, {**QUOTE, "amount": 120})
    await world.store.write(lambda c: c.execute(update(hindsights).values(agrees=1)))
    found = await world.records.verify()

    assert not found.verified
    assert any("hindsights" in problem and "agrees" in problem for problem in found.problems)
