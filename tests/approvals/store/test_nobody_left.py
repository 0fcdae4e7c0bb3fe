"""Nobody waits on nobody: what happens when no set of different people can decide a request."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from countersign.approvals.decisions.review import Review
from countersign.approvals.errors import NotAuthorisedError
from countersign.approvals.models import (
    Cause,
    Conversation,
    People,
    Principal,
    Request,
    RequestKind,
    RequestStatus,
    SessionStatus,
    Verdict,
)
from countersign.approvals.observer import Silent
from countersign.approvals.rules.eligibility import Asked
from countersign.approvals.rules.shortfall import shortfall
from countersign.approvals.store.schema import nobody_left, notices
from tests.doubles.channel import FakeChannel
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, FakeDirectory, person
from tests.doubles.world import RULES, THREAD, World

MEGAN = person("Megan", "manager", "controller")
STAGES = [{"roles": ["manager"]}, {"roles": ["controller"]}]
TIERS = {"effect": "require_approval", "stages": STAGES}
LIMITED = {"customer": "Contoso", "amount": 1}


class Heard(Silent):
    """Remembers what operators are told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def nobody_left(self, request: Request, reason: str) -> None:
        self.told.append((request.id, reason))

    def somebody_again(self, request: Request) -> None:
        self.told.append((request.id, "again"))


def staffed(world: World, *people: Principal) -> None:
    """Only these people are there."""
    world.directory = FakeDirectory([ANNA, *people])
    world.change_rule("tiers", TIERS)


async def said(world: World, *, progress: bool = False) -> list[str]:
    """What the thread was told: what calls people, or how it goes on."""
    where = notices.c.progress == int(progress)
    query = select(notices.c.text).where(where).order_by(notices.c.id)
    return list(await world.store.read(lambda c: c.execute(query).scalars().all()))


async def in_thread(world: World, *tools: str) -> tuple[Request, ...]:
    """Requests of a session that began in a thread."""
    at = world.clock.now()
    thread = Conversation(
        key=THREAD, channel="fake", kind="group", principal_id=None, reference={}, updated_at=at
    )
    await world.conversations.save(thread)
    return await world.submit(await world.begun(THREAD), *tools)


async def test_what_nobody_may_decide_is_not_asked_and_says_who_could(world: World) -> None:
    staffed(world, ERIN)
    world.directory.set_roles("anna", "manager")
    (request,) = await in_thread(world, "quote")
    result = request.result

    assert (request.status, request.expires_at) == (RequestStatus.REJECTED, None)
    assert result is not None
    assert (result.cause, result.retry) == (Cause.NO_APPROVER, False)
    assert "Nobody but Anna, who asked, may decide it." in result.message
    assert "Erin could decide it if an administrator gave them the role manager." in result.message
    (notice,) = await said(world, progress=True)
    assert notice == f"**Not asked:** Quote ({request.id}). {result.message}"
    assert [] == list(await world.records.deliveries(request.id))
    session = await world.records.session(request.session_id)
    assert SessionStatus.RUNNING is session.status
    entries = await world.records.ledger(request.session_id)
    assert ["session_started", "proposed", "nobody_left"] == [e.kind for e in entries]
    assert (entries[-1].body["request"], entries[-1].body["could"]) == (request.id, ["erin"])


async def test_what_somebody_may_decide_is_asked_beside_it(world: World) -> None:
    staffed(world, BEN)
    lonely, asked = await in_thread(world, "pay", "quote")

    assert (RequestStatus.REJECTED, RequestStatus.PENDING) == (lonely.status, asked.status)
    assert "Steps 1 and 2 need 3 different people" in str(lonely.result)
    assert "there is only Ben." in str(lonely.result)
    session = await world.records.session(asked.session_id)
    assert SessionStatus.WAITING is session.status


async def test_a_question_that_nobody_may_answer_ends_the_chat(world: World) -> None:
    run = await world.begun()
    world.directory.remove("anna")
    (question,) = await world.submit(run, world.question(run.session.id))

    assert question.result is not None
    assert Cause.NO_APPROVER is question.result.cause


