"""Rollout: a shadow week, promotions that people accept, samples, and falling back on a regret."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.decisions.rollouts import begin_with
from countersign.approvals.errors import (
    ConflictError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
    StaleDigestError,
)
from countersign.approvals.forms.rollouts import standing_words
from countersign.approvals.models import (
    Cause,
    Phase,
    Principal,
    Request,
    RequestStatus,
    Result,
    UndoOffer,
    Verdict,
)
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rollout.evidence import Evidence, evidence_words
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ROOT, STRANGER, acting
from tests.doubles.shadow_week import ROLLOUT, RULE, RULES, replay
from tests.doubles.world import QUOTE, World

KEY = b"k" * 32


def rules(**terms: Any) -> dict[str, Any]:
    return {**RULES, "tools": {"quote": {**RULE, "rollout": {**ROLLOUT, **terms}}}}


def begin(world: World, policy: dict[str, Any] = RULES, key: bytes | None = KEY) -> None:
    """Restart with another policy, as another process on the same store does."""
    world.use(policy)
    world.domain = world.composed(handoff=world.handoff, sample_key=key)
    world.records, world.approvals = world.domain.records, world.domain.approvals
    world.runs = world.domain.runs


async def known(world: World, who: Principal = DAVE) -> Evidence:
    (found,) = await world.approvals.rollouts.all(who)
    return found


async def move(world: World, phase: Phase, who: Principal | None = DAVE, **more: Any) -> Evidence:
    person = STRANGER if who is None else acting(who)
    evidence = more.pop("evidence", (await known(world)).digest)
    told = {"rule_id": "tools.quote", "tool": "quote", "reason": " Enough seen. ", **more}
    return await world.approvals.rollouts.move(phase=phase, actor=person, evidence=evidence, **told)


async def to(world: World, phase: Phase) -> None:
    """Whatever it takes: one call of each phase is enough for the next."""
    begin(world, rules(needed=1, agreement=0.01))
    await replay(world, limit=1)
    await move(world, Phase.COPILOT)
    if phase is Phase.COPILOT:
        return
    await world.vote((await world.asked())[0], CARA)
    await move(world, Phase.SAMPLED)
    if phase is Phase.SAMPLED:
        return
    while (await known(world)).compared < 1:
        (request,) = await world.asked()
        if request.status is RequestStatus.PENDING:
            await world.vote(request)
    await move(world, Phase.AUTONOMOUS)


async def run(world: World, undo: UndoOffer | None = None) -> Request:
    """A call that nobody is asked of, executed."""
    while True:
        held = await world.begun()
        (request,) = await world.submit(held, "quote")
        if request.status is RequestStatus.APPROVED:
            claimed = await world.runs.claim(held, request.id, request.arguments)
            assert isinstance(claimed, Request), claimed
            await world.runs.finish(held, request.id, ok=True, content="Q-1", undo=undo)
            return await world.now(request)


async def sound(world: World) -> bool:
    found = await world.records.verify()
    assert found.verified, found.problems
    governed = await world.records.verify_governance()
    assert governed.verified, governed.problems
    return True


async def test_a_shadow_week_is_promoted_by_who_looks_at_it(world: World) -> None:
    begin(world)
    week = await replay(world)
    found = await known(world)

    assert [RequestStatus.REJECTED] == list({each.status for each in week})
    assert {Cause.SHADOW} == {each.result.cause for each in week if each.result}
    assert (36, 34, 2) == (found.compared, found.agreed, found.compared - found.agreed)
    assert {"amount": 1} == found.differs
    assert {"Ben": 18, "Cara": 18} == found.people
    assert (0.82, 0.985) == (round(found.low, 2), round(found.high, 3))
    assert () == found.missing
    assert found.median_s is not None
    assert found.median_s > 300
    assert (found.quick, found.unasked) == (0, 0)
    assert standing_words(week[0]) == "In shadow: 0 of 30 towards co-pilot."
    assert standing_words(week[4]) == "In shadow: 4 of 30 towards co-pilot."
    assert standing_words(week[-1]) == "In shadow: 35, of at least 30, towards co-pilot."

    after = await move(world, Phase.COPILOT)
    assert (after.phase, after.compared, after.next) == (Phase.COPILOT, 0, Phase.SAMPLED)
    entry = (await world.records.governance())[-1]
    told = entry.body
    assert ("rollout_moved", "promoted", DAVE.id) == (entry.kind, told["cause"], told["by"])
    assert (told["evidence"]["compared"], told["reason"]) == (36, "Enough seen.")
    begin(world)  # it survives a restart, and the next call is asked
    (request,) = await world.asked()
    assert request.status is RequestStatus.PENDING
    assert standing_words(request) == "Co-pilot: 0 of 30 towards sampled."
    assert await sound(world)


@pytest.mark.parametrize(
    ("phase", "who", "more", "error", "said"),
    [
        (Phase.COPILOT, None, {}, NotAuthorisedError, "not known here"),
        (Phase.COPILOT, BEN, {}, NotAuthorisedError, "needs the role controller"),
        (Phase.COPILOT, DAVE, {"evidence": "0" * 64}, StaleDigestError, "look again"),
        (Phase.COPILOT, DAVE, {"reason": " "}, InvalidError, "Say why"),
        (Phase.COPILOT, DAVE, {"tool": "pay"}, NotFoundError, "no rule tools.quote for pay"),
        (Phase.SHADOW, DAVE, {}, InvalidError, "It is shadow; there is: co-pilot, sampled, auto"),
        (Phase.SAMPLED, DAVE, {}, InvalidError, "After shadow comes co-pilot; none is left out"),
        (Phase.COPILOT, DAVE, {}, ConflictError, "Not to co-pilot yet: Still to be compared: 28"),
    ],
)
async def test_what_does_not_count_moves_nothing(
    world: World, phase: Phase, who: Principal | None, more: Any, error: Any, said: str
) -> None:
    begin(world)
    await replay(world, limit=2)
    with pytest.raises(error, match=said):
        await move(world, phase, who, **more)

    assert (await known(world)).phase is Phase.SHADOW
    assert "rollout_moved" not in [e.kind for e in await world.records.governance()]


async def test_nobody_accepts_on_their_own_word_or_for_their_own_calls(world: World) -> None:
    begin(world, rules(needed=1, agreement=0.01, accepted_by=["manager", "sales"]))
    await replay(world, limit=1)
    with pytest.raises(NotAuthorisedError, match="is your own word"):
        await move(world, Phase.COPILOT, BEN)
    with pytest.raises(NotAuthorisedError, match="asked for some of these calls yourself"):
        await move(world, Phase.COPILOT, ANNA)

    assert (await move(world, Phase.COPILOT, CARA)).phase is Phase.COPILOT


async def test_too_few_agree_and_a_demotion_is_proposed(world: World) -> None:
    begin(world, rules(needed=2, agreement=0.9))
    for done in ({**QUOTE, "amount": 1}, None):
        (request,) = await world.asked()
        await world.approvals.recording.by_hand(request.id, acting(BEN), arguments=done)
    found = await known(world)

    assert found.speaks_against
    assert found.missing == ("At least 90% have to agree, and 0% is as much as can be said.",)


async def test_in_co_pilot_a_change_beyond_the_tolerance_does_not_agree(world: World) -> None:
    await to(world, Phase.COPILOT)
    changes: tuple[Any, ...] = (None, {**QUOTE, "amount": 102}, {**QUOTE, "amount": 140})
    for changed in changes:
        (request,) = await world.asked()
        verdict = Verdict.APPROVE if changed is None else Verdict.MODIFY
        await world.vote(request, CARA, verdict, arguments=changed)
    (request,) = await world.asked()
    await world.vote(request, verdict=Verdict.REJECT)
    (waits,) = await world.asked()
    found = await known(world)

    assert waits.status is RequestStatus.PENDING
    assert (found.compared, found.agreed, found.quick) == (4, 2, 4)
    assert found.differs == {"amount": 1}


async def test_a_sample_is_drawn_with_a_key_and_the_ledger_tells(world: World) -> None:
    await to(world, Phase.SAMPLED)
    found = [(await world.asked())[0] for _ in range(24)]
    asked = [each for each in found if each.status is RequestStatus.PENDING]

    assert 1 <= len(asked) <= 14
    for each in found:
        (entry, *_) = [
            e for e in await world.records.ledger(each.session_id) if e.kind == "proposed"
        ]
        told = entry.body["seen"]["rollout"]["rules"]["tools.quote"]
        assert (told["one_in"], len(told["draw"])) == (4, 16)
        assert (int(told["draw"], 16) % 4 == 0) is told["asked"] is (each in asked)
    assert standing_words(asked[0]).startswith("Sampled, this one of 4 was drawn: 0 of 1 towards")
    begin(world, rules(needed=1, agreement=0.01), key=None)
    assert (await world.asked())[0].status is RequestStatus.PENDING  # nobody can draw
    assert await sound(world)


async def test_outside_of_the_gates_and_where_somebody_has_refused_people_are_asked(
    world: World,
) -> None:
    await to(world, Phase.AUTONOMOUS)
    held = await world.begun()
    (large,) = await world.submit(
        held, world.proposal(held.session.id, "quote", {**QUOTE, "amount": 151})
    )
    assert large.status is RequestStatus.PENDING
    await world.vote(large, verdict=Verdict.REJECT)
    held = await world.begin(held.session.id)
    small = {**QUOTE, "amount": 5}
    (again,) = await world.submit(held, world.proposal(held.session.id, "quote", small))
    assert again.status is RequestStatus.PENDING  # nobody gets past by trying something smaller
    assert (await run(world)).status is RequestStatus.EXECUTED
    assert standing_words(again) == "Autonomous: the last phase of its rule."


async def test_a_gate_that_cannot_be_said_asks(world: World) -> None:
    await to(world, Phase.AUTONOMOUS)
    held = await world.begun()
    (request,) = await world.submit(
        held, world.proposal(held.session.id, "quote", {"customer": "Contoso"})
    )
    assert request.status is RequestStatus.PENDING


@pytest.mark.parametrize("how", ["wrong", "undo"])
async def test_a_regret_lets_it_fall_back_by_itself(world: World, how: str) -> None:
    await to(world, Phase.AUTONOMOUS)
    offer = UndoOffer(tool="quote", executor="gatekeeper", arguments=QUOTE, within_s=3600)
    request = await run(world, offer)
    held = await world.begun()
    (approved,) = await world.submit(held, "quote")
    assert approved.status is RequestStatus.APPROVED
    if how == "undo":
        await world.approvals.undo(request.id, acting(BEN), reason="The wrong one.")
    else:
        await world.approvals.recording.wrong(request.id, acting(ANNA), reason="The wrong one.")

    assert (await known(world)).phase is Phase.COPILOT
    told = (await world.records.governance())[-1].body
    assert (told["cause"], told["on_request"], told["before"]) == (
        "regret",
        request.id,
        "autonomous",
    )
    result = await world.runs.claim(held, approved.id, approved.arguments)
    assert isinstance(result, Result)  # what was let run before does not run any more
    assert (result.cause, result.retry) == (Cause.DRIFT, True)
    assert (await world.asked())[0].status is RequestStatus.PENDING
    assert await sound(world)


async def test_as_many_may_be_regretted_as_the_rule_says(world: World) -> None:
    await to(world, Phase.AUTONOMOUS)
    begin(world, rules(needed=1, agreement=0.01, regrets=1))
    for _ in range(2):
        assert (await known(world)).phase is Phase.AUTONOMOUS
        request = await run(world)
        await world.approvals.recording.wrong(request.id, acting(BEN), reason="No.")

    assert (await known(world)).phase is Phase.COPILOT


async def test_a_regret_of_what_people_were_asked_of_speaks_against_the_next_phase(
    world: World,
) -> None:
    await to(world, Phase.COPILOT)
    held, request = await world.executing()
    await world.runs.finish(held, request.id, ok=True, content="Q-1")
    await world.approvals.recording.wrong(request.id, acting(BEN), reason="No.")
    found = await known(world)

    assert (found.phase, found.regrets, found.speaks_against) == (Phase.COPILOT, 1, True)
    assert found.missing == ("1 were taken back or found wrong.",)
    assert (await move(world, Phase.SHADOW)).phase is Phase.SHADOW


async def test_what_people_approved_does_not_run_once_its_rule_is_in_shadow(world: World) -> None:
    await to(world, Phase.COPILOT)
    held, request = await world.approved()
    await move(world, Phase.SHADOW)
    result = await world.runs.claim(held, request.id, request.arguments)

    assert isinstance(result, Result)
    assert result.cause is Cause.SHADOW


async def test_a_regret_of_a_rule_that_is_gone_moves_nothing(world: World) -> None:
    await to(world, Phase.AUTONOMOUS)
    request = await run(world)
    world.change_rule("quote", "allow")
    await world.approvals.recording.wrong(request.id, acting(ROOT), reason="No.")

    assert (await world.records.governance())[-1].body["cause"] == "promoted"


async def test_a_rule_that_means_something_else_begins_anew_and_the_ledger_says_so(
    world: World,
) -> None:
    await to(world, Phase.COPILOT)
    same = {**RULE, "deadline": "2h", "rollout": {**ROLLOUT, "needed": 5, "agreement": 0.5}}
    begin(world, {**RULES, "tools": {"quote": same}})
    await world.unit(begin_with(world.policy))
    assert (await known(world)).phase is Phase.COPILOT  # its words are no matter

    begin(world, rules(gates=["args.amount <= 1000"]))
    assert (await known(world)).phase is Phase.SHADOW
    await world.unit(begin_with(world.policy))
    await world.unit(begin_with(world.policy))  # once is enough
    kinds = [(e.kind, e.body.get("cause")) for e in await world.records.governance()]
    assert kinds.count(("rollout_moved", "changed")) == 1
    begin(world)
    assert (await known(world)).phase is Phase.SHADOW  # and it does not come back by itself
    await world.unit(begin_with(Policy.load({"tools": {"look": "allow"}})))
    assert await sound(world)


async def test_a_row_that_was_moved_behind_the_ledger_is_found(world: World) -> None:
    from sqlalchemy import update

    from countersign.approvals.store.schema import rollouts

    await to(world, Phase.COPILOT)
    await world.store.write(lambda c: c.execute(update(rollouts).values(phase="autonomous")))
    found = await world.records.verify_governance()

    assert not found.verified
    assert any("rollouts" in problem and "phase" in problem for problem in found.problems)


async def test_without_a_rule_by_phases_there_is_nothing_to_show(world: World) -> None:
    assert await world.approvals.rollouts.all(DAVE) == []
    assert world.approvals.rollouts.accepted_by("tools.quote") == ()
    (request,) = await world.asked()
    assert standing_words(request) == ""


async def test_a_rule_by_phases_may_stand_before_one_without(world: World) -> None:
    small = {"id": "small", "tool": "quote", "when": "args.amount <= 50", **RULE}
    rest = {"effect": "require_approval", "roles": ["manager"]}
    begin(world, {**RULES, "rules": [small], "tools": {"quote": rest}})
    held = await world.begun()
    cheap = {**QUOTE, "amount": 5}
    (shadowed,) = await world.submit(held, world.proposal(held.session.id, "quote", cheap))
    (asked,) = await world.asked()

    assert (shadowed.status, asked.status) == (RequestStatus.REJECTED, RequestStatus.PENDING)
    assert standing_words(asked) == ""
    assert [e.rule for e in await world.approvals.rollouts.all(DAVE)] == ["small"]


async def test_with_domains_who_accepts_and_administrators_read_it(world: World) -> None:
    begin(world)
    domains = Policy.load({**RULES, "domains": {"east": {"workflows": ["sales"]}}}).document.domains
    world.directory.domains = domains
    readers = (DAVE, ROOT, BEN)
    assert [1, 1, 0] == [len(await world.approvals.rollouts.all(who)) for who in readers]


async def test_a_promotion_is_refused_while_an_adversarial_example_would_run(
    world: World,
) -> None:
    mean = {
        "name": "many small ones", "tool": "quote", "arguments": {"customer": "C", "amount": 10},
        "expect": "require_approval", "adversarial": True,
    }  # fmt: skip
    easy = rules(needed=1, agreement=0.01, phases=["copilot", "autonomous"])
    begin(world, {**easy, "examples": [mean]})
    (request,) = await world.asked()
    await world.vote(request)
    evidence = await known(world)

    assert (1, ("many small ones",)) == (evidence.adversarial, evidence.unstopped)
    assert ("Adversarial examples that would run then: many small ones.",) == evidence.missing
    assert "0 of 1 adversarial examples are stopped." in evidence_words(evidence)
    with pytest.raises(ConflictError, match="would run then: many small ones"):
        await move(world, Phase.AUTONOMOUS)
    begin(world, easy)
    assert Phase.AUTONOMOUS is (await move(world, Phase.AUTONOMOUS)).phase
    assert not (await known(world)).speaks_against
    begin(world, {**easy, "examples": [mean]})
    assert (await known(world)).speaks_against
