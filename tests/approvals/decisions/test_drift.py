"""What a tool's check found is signed with the call; found otherwise at the claim, it is asked
again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from countersign.approvals.decisions.staleness import IN_VAIN, Found
from countersign.approvals.errors import (
    CheckFailedError,
    InvalidError,
    PreconditionFailedError,
    StaleDigestError,
    UnavailableError,
)
from countersign.approvals.models import (
    Cause,
    Checked,
    JsonObject,
    Outcome,
    Preview,
    Proposal,
    Request,
    RequestStatus,
    Result,
    Verdict,
)
from countersign.approvals.runs import Run
from countersign.approvals.store.schema import requests
from tests.doubles.directory import BEN
from tests.doubles.world import QUOTE, THREAD, World

pytestmark = pytest.mark.asyncio
FACTS: JsonObject = {"balance": 500, "record_version": 7}
CHECKED = Checked(facts=FACTS, preview=Preview(text="pays 100"))
LESS = Checked(facts={**FACTS, "balance": 300})


def proposal(world: World, session_id: Any, checked: Checked = CHECKED) -> Proposal:
    """A call as the gate hands it in once the check has been asked."""
    plain = world.proposal(session_id, "quote")
    return plain.model_copy(update={"call": plain.call.model_copy(update={"checked": checked})})


async def asked(world: World, checked: Checked = CHECKED) -> Request:
    """A request that waits, with what its check found; which is what it finds from now on, too."""
    world.catalog.finds = checked
    run = await world.begun(THREAD)
    (request,) = await world.submit(run, proposal(world, run.session.id, checked))
    return request


async def approved(world: World, checked: Checked = CHECKED) -> Request:
    """The same, approved."""
    return await world.vote(await asked(world, checked))


async def claim(world: World, request: Request, found: Found) -> Request | Result:
    """What a run gets whose check finds this right before."""
    if isinstance(found, Checked):
        world.catalog.finds = found
    run = await world.begin(request.session_id)
    claimed = await world.runs.claim(run, request.id, request.arguments, found)
    await world.runs.release(run)
    assert claimed is not None
    return claimed


async def body_of(world: World, request: Request, kind: str) -> JsonObject:
    """The only ledger entry of a kind."""
    entries = await world.records.ledger(request.session_id)
    (found,) = [entry.body for entry in entries if entry.kind == kind]
    return found


async def test_what_was_found_is_kept_shown_and_signed(world: World) -> None:
    request = await asked(world)
    other = await asked(world, LESS)
    plain = await asked(world, Checked())

    assert (FACTS, CHECKED.preview) == (request.facts, request.preview)
    assert FACTS == (await body_of(world, request, "proposed"))["facts"]
    assert "facts" not in await body_of(world, plain, "proposed")
    assert CHECKED == (await world.now(request)).checked
    assert LESS == (await world.now(other)).checked


async def test_digest_is_of_what_was_found_too(world: World) -> None:
    run = await world.begun()
    first, second, third = [
        proposal(world, run.session.id, checked)
        for checked in (CHECKED, LESS, Checked(facts=FACTS))
    ]
    same = {"call_id": "c"}
    digests = {
        (await world.submit(await world.begun(), p.model_copy(
            update={"call": p.call.model_copy(update=same)})))[0].digest
        for p in (first, second, third)
    }  # fmt: skip

    assert 3 == len(digests)


async def test_call_runs_if_the_check_finds_the_same(world: World) -> None:
    request = await approved(world)
    claimed = await claim(world, request, Checked(facts=dict(reversed(FACTS.items()))))

    assert isinstance(claimed, Request)
    assert RequestStatus.EXECUTING is claimed.status


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (LESS, "Balance was 500 and is 300."),
        (Checked(facts={"balance": 500}), "Record version was 7 and is not there any more."),
        (Checked(facts={**FACTS, "holds": True}), "Holds was not there and is Yes."),
        (Checked(facts={**FACTS, "record_version": "7"}), 'Record version was 7 and is "7".'),
        (Checked(), "Balance was 500 and is not there any more; Record version was 7 and"),
    ],
)
async def test_call_is_asked_again_if_the_check_finds_something_else(
    world: World, found: Checked, says: str
) -> None:
    request = await approved(world)
    again = await claim(world, request, found)
    drifted = await body_of(world, request, "drifted")

    assert isinstance(again, Request)
    assert (RequestStatus.PENDING, 2, found.facts) == (again.status, again.revision, again.facts)
    assert "Approved by Ben on 2026-03-02 09:00 UTC, but what was checked has" in again.asked_again
    assert says in again.asked_again
    assert (FACTS, found.facts, Cause.DRIFT) == tuple(
        drifted[name] for name in ("before", "after", "cause")
    )
    assert found.facts == (await body_of(world, request, "asked_again"))["facts"]
    assert (await world.records.verify(request.session_id)).verified


async def test_people_of_the_session_are_told(world: World) -> None:
    request = await approved(world)
    await claim(world, request, LESS)
    query = "SELECT text FROM notices WHERE progress = 0 ORDER BY id DESC"
    told = await world.store.read(lambda c: c.exec_driver_sql(query).scalars().first())

    assert "Asked again" in str(told)
    assert "Balance was 500 and is 300" in str(told)


async def test_approval_of_what_was_found_before_does_not_count(world: World) -> None:
    request = await approved(world)
    again = await claim(world, request, LESS)
    assert isinstance(again, Request)
    with pytest.raises(StaleDigestError):
        await world.vote(again, digest=request.digest)
    await world.vote(again)

    claimed = await claim(world, again, LESS)

    assert isinstance(claimed, Request)
    assert RequestStatus.EXECUTING is claimed.status


async def test_check_that_came_later_is_shown_before_it_runs(world: World) -> None:
    """A tool that has a check now and had none when it was asked."""
    request = await approved(world, Checked())
    again = await claim(world, request, CHECKED)

    assert isinstance(again, Request)
    assert (RequestStatus.PENDING, FACTS) == (again.status, again.facts)


async def test_what_changes_all_the_time_is_not_asked_for_ever(world: World) -> None:
    request = await approved(world)
    for number in range(IN_VAIN - 1):
        again = await claim(world, request, Checked(facts={"balance": number}))
        assert isinstance(again, Request)
        await world.vote(again)
    told = await claim(world, request, LESS)

    assert isinstance(told, Result)
    assert (Cause.DRIFT, True) == (told.cause, told.retry)
    assert "approved 3 times and could not be carried out" in told.message
    assert RequestStatus.CANCELLED is (await world.now(request)).status


@pytest.mark.parametrize("error", [PreconditionFailedError, CheckFailedError])
async def test_call_whose_check_says_no_is_not_run(world: World, error: Any) -> None:
    request = await approved(world)
    told = await claim(world, request, error("The account is closed."))

    assert isinstance(told, Result)
    assert (Outcome.NOT_EXECUTED, Cause.PRECONDITION, True) == (
        told.outcome,
        told.cause,
        told.retry,
    )
    assert "The account is closed. It was approved, and nothing was run." == told.message
    assert Cause.PRECONDITION == (await body_of(world, request, "not_executed"))["cause"]


async def test_what_a_person_edits_is_checked_before_it_counts(world: World) -> None:
    request = await asked(world)
    same = {**QUOTE, "amount": 50}
    decided = await world.vote(request, BEN, Verdict.MODIFY, arguments=same)

    assert [same] == world.catalog.asked
    assert (RequestStatus.APPROVED, CHECKED) == (decided.status, decided.checked)
    assert FACTS == (await body_of(world, request, "revised"))["facts"]


async def test_edit_with_which_something_else_is_found_is_shown_first(world: World) -> None:
    request = await asked(world)
    world.catalog.finds = LESS
    shown = await world.vote(request, BEN, Verdict.MODIFY, arguments={**QUOTE, "amount": 50})

    assert (RequestStatus.PENDING, 2, LESS) == (shown.status, shown.revision, shown.checked)
    assert "what its check and preview say of them" in shown.asked_again
    assert [] == [v for v in await world.records.votes(request.id) if v.revision == 2]
    assert {2} == {d.wanted_version for d in await world.records.deliveries(request.id)}

    decided = await world.vote(shown)
    claimed = await claim(world, decided, LESS)

    assert RequestStatus.APPROVED is decided.status
    assert isinstance(claimed, Request)
    assert 50 == claimed.arguments["amount"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (PreconditionFailedError("That account is closed."), InvalidError),
        (CheckFailedError("The check of quote failed."), UnavailableError),
    ],
)
async def test_edit_that_the_check_refuses_changes_nothing(
    world: World, error: Exception, kind: type[Exception]
) -> None:
    request = await asked(world)
    world.catalog.finds = error
    with pytest.raises(kind, match=str(error)):
        await world.vote(request, BEN, Verdict.MODIFY, arguments={**QUOTE, "amount": 50})

    assert request == await world.now(request)


async def test_what_is_asked_again_for_another_reason_is_checked_anew(world: World) -> None:
    request = await approved(world)
    world.catalog.finds = LESS
    world.clock.advance(3601)
    again = await claim(world, request, LESS)

    assert isinstance(again, Request)
    assert LESS == again.checked
    assert "not carried out within 1 hour" in again.asked_again


async def test_what_cannot_be_checked_now_is_asked_without(world: World) -> None:
    request = await approved(world)
    world.clock.advance(3601)
    world.catalog.finds = CheckFailedError("The check of quote failed: the bank is away.")
    run = await world.begin(request.session_id)
    again = await world.runs.claim(run, request.id, request.arguments, Checked(facts=FACTS))

    assert isinstance(again, Request)
    assert (RequestStatus.PENDING, Checked()) == (again.status, again.checked)
    assert again.asked_again.endswith("The check of quote failed: the bank is away.")


async def test_what_makes_no_sense_any_more_is_not_asked_again(world: World) -> None:
    request = await approved(world)
    world.clock.advance(3601)
    world.catalog.finds = PreconditionFailedError("The account is closed.")
    run = await world.begin(request.session_id)
    told = await world.runs.claim(run, request.id, request.arguments, Checked(facts=FACTS))

    assert isinstance(told, Result)
    assert (Cause.PRECONDITION, True) == (told.cause, told.retry)
    assert told.message.endswith("The account is closed.")


async def test_what_was_found_stays_where_the_tool_is_unknown(world: World) -> None:
    request = await asked(world)
    world.catalog.schemas = {}
    world.change_rule("quote", {"effect": "require_approval", "roles": ["controller"]})

    assert 1 == await world.approvals.ask_again_what_changed()
    assert CHECKED == (await world.now(request)).checked


async def test_who_writes_other_facts_into_the_database_runs_nothing(world: World) -> None:
    request = await approved(world)
    await world.store.write(
        lambda c: c.execute(
            update(requests)
            .where(requests.c.id == request.id)
            .values(facts='{"balance":300,"record_version":7}')
        )
    )
    told = await claim(world, request, LESS)

    assert isinstance(told, Result)
    assert Cause.DRIFT is told.cause


async def test_call_whose_check_says_no_is_not_asked(world: World) -> None:
    run = await world.begun()
    refused = world.proposal(run.session.id, "quote").model_copy(
        update={"unmet": "The account is closed. Nobody was asked."}
    )
    (request,) = await world.submit(run, refused)

    assert (RequestStatus.REJECTED, "precondition") == (request.status, request.rule_id)
    assert isinstance(request.result, Result)
    assert (Cause.PRECONDITION, True) == (request.result.cause, request.result.retry)
    assert "The account is closed. Nobody was asked." == request.result.message
    assert [] == await world.records.deliveries(request.id)


async def test_it_is_only_asked_where_people_are(world: World) -> None:
    run = await world.begun()
    calls = [world.proposal(run.session.id, tool).call for tool in ("quote", "look", "drop")]

    assert [True, False, False] == [world.runs.asks(run.session, call) for call in calls]


async def test_run_that_goes_on_after_a_crash_is_not_checked_again(world: World) -> None:
    """What the first attempt has done already may be what the check finds."""
    run: Run
    run = await world.begun()
    first = proposal(world, run.session.id).model_copy(update={"idempotent": True})
    (request,) = await world.submit(run, first)
    await world.vote(request)
    assert isinstance(await claim(world, request, CHECKED), Request)
    world.clock.advance(60)
    claimed = await claim(world, request, LESS)

    assert isinstance(claimed, Request)
    assert (RequestStatus.EXECUTING, 1) == (claimed.status, claimed.revision)
