"""Which of somebody's words in a ticket is the last one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from countersign.approvals.models import RequestStatus
from countersign.approvals.store import tickets as rows
from countersign.approvals.tickets import Observation, TicketAct, TicketFinding, TicketWithdrawal
from countersign.connectors.comments.withdrawing import WITHDRAW
from countersign.connectors.ticketing import acts
from tests.connectors.desk_world import DeskWorld
from tests.doubles.directory import BEN, CARA

EARLY = datetime(2020, 1, 1, tzinfo=UTC)
NUMBERS = count()


def comments(world: DeskWorld, monkeypatch: pytest.MonkeyPatch, *acts_: TicketAct) -> None:
    """Let the ticket also have these comments that say `withdraw`."""
    inner = world.tickets.decide

    def decide(seen: Observation) -> list[TicketFinding]:
        return [*inner(seen), *(TicketWithdrawal(act=act) for act in acts_)]

    monkeypatch.setattr(world.tickets, "decide", decide)


def said(who: str, at: datetime) -> TicketAct:
    return TicketAct(id=f"w{next(NUMBERS)}", at=at, actor=who, state=WITHDRAW, state_name=WITHDRAW)


async def test_a_comment_from_before_the_answer_takes_nothing_back(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    comments(world, monkeypatch, said("acc-ben", EARLY))
    await world.poll()

    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_a_comment_after_the_answer_revokes_it_once(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    late = world.clock.now() + timedelta(days=1)
    comments(world, monkeypatch, said("acc-ben", late), said("acc-ben", late))
    await world.poll()
    await world.poll()

    assert RequestStatus.REJECTED is (await world.now(request)).status
    assert 1 == await world.count(request, "revoked")


@pytest.mark.parametrize("other", ["acc-cara", "acc-nobody"])
async def test_what_somebody_has_revoked_is_not_credited_to_another(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    late = world.clock.now() + timedelta(days=1)
    mine, theirs = said("acc-ben", late), said(other, late + timedelta(minutes=1))
    comments(world, monkeypatch, mine, theirs)
    await world.poll()
    recorded = await world.store.read(lambda c: rows.acts_of(c, "jira", ticket.id))
    why = {each.key.act_id: each.reason for each in recorded}

    assert 1 == await world.count(request, "revoked")
    assert "" == why[mine.id]
    assert "rejected" in why[theirs.id]


async def test_who_has_not_approved_it_revokes_nothing_and_is_told(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, ticket = await world.ticketed()
    await world.vote(request, CARA)
    comments(world, monkeypatch, said("acc-ben", world.clock.now()))
    await world.poll()
    recorded = await world.store.read(lambda c: rows.acts_of(c, "jira", ticket.id))

    assert RequestStatus.APPROVED is (await world.now(request)).status
    assert ["You have not approved this"] == [each.reason.split(";")[0] for each in recorded]


async def test_of_a_ticket_with_too_many_of_them_nothing_is_made(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    monkeypatch.setattr(acts, "ACTS_MAX", 0)
    monkeypatch.setattr("countersign.connectors.ticketing.acts.ACTS_MAX", 0)
    late = world.clock.now() + timedelta(days=1)
    comments(world, monkeypatch, said("acc-ben", late))
    await world.poll()

    assert RequestStatus.APPROVED is (await world.now(request)).status
