"""A rule that asks for a fresh proof of presence: no approval counts without one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from countersign.approvals.errors import (
    ConfigurationError,
    InvalidError,
    NotAuthorisedError,
    TooManyRefusalsError,
    UnprovenError,
)
from countersign.approvals.models import (
    PrincipalId,
    Proof,
    Request,
    RequestId,
    RequestStatus,
    Verdict,
)
from countersign.approvals.ports import NoProofs
from countersign.approvals.rules.policy import Policy
from tests.doubles.directory import BEN
from tests.doubles.world import QUOTE, World

pytestmark = pytest.mark.asyncio
RULES: Mapping[str, Any] = {
    "tools": {
        "quote": {
            "effect": "require_approval",
            "roles": ["manager"],
            "deadline": "1h",
            "step_up": "5m",
        },
        "pay": {"effect": "require_approval", "roles": ["manager"]},
    }
}


class FakeProofs:
    """Implements `Proofs`: a token that was issued stands for its proof."""

    def __init__(self) -> None:
        self.issued: dict[str, Proof] = {}

    def page(self, request_id: RequestId) -> str:
        """Its page."""
        return f"https://gate.example/inbox/requests/{request_id}/step-up"

    def issue(self, world: World, request: Request, **changed: Any) -> str:
        """A token for Ben's proof of now, for what the request's digest names."""
        proof = {
            "id": "proof-1",
            "method": "passkey",
            "principal_id": BEN.id,
            "digest": request.digest,
            "at": world.clock.now(),
            **changed,
        }
        self.issued["token"] = Proof.model_validate(proof)
        return "token"

    async def verified(self, token: str, person: PrincipalId, digest: str) -> Proof:
        """The proof."""
        if token not in self.issued:
            raise InvalidError("This proof was not issued here.")
        return self.issued[token]


@pytest.fixture
def proofs(world: World) -> FakeProofs:
    """The domain with such rules and something that takes proofs."""
    fake = FakeProofs()
    use(world, fake)
    return fake


def use(world: World, fake: FakeProofs, rules: Mapping[str, Any] = RULES) -> None:
    world.policy = Policy.load(rules, proofs=True)
    world.domain = world.composed(handoff=world.handoff, proofs=fake)
    world.records, world.approvals = world.domain.records, world.domain.approvals
    world.runs = world.domain.runs


async def test_a_proof_is_on_the_ledger_with_its_vote(world: World, proofs: FakeProofs) -> None:
    (request,) = await world.asked()
    voted = await world.vote(request, proof=proofs.issue(world, request))
    run = await world.begin(request.session_id)
    claimed = await world.runs.claim(run, request.id, request.arguments)

    assert RequestStatus.APPROVED is voted.status
    assert isinstance(claimed, Request)
    assert RequestStatus.EXECUTING is claimed.status
    (vote,) = await world.records.votes(request.id)
    assert proofs.issued["token"] == vote.proof
    (said,) = [e for e in await world.records.ledger(request.session_id) if e.kind == "voted"]
    assert ("proof-1", "passkey", request.digest) == tuple(
        said.body["proof"][name] for name in ("id", "method", "digest")
    )
    assert () == (await world.records.verify()).problems


async def test_an_approval_without_one_is_refused_with_where_to_give_it(
    world: World, proofs: FakeProofs
) -> None:
    (request,) = await world.asked()
    with pytest.raises(NotAuthorisedError) as caught:
        await world.vote(request)

    assert (
        "This needs a proof that it is you, not older than 5 minutes; give it at "
        f"https://gate.example/inbox/requests/{request.id}/step-up."
    ) == str(caught.value)
    assert isinstance(caught.value, UnprovenError)
    assert proofs.page(request.id) == caught.value.page
    assert RequestStatus.PENDING is (await world.now(request)).status
    assert "vote_refused" in await world.kinds(request.session_id)


async def test_an_edit_needs_none_and_approves_nothing(world: World, proofs: FakeProofs) -> None:
    """What it becomes is shown, and has to be proved then."""
    (request,) = await world.asked()
    changed = {**request.arguments, "amount": 1}
    revised = await world.vote(request, verdict=Verdict.MODIFY, arguments=changed)
    same = await world.now(request)
    with pytest.raises(UnprovenError):
        await world.vote(same, verdict=Verdict.MODIFY, arguments=same.arguments)

    assert (RequestStatus.PENDING, 2) == (revised.status, revised.revision)
    assert [] == list(await world.records.votes(request.id))


async def test_whoever_tries_without_one_again_and_again_is_told_to_stop(
    world: World, proofs: FakeProofs
) -> None:
    (request,) = await world.asked()
    for _ in range(20):
        with pytest.raises(UnprovenError):
            await world.vote(request)
    with pytest.raises(TooManyRefusalsError):
        await world.vote(request)


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"digest": "0" * 64}, InvalidError, "of somebody else, or for something else"),
        ({"principal_id": "cara"}, InvalidError, "of somebody else, or for something else"),
        ({"ago_s": 301}, NotAuthorisedError, "Your proof is older than 5 minutes"),
        ({"ago_s": -1}, NotAuthorisedError, "Your proof is older than 5 minutes"),
    ],
)
async def test_a_proof_of_something_else_does_not_count(
    world: World, proofs: FakeProofs, changed: Any, error: type[Exception], says: str
) -> None:
    (request,) = await world.asked()
    changed = dict(changed)
    ago_s = changed.pop("ago_s", 0)
    at = world.clock.now() - timedelta(seconds=ago_s)
    with pytest.raises(error, match=says):
        await world.vote(request, proof=proofs.issue(world, request, at=at, **changed))

    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_a_proof_that_nobody_issued_does_not_count(world: World, proofs: FakeProofs) -> None:
    (request,) = await world.asked()
    with pytest.raises(InvalidError, match="not issued here"):
        await world.vote(request, proof="made up")


async def test_rejecting_needs_none(world: World, proofs: FakeProofs) -> None:
    (request,) = await world.asked()

    assert RequestStatus.REJECTED is (await world.vote(request, BEN, Verdict.REJECT)).status


async def test_what_was_changed_needs_a_proof_of_its_own(world: World, proofs: FakeProofs) -> None:
    """A proof is for what was shown; what it becomes is shown first."""
    (request,) = await world.asked()
    token = proofs.issue(world, request)
    changed = {**QUOTE, "amount": 50}
    edited = await world.vote(request, BEN, Verdict.MODIFY, arguments=changed, proof=token)
    with pytest.raises(InvalidError, match="for something else"):
        await world.vote(edited, proof=token)
    voted = await world.vote(edited, proof=proofs.issue(world, edited))

    assert (RequestStatus.PENDING, 2) == (edited.status, edited.revision)
    assert RequestStatus.APPROVED is voted.status


async def test_other_rules_ask_for_none(world: World, proofs: FakeProofs) -> None:
    (request,) = await world.asked("pay")

    assert RequestStatus.APPROVED is (await world.vote(request)).status


async def test_what_was_approved_before_the_rule_asked_is_asked_again(
    world: World, proofs: FakeProofs
) -> None:
    tools = {**RULES["tools"], "quote": {**RULES["tools"]["quote"]}}
    del tools["quote"]["step_up"]
    use(world, proofs, {"tools": tools})
    run, request = await world.approved()
    use(world, proofs)
    again = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(again, Request)
    assert (RequestStatus.PENDING, 2) == (again.status, again.revision)


async def test_a_rule_asks_for_none_where_none_can_be_given() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Policy.load(RULES)

    assert (
        "policy.tools.quote.step_up: nobody can prove their presence here, so nobody could approve "
        "it; configure sign_in, or remove it"
    ) == str(caught.value)
    with pytest.raises(InvalidError, match="No proof of presence can be given here"):
        await NoProofs().verified("token", BEN.id, "0" * 64)
    assert "" == NoProofs().page(RequestId("R-1"))


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"effect": "allow", "step_up": "5m"}, "step_up is for what people approve"),
        ({"step_up": "5m", "grants": {"max_uses": 1}}, "step_up asks at each call, and grants at"),
        ({"step_up": "5m", "deadline": "1h", "at_deadline": "approve"}, "approve for none"),
        ({"step_up": 5}, "has no unit"),
    ],
)
async def test_what_makes_no_sense_is_refused_when_it_is_read(rule: Any, says: str) -> None:
    whole = {"effect": "require_approval", "roles": ["manager"], **rule}
    if whole["effect"] == "allow":
        del whole["roles"]
    with pytest.raises(ConfigurationError, match=says):
        Policy.load({"tools": {"quote": whole}}, proofs=True)


async def test_the_strictest_of_two_rules_asks_for_the_freshest() -> None:
    rules = {
        "tools": {
            "a": {**RULES["tools"]["quote"]},
            "b": {"effect": "require_approval", "roles": ["controller"], "step_up": "1m"},
        }
    }
    policy = Policy.load(rules, proofs=True).strictest([frozenset({"a", "b"})])

    assert 60 == policy.tools["a"].step_up
    assert () == tuple(policy.problems())