async def test_a_vote_that_leaves_a_later_stage_to_nobody_is_refused(world: World) -> None:
    staffed(world, BEN, MEGAN)
    (request,) = await world.asked("tiers")
    with pytest.raises(NotAuthorisedError) as caught:
        await world.vote(request, MEGAN)
    reason = str(caught.value)

    assert "would leave too few people for step 2, which needs the role controller" in reason
    assert "Leave step 1 to Ben." in reason
    entries = await world.records.ledger(request.session_id)
    assert ("vote_refused", reason) == (entries[-1].kind, entries[-1].body["reason"])
    await world.vote(request, BEN)
    decided = await world.vote(request, MEGAN)
    assert RequestStatus.APPROVED is decided.status


async def test_what_nobody_can_complete_as_it_is_still_takes_votes(world: World) -> None:
    """The controller has gone; until there is another one, Ben's vote makes it no worse."""
    staffed(world, BEN, DAVE)
    (request,) = await world.asked("tiers")
    world.directory.set_roles("dave")

    assert 1 == (await world.vote(request, BEN)).stage


async def test_whoever_is_needed_later_may_still_reject(world: World) -> None:
    staffed(world, BEN, MEGAN)
    (request,) = await world.asked("tiers")

    assert RequestStatus.REJECTED is (await world.vote(request, MEGAN, Verdict.REJECT)).status


async def test_a_changed_call_must_be_decidable_afterwards(world: World) -> None:
    staffed(world, BEN, CARA, MEGAN)
    (request,) = await world.asked("tiers")
    with pytest.raises(NotAuthorisedError, match=r"With these arguments .* Leave step 1 to Ben"):
        await world.vote(request, MEGAN, Verdict.MODIFY, arguments=LIMITED)
    revised = await world.vote(request, CARA, Verdict.MODIFY, arguments=LIMITED)

    assert (2, 1) == (revised.revision, revised.stage)


async def test_a_change_that_would_leave_nobody_for_the_first_step_names_who_can_help(
    world: World,
) -> None:
    """Ben has approved; with other arguments all begins anew, and Megan alone could do both."""
    staffed(world, BEN, MEGAN)
    (request,) = await world.asked("tiers")
    asked = await world.vote(request, BEN)
    world.directory.set_roles("ben")
    with pytest.raises(NotAuthorisedError, match="An administrator has to give somebody else"):
        await world.vote(asked, MEGAN, Verdict.MODIFY, arguments=LIMITED)


async def test_one_vote_counts_for_both_stages_where_the_rule_says_so(world: World) -> None:
    staffed(world, MEGAN)
    world.change_rule("tiers", {**TIERS, "same_person": True})
    (request,) = await world.asked("tiers")
    after = await world.vote(request, MEGAN)
    (vote,) = await world.records.votes(request.id)
    run = await world.begin(request.session_id)

    assert (RequestStatus.APPROVED, (1,)) == (after.status, vote.also)
    assert isinstance(await world.runs.claim(run, request.id, request.arguments), Request)
    entries = await world.records.ledger(request.session_id)
    voted = next(e for e in entries if e.kind == "voted")
    assert [1] == voted.body["also"]


async def test_a_vote_for_both_stages_falls_with_either_role(world: World) -> None:
    staffed(world, MEGAN, DAVE)
    world.change_rule("tiers", {**TIERS, "same_person": True})
    (request,) = await world.asked("tiers")
    await world.vote(request, MEGAN)
    world.directory.set_roles("megan", "manager")
    run = await world.begin(request.session_id)
    told: Any = await world.runs.claim(run, request.id, request.arguments)

    assert Cause.DRIFT is told.cause
    assert "no longer holds the role controller" in told.message


async def test_without_that_rule_one_person_counts_once(world: World) -> None:
    staffed(world, MEGAN, BEN)
    (request,) = await world.asked("tiers")
    await world.vote(request, BEN)

    assert () == (await world.records.votes(request.id))[0].also


def review(world: World, heard: Heard | None = None) -> Review:
    return Review(world.store, world.moments, world.outbox, heard or Heard())


async def test_whoever_is_needed_later_is_not_asked_first(world: World) -> None:
    staffed(world, BEN, MEGAN)
    (request,) = await world.asked("tiers")
    first = {d.target for d in await world.records.deliveries(request.id)}
    await world.vote(request, BEN)
    then = {d.target for d in await world.records.deliveries(request.id)} - first

    assert ({"person:ben"}, {"person:megan"}) == (first, then)


