"""Changed arguments: a revision with a digest, rules and votes of its own."""

from __future__ import annotations

import pytest

from countersign.approvals.errors import (
    DeniedByPolicyError,
    InvalidArgumentsError,
    InvalidError,
    NotAuthorisedError,
    StaleDigestError,
)
from countersign.approvals.models import Request, RequestStatus, Verdict
from tests.doubles.directory import BEN, CARA
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
EDITED = {"customer": "Contoso", "amount": 90}


async def test_edited_arguments_become_a_revision_that_is_approved(world: World) -> None:
    (request,) = await world.asked()
    edited = await world.vote(request, BEN, Verdict.MODIFY, arguments=EDITED)

    assert edited.decision is not None
    assert (RequestStatus.APPROVED, Verdict.MODIFY, 2) == (
        edited.status,
        edited.decision.verdict,
        edited.revision,
    )
    assert (EDITED, request.arguments) == (edited.arguments, edited.proposed_arguments)
    assert request.digest != edited.digest == edited.decision.digest
    assert ["session_started", "proposed", "revised", "voted", "decided"] == await world.kinds(
        request.session_id
    )


async def test_first_proposal_is_kept_through_two_edits(world: World) -> None:
    (request,) = await world.asked("wire")
    second = await world.vote(request, BEN, Verdict.MODIFY, arguments=EDITED)
    third = await world.vote(
        second, CARA, Verdict.MODIFY, arguments={"customer": "Contoso", "amount": 80}
    )

    assert (3, RequestStatus.PENDING) == (third.revision, third.status)
    assert request.arguments == third.proposed_arguments


async def test_votes_do_not_carry_over_to_a_revision(world: World) -> None:
    (request,) = await world.asked("wire")
    await world.vote(request, BEN)
    edited = await world.vote(request, CARA, Verdict.MODIFY, arguments=EDITED)
    approved = await world.vote(edited, BEN)

    assert RequestStatus.PENDING is edited.status
    assert RequestStatus.APPROVED is approved.status
    assert [(1, "ben"), (2, "ben"), (2, "cara")] == sorted(
        (v.revision, v.principal_id) for v in await world.records.votes(request.id)
    )


async def test_unchanged_arguments_are_an_approval(world: World) -> None:
    (request,) = await world.asked()
    approved = await world.vote(request, BEN, Verdict.MODIFY, arguments=dict(request.arguments))

    assert approved.decision is not None
    assert (1, Verdict.APPROVE, None) == (
        approved.revision,
        approved.decision.verdict,
        approved.proposed_arguments,
    )


async def test_true_instead_of_one_is_a_change(world: World) -> None:
    world.catalog.schemas = {"quote": {"properties": {"flag": {}}}}
    (request,) = await world.asked(world.proposal((await world.start()).id, "quote", {"flag": 1}))
    edited = await world.vote(request, BEN, Verdict.MODIFY, arguments={"flag": True})

    assert (2, True) == (edited.revision, edited.arguments["flag"])


async def test_vote_on_an_older_revision_does_not_count(world: World) -> None:
    (request,) = await world.asked("wire")
    await world.vote(request, BEN, Verdict.MODIFY, arguments=EDITED)

    with pytest.raises(StaleDigestError, match="at revision 2"):
        await world.vote(request, CARA)


async def test_edits_have_to_fit_the_tool(world: World) -> None:
    (request,) = await world.asked()

    with pytest.raises(InvalidArgumentsError) as caught:
        await world.vote(request, BEN, Verdict.MODIFY, arguments={"customer": "C", "amount": "a"})

    assert {"amount": "'a' is not of type 'number'"} == caught.value.problems
    assert request == await world.now(request)


async def test_arguments_of_an_unknown_tool_cannot_be_edited(world: World) -> None:
    world.catalog.schemas = {}
    (request,) = await world.asked()

    with pytest.raises(InvalidError, match="Approve or reject them as they are"):
        await world.vote(request, BEN, Verdict.MODIFY, arguments=EDITED)


@pytest.mark.parametrize("effect", ["deny", "allow", "shadow", None])
async def test_edits_are_ruled_by_the_policy_of_now(world: World, effect: str | None) -> None:
    (request,) = await world.asked()
    world.change_rule("quote", effect)

    with pytest.raises(DeniedByPolicyError, match="does not let this be approved"):
        await world.vote(request, BEN, Verdict.MODIFY, arguments=EDITED)


async def test_edit_to_what_may_run_without_people_is_decided_by_those_who_were_asked(
    world: World,
) -> None:
    """A rule lets small amounts run; a person who makes a large one small has not to be refused."""
    ask = {"effect": "require_approval", "roles": ["manager"], "tool": "quote"}
    allow = {"effect": "allow", "tool": "quote", "when": "args.amount < 100"}
    world.use({"rules": [{"id": "small", **allow}, {"id": "rest", **ask}]})
    (request,) = await world.asked()

    edited = await world.vote(request, BEN, Verdict.MODIFY, arguments=EDITED)

    assert (RequestStatus.APPROVED, EDITED, "rest") == (
        edited.status,
        edited.arguments,
        edited.rule_id,
    )
    assert request.stages == edited.stages
    run = await world.begin(request.session_id)
    claimed = await world.runs.claim(run, request.id, EDITED)
    assert isinstance(claimed, Request)


async def test_edit_to_what_is_forbidden_is_refused(world: World) -> None:
    ask = {"effect": "require_approval", "roles": ["manager"], "tool": "quote"}
    deny = {"effect": "deny", "tool": "quote", "when": "args.amount < 100"}
    world.use({"rules": [{"id": "small", **deny}, {"id": "rest", **ask}]})
    (request,) = await world.asked()

    with pytest.raises(DeniedByPolicyError, match="does not let this be approved"):
        await world.vote(request, BEN, Verdict.MODIFY, arguments=EDITED)


async def test_edit_that_needs_others_now_is_refused_and_on_the_ledger(world: World) -> None:
    (request,) = await world.asked()
    world.change_rule("quote", {"effect": "require_approval", "roles": ["controller"]})

    with pytest.raises(NotAuthorisedError, match="With these arguments you may not"):
        await world.vote(request, BEN, Verdict.MODIFY, arguments=EDITED)

    assert request == await world.now(request)
    assert "vote_refused" == (await world.kinds(request.session_id))[-1]


async def test_revision_for_more_people_is_shown_to_them(world: World) -> None:
    (request,) = await world.asked()
    stage = {"roles": ["manager", "controller"], "quorum": 2}
    world.change_rule("quote", {"effect": "require_approval", "stages": [stage]})
    revised = await world.vote(request, BEN, Verdict.MODIFY, arguments=EDITED)
    shown = {d.target for d in await world.records.deliveries(request.id)}

    assert RequestStatus.PENDING is revised.status
    assert {"person:ben", "person:cara", "person:dave"} == shown


async def test_deadline_of_an_edit_counts_from_the_first_proposal(world: World) -> None:
    (request,) = await world.asked("pay")
    world.clock.advance(600)
    edited = await world.vote(request, BEN, Verdict.MODIFY, arguments=EDITED)

    assert request.expires_at == edited.expires_at


async def test_rule_without_deadline_keeps_the_one_of_the_request(world: World) -> None:
    (request,) = await world.asked("wire")
    edited = await world.vote(request, BEN, Verdict.MODIFY, arguments=EDITED)

    assert edited.expires_at is None
