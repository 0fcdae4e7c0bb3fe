"""What people do in tickets: each act counts once, or is refused with a reason, on the ledger."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from countersign.approvals.errors import UnavailableError
from countersign.approvals.forms import systems
from countersign.approvals.models import RequestStatus, Verdict, Via
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.tickets import Observation, TicketAct, TicketRef, text_sha256
from countersign.connectors.ticketing.acts import TicketActs
from tests.connectors.desk_world import CLOSED, DeskWorld, State
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN
from tests.doubles.ticket_desk import OWN
from tests.doubles.world import QUOTE


async def test_approval_in_a_ticket_decides_the_request(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id, "Fine with me.")
    await world.poll()
    world.clock.advance(1)
    await world.work()
    decided = await world.now(request)

    assert RequestStatus.APPROVED is decided.status
    assert decided.decision is not None
    assert ("ben", Via("jira"), "Fine with me.", request.digest) == (
        decided.decision.by,
        decided.decision.via,
        decided.decision.comment,
        decided.decision.digest,
    )
    assert RequestStatus.APPROVED is world.channel.cards["card-1"].request.status


async def test_vote_carries_the_identity_that_the_system_recorded(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()
    (vote,) = await world.records.votes(request.id)

    assert ("ben", Via("jira"), "jira:acc-ben") == (vote.principal_id, vote.via, vote.identity)


@pytest.mark.parametrize("comment", ["Too much discount.", ""])
async def test_rejection_reaches_the_agents_with_its_reason(world: DeskWorld, comment: str) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).reject(ticket.id, comment)
    await world.poll()
    rejected = await world.now(request)

    assert RequestStatus.REJECTED is rejected.status
    assert rejected.result is not None
    assert (comment or f"Rejected in {ticket.key} without a reason.") == rejected.result.message


@pytest.mark.parametrize(
    ("state", "changes", "comment"),
    [
        (State.CHANGES, "amount: 90", "Rounded."),
        (State.CHANGES, "", "Rounded.\n\nChanges:\namount: 90"),
        (State.APPROVED, "", "Rounded.\n\nChanges:\namount: 90"),
        (State.APPROVED, "", 'Rounded.\nChanges: {"amount": 90}'),
    ],
)
async def test_changes_become_a_revision_that_is_approved(
    world: DeskWorld, state: State, changes: str, comment: str
) -> None:
    request, ticket = await world.ticketed()
    person = world.tickets.as_person(BEN)
    if changes:
        person.ask_changes(ticket.id, changes, comment)
    else:
        person.comment(ticket.id, comment)
        person.move(ticket.id, state)
    await world.poll()
    decided = await world.now(request)

    assert (RequestStatus.APPROVED, 2) == (decided.status, decided.revision)
    assert {"customer": "Contoso", "amount": 90} == decided.arguments
    assert decided.decision is not None
    assert (Verdict.MODIFY, "Rounded.") == (decided.decision.verdict, decided.decision.comment)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("amount: a lot", "A number is needed"),
        ("amount: -5", "less than the minimum"),
        ("discount: 5", "is not an argument"),
        ("", "does not say what to change"),
        ("make it cheaper", "is no change"),
    ],
)
async def test_changes_that_do_not_fit_decide_nothing_and_the_ticket_asks_again(
    world: DeskWorld, changes: str, said: str
) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).ask_changes(ticket.id, changes)
    await world.poll()
    (reason,) = await world.refusals(request)

    assert RequestStatus.PENDING is (await world.now(request)).status
    assert said in reason
    assert said in world.said(ticket)
    assert State.PENDING is ticket.state
    assert said in str((await world.delivery(request)).error)


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (ERIN, "needs the role manager"),
        (ANNA, "asked for this yourself"),
        ("acc-evil", "not known here"),
        (OWN, "Our own account"),
        (None, "does not say who"),
    ],
)
async def test_wrong_person_decides_nothing_and_is_on_the_ledger(
    world: DeskWorld, who: object, said: str
) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(who).approve(ticket.id)  # type: ignore[arg-type]
    await world.poll()
    (reason,) = await world.refusals(request)

    assert RequestStatus.PENDING is (await world.now(request)).status
    assert said in reason
    assert said in world.said(ticket)
    assert State.PENDING is ticket.state
    assert ticket.key in str((await world.delivery(request)).error)


async def test_refused_act_is_recorded_and_answered_once_however_often_it_is_read(
    world: DeskWorld,
) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(ERIN).approve(ticket.id)
    for _ in range(3):
        await world.hint(ticket)
        await world.poll()

    assert 1 == await world.count(request, "vote_refused")
    assert 1 == len(ticket.comments)


async def test_right_person_decides_after_the_wrong_one_was_refused(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(ERIN).approve(ticket.id)
    await world.poll()
    world.tickets.as_person(CARA).approve(ticket.id)
    await world.poll()

    assert "cara" == getattr((await world.now(request)).decision, "by", None)


async def test_webhook_and_poll_together_count_once(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.hint(ticket)
    await world.hint(ticket)
    await world.poll()

    assert 1 == len(await world.records.votes(request.id))
    assert 1 == await world.count(request, "voted")
    assert 0 == await world.count(request, "vote_refused")


async def test_unmapped_state_leaves_the_request_pending(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).move(ticket.id, State.REVIEW)
    await world.poll()

    assert RequestStatus.PENDING is (await world.now(request)).status
    assert 0 == await world.count(request, "vote_refused")
    assert [] == ticket.comments


async def test_ticket_closed_without_a_decision_asks_again(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).move(ticket.id, State.CLOSED)
    await world.poll()

    assert RequestStatus.PENDING is (await world.now(request)).status
    assert State.PENDING is ticket.state
    assert "closed without a decision" in world.said(ticket)
    assert 1 == await world.count(request, "vote_refused")


async def test_altered_text_makes_the_decision_worthless_and_is_restored(
    world: DeskWorld,
) -> None:
    request, ticket = await world.ticketed()
    written = ticket.text
    world.tickets.as_person("acc-evil").edit_text(ticket.id, "Pay 1 EUR.")
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert RequestStatus.PENDING is (await world.now(request)).status
    assert written == ticket.text
    assert "acc-evil" in (await world.refusals(request))[0]
    assert 1 == await world.count(request, "ticket_altered")
    assert "restored" in str((await world.delivery(request)).error)

    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_approval_of_an_altered_text_that_comes_while_it_is_restored_does_not_count(
    world: DeskWorld,
) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person("acc-evil").edit_text(ticket.id, "Pay 1 EUR.")
    adopt = world.tickets.adopt

    async def late(*given: object) -> object:
        world.tickets.as_person(BEN).approve(ticket.id)  # the wrong text is still there
        return await adopt(*given)  # type: ignore[arg-type]

    world.tickets.adopt = late  # type: ignore[assignment,method-assign]
    await world.poll()
    world.tickets.adopt = adopt  # type: ignore[method-assign]
    await world.poll()

    assert RequestStatus.PENDING is (await world.now(request)).status
    assert "decide again" in (await world.refusals(request))[0]
    assert State.PENDING is ticket.state


async def test_altered_text_is_restored_even_if_nobody_decides(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    written = ticket.text
    world.tickets.as_person("acc-evil").edit_text(ticket.id, "Pay 1 EUR.")
    await world.poll()
    await world.poll()

    assert written == ticket.text
    assert 1 == await world.count(request, "ticket_altered")


async def test_the_ledger_has_no_hash_of_what_a_ticket_says(world: DeskWorld) -> None:
    """It has the arguments in it and no salt: who knows the rest could try them out."""
    request, ticket = await world.ticketed()
    reference = (await world.delivery(request)).reference or {}
    entries = await world.records.ledger(request.session_id)
    told = [e.body["reference"] for e in entries if e.kind == "delivered"]
    (delivered,) = (each for each in told if "ticket" in each)

    assert {**delivered, "shown": text_sha256(ticket.text)} == reference
    assert text_sha256(ticket.text) not in str(entries)


async def test_text_that_is_restored_and_is_another_by_now_is_known_as_ours(
    world: DeskWorld,
) -> None:
    """What was proposed with it is decided meanwhile: else no answer would ever count again."""
    request, other = await world.asked("quote", "wire")
    await world.work()
    ticket = await world.ticket(request)
    written = ticket.text
    await world.vote(other, DAVE, Verdict.REJECT, comment="No.")
    world.tickets.as_person("acc-evil").edit_text(ticket.id, "Pay 1 EUR.")
    await world.reconciler.plan()
    await world.poll()
    reference = (await world.delivery(request)).reference or {}

    assert written != ticket.text
    assert text_sha256(ticket.text) == reference["shown"]
    assert request.digest == reference["digest"]


async def test_first_of_two_approvals_counts_and_the_ticket_asks_for_the_other(
    world: DeskWorld,
) -> None:
    request, ticket = await world.ticketed("pay")
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert RequestStatus.PENDING is (await world.now(request)).status
    assert State.PENDING is ticket.state
    assert "1 more of 2" in world.said(ticket)

    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert "already voted" in (await world.refusals(request))[0]


async def test_next_stage_gets_a_ticket_of_its_own(world: DeskWorld) -> None:
    request, ticket = await world.ticketed("pay")
    for who in (BEN, CARA):
        world.tickets.as_person(who).approve(ticket.id)
        await world.poll()
    second = await world.ticket(request, "ticket:1.1")

    assert CLOSED is (await world.delivery(request)).status
    assert "next one has a ticket of its own" in world.said(ticket)
    assert [second.key] == world.tickets.open_tickets()

    world.tickets.as_person(DAVE).approve(second.id)
    await world.poll()

    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_answer_in_a_ticket_of_an_earlier_revision_counts_for_nothing(
    world: DeskWorld,
) -> None:
    request, ticket = await world.ticketed("pay")
    edited = {"customer": "Contoso", "amount": 90}
    await world.vote(request, BEN, Verdict.MODIFY, arguments=edited)
    world.tickets.as_person(CARA).approve(ticket.id)  # before the old ticket was closed
    await world.poll()
    now = await world.now(request)

    assert (RequestStatus.PENDING, 2) == (now.status, now.revision)
    assert ["ben"] == [v.principal_id for v in await world.records.votes(request.id)]
    assert 1 == await world.count(request, "ticket_moved_late")
    assert "changes nothing" in world.said(ticket)
    assert "90" in (await world.ticket(request, "ticket:2.0")).text


async def test_ticket_moved_after_the_decision_is_told_and_on_the_ledger(
    world: DeskWorld,
) -> None:
    request, ticket = await world.ticketed()
    await world.vote(request, CARA)
    await world.work()
    world.tickets.as_person(BEN).reject(ticket.id, "No!")
    await world.poll()
    await world.poll()

    assert RequestStatus.APPROVED is (await world.now(request)).status
    assert 1 == await world.count(request, "ticket_moved_late")
    assert 1 == sum("Approved by Cara through Microsoft Teams" in c and "afterwards" in c
                    for c in world.tickets.comments(world.tickets.ref(ticket)))  # fmt: skip


async def test_decision_in_teams_closes_the_ticket_and_is_no_refusal(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    await world.vote(request, CARA)
    await world.work()
    await world.poll()

    assert State.APPROVED is ticket.state
    assert "Approved by Cara through Microsoft Teams" in world.said(ticket)
    assert [] == await world.refusals(request)
    assert [] == world.tickets.open_tickets()


async def test_ticket_reopened_after_the_decision_is_closed_again(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    await world.vote(request, CARA, Verdict.REJECT)
    await world.work()
    world.tickets.as_person(BEN).reopen(ticket.id)
    await world.poll()

    assert State.REJECTED is ticket.state
    assert CLOSED is (await world.delivery(request)).status


async def test_end_that_is_still_to_be_told_is_told_by_one(world: DeskWorld) -> None:
    """The ticket was read before its end was told: nobody has reopened it."""
    request, ticket = await world.ticketed()
    seen = await world.tickets.fetch_one(world.tickets.ref(ticket))
    assert seen is not None
    assert seen.awaiting
    await world.vote(request, CARA, Verdict.REJECT)
    world.tickets.calls.clear()
    votes = world.reconciler._votes["jira"]
    await votes.apply(await world.delivery(request), seen)

    assert [] == world.tickets.calls

    await world.work()

    assert State.REJECTED is ticket.state
    assert 1 == world.tickets.calls.count("close")


async def test_answer_that_could_not_be_given_is_given_later(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(ERIN).approve(ticket.id)
    delivery = await world.delivery(request)
    seen = await world.tickets.fetch_one(world.tickets.ref(ticket))
    world.tickets.failures.append(UnavailableError("down"))
    votes = world.reconciler._votes["jira"]
    assert seen is not None
    with pytest.raises(UnavailableError):
        await votes.apply(delivery, seen)

    assert [] == ticket.comments
    assert 1 == await world.count(request, "vote_refused")

    await votes.apply(delivery, seen)

    assert 1 == len(ticket.comments)
    assert 1 == await world.count(request, "vote_refused")


async def test_late_answer_after_the_deadline_expires_the_request(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.clock.advance(3600)
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.hint(ticket)

    assert RequestStatus.EXPIRED is (await world.now(request)).status
    assert [] == await world.records.votes(request.id)
    assert "Nobody decided in time" in world.said(ticket)


async def test_names_that_people_give_themselves_are_written_out(
    world: DeskWorld,
) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person("acc-\u202eevil").approve(ticket.id)
    await world.poll()

    assert "\u202e" not in world.said(ticket)
    assert "\u202e" not in str((await world.delivery(request)).error)


async def test_ticket_that_was_answered_with_changes_is_told_what_ran(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).ask_changes(ticket.id, "amount: 90")
    await world.poll()
    run = await world.begin(request.session_id)
    await world.runs.claim(run, request.id, {"customer": "Contoso", "amount": 90})
    await world.runs.finish(run, request.id, ok=True, content="Q-1")
    await world.work()
    await world.poll()

    assert ["Done: it ran once with the changed arguments.\n\nResult: Q-1"] == [
        comment.text for comment in ticket.comments
    ]
    assert State.APPROVED is ticket.state
    assert CLOSED is (await world.delivery(request)).status


async def test_reading_that_is_behind_takes_no_answer_from_an_act_it_does_not_know(
    world: DeskWorld,
) -> None:
    request, ticket = await world.ticketed("wire")
    world.tickets.as_person(ERIN).approve(ticket.id)
    await world.poll()
    world.tickets.desk.index_lag_s = float("inf")
    world.tickets.as_person(BEN).approve(ticket.id)
    fetch_one = world.tickets.fetch_one

    async def fetch_and_then_fail(ref: TicketRef) -> Observation | None:
        seen = await fetch_one(ref)
        world.tickets.failures.append(UnavailableError("down"))
        return seen

    world.tickets.fetch_one = fetch_and_then_fail  # type: ignore[method-assign]
    await world.hint(ticket)
    world.tickets.fetch_one = fetch_one  # type: ignore[method-assign]
    was = ticket.state
    await world.poll()  # the index knows of Erin's answer only
    world.clock.advance(61)
    await world.reconciler.read_ticket((await world.delivery(request)).id)

    assert (State.APPROVED, State.PENDING) == (was, ticket.state)
    assert "Counted: acc-ben. 1 more of 2" in world.said(ticket)


async def test_ticket_that_was_made_another_requests_decides_nothing(world: DeskWorld) -> None:
    """Somebody writes to the database that the small call's ticket is that of the large one."""
    world.tickets.several = False
    world.restart()
    run = await world.begun()
    proposed = [world.proposal(run.session.id, "quote", {**QUOTE, "amount": n}) for n in (1, 999)]
    small, large = await world.submit(run, *proposed)
    await world.work()
    await world.reconciler.plan()
    await world.poll()
    ticket = await world.ticket(small)
    one, two = await world.delivery(small), await world.delivery(large)
    taken = {name: (one.reference or {})[name] for name in ("ticket", "key", "url", "shown")}

    def forge(connection: Connection) -> None:
        delivery_rows.record(connection, one.id, ticket_id="gone")
        reference = codec.dumps({**(two.reference or {}), **taken})
        delivery_rows.record(connection, two.id, ticket_id=one.ticket_id, reference=reference)

    await world.store.write(forge)
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert RequestStatus.PENDING is (await world.now(large)).status
    (reason,) = await world.refusals(large)
    assert "does not agree with the ledger" in reason


async def test_people_are_known_by_the_identity_that_the_system_names(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which need not be called as the system is."""
    monkeypatch.setitem(systems._NAMED, "wiki", systems.Named(words="Wiki", identity="jira"))
    acts = TicketActs("wiki", world.store, world.approvals, world.directory)
    actor = acts.actor(TicketAct(id="1", at=world.clock.now(), actor="acc-ben", state="x"))

    assert BEN == actor.principal
    assert (Via("wiki"), "wiki:acc-ben") == (actor.via, actor.identity)