async def test_approvers_whom_no_channel_knows_are_told_of(world: World) -> None:
    world.channels["jira"] = FakeChannel("jira")
    world.change_rule("quote", {**RULES["tools"]["quote"], "channels": ["jira"]})
    world.directory.forget_identity("ben", "jira")
    await in_thread(world, "quote")
    assert [] == await said(world)
    world.directory.forget_identity("cara", "jira")
    (request,) = await in_thread(world, "quote")

    (told,) = await said(world)
    assert told == (
        f"Quote ({request.id}): Ben and Cara may decide it and cannot be asked in Jira: an "
        "administrator adds an identity (`jira`) in `people`. Until then they can decide it "
        "through the API."
    )
    assert RequestStatus.PENDING is request.status


async def test_when_people_change_it_is_told_once_and_once_more_when_that_changes_back(
    world: World,
) -> None:
    (request,) = await in_thread(world, "quote")
    heard = Heard()
    assert 0 == await review(world, heard).run()
    for who in ("ben", "cara"):
        world.directory.set_roles(who)
    assert [1, 0] == [await review(world, heard).run(), await review(world, heard).run()]
    world.directory.set_roles("erin", "manager")
    assert [1, 0] == [await review(world, heard).run(), await review(world, heard).run()]

    nobody, again = await said(world)
    assert nobody.startswith(f"**Nobody can decide** Quote ({request.id}) any more. It needs one")
    assert "could decide it if an administrator gave them the role manager." in nobody
    assert again == f"Erin can decide Quote ({request.id}) now."
    assert [(request.id, True), (request.id, False)] == [(of, "role" in r) for of, r in heard.told]
    kinds = await world.kinds(request.session_id)
    assert ["nobody_left", "somebody_again"] == list(kinds[-2:])
    assert (await world.records.verify(request.session_id)).verified
    rows = await world.store.read(lambda c: c.execute(select(nobody_left)).all())
    assert [] == rows


async def test_votes_are_looked_at_one_by_one(world: World) -> None:
    """Of two requests that are alike, only the one on which the last controller is left fits."""
    staffed(world, BEN, CARA, DAVE)
    voted, fresh = await in_thread(world, "tiers", "tiers")
    await world.vote(voted, BEN)
    heard = Heard()
    world.directory.set_roles("dave")
    world.directory.set_roles("ben", "manager", "controller")

    assert 1 == await review(world, heard).run()
    assert [voted.id] == [of for of, _ in heard.told]
    assert RequestStatus.PENDING is (await world.now(fresh)).status


async def test_two_servers_that_look_at_once_tell_it_once(world: World) -> None:
    """The other one writes between our reading and our writing."""
    await in_thread(world, "quote")
    for who in ("ben", "cara"):
        world.directory.set_roles(who)
    told: list[int] = []

    class Between:
        """The store; another server's review runs before the first write."""

        async def read(self, unit: Any) -> Any:
            return await world.store.read(unit)

        async def unit(self, work: Any, moment: Any) -> Any:
            if not told:
                told.append(await review(world).run())
            return await world.store.unit(work, moment)

    between: Any = Between()

    assert 0 == await Review(between, world.moments, world.outbox).run()
    assert [1] == told
    assert 1 == len(await said(world))


async def test_request_without_stages_says_that_nobody_decides_it(world: World) -> None:
    ask = Asked(kind=RequestKind.TOOL, requester=ANNA.id, stages=())
    found = shortfall(ask, world.directory.people())

    assert found is not None
    assert "Nobody can decide it: its rule names no approvers." == found.why


async def test_more_than_one_page_is_told(world: World) -> None:
    await in_thread(world, *["quote"] * 205)
    for who in ("ben", "cara"):
        world.directory.set_roles(who)

    assert [205, 0] == [await review(world).run(), await review(world).run()]


async def test_what_is_alike_is_looked_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many wait: who holds a role is asked for each (stages, requester), not each row."""
    await in_thread(world, *["quote"] * 120)
    asked = 0
    with_roles = People.with_roles

    def counted(people: People, roles: Any) -> Any:
        nonlocal asked
        asked += 1
        return with_roles(people, roles)

    monkeypatch.setattr(People, "with_roles", counted)
    assert 0 == await review(world).run()
    assert 1 == asked
