"""An approval in a ticket that does not show the whole call counts only from who has read it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from countersign.approvals.models import Request
from countersign.connectors.ticketing.answers import UNREAD_ANSWER
from tests.connectors.desk_world import DeskWorld, desk_world
from tests.doubles.directory import BEN, CARA, ERIN
from tests.doubles.links import links
from tests.doubles.ticket_desk import State, Ticket


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[DeskWorld]:
    """Tickets that are too small, and a page to read on."""
    async with desk_world(tmp_path, channels=["jira"]) as world:
        world.tickets.whole = False
        world.links = links(clock=world.clock)
        world.restart()
        yield world


async def approved(world: DeskWorld, ticket: Ticket, who: object = BEN) -> str:
    """Somebody sets the ticket to approved; what it says then."""
    world.tickets.as_person(who).approve(ticket)  # type: ignore[arg-type]
    await world.poll()
    return world.said(ticket)


async def status(world: DeskWorld, request: Request) -> str:
    return (await world.now(request)).status


async def test_it_is_answered_with_a_link_and_asked_again(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    said = await approved(world, ticket)
    (url,) = re.findall(r"https://gate\.example/read/([\w.-]+)", said)
    assert world.links is not None
    invitation = world.links.read(url)

    assert ("pending", State.PENDING) == (await status(world, request), ticket.state)
    assert UNREAD_ANSWER in said
    assert (request.id, 1, BEN.id, "jira") == (
        invitation.request_id, invitation.revision, invitation.person, invitation.place
    )  # fmt: skip
    assert [UNREAD_ANSWER] == await world.refusals(request)


async def test_no_link_is_kept_on_the_ledger(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    await approved(world, ticket)
    entries = await world.records.ledger(request.session_id)

    assert "/read/" not in str([entry.body for entry in entries])


async def test_who_has_read_it_approves_it_and_somebody_else_does_not(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    await world.approvals.opened(request.id, BEN.id, revision=1, link="jira")
    await approved(world, ticket, CARA)
    assert "pending" == await status(world, request)

    await approved(world, ticket, BEN)
    assert "approved" == await status(world, request)


async def test_the_answer_that_did_not_count_does_not_count_later(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    await approved(world, ticket)
    await world.approvals.opened(request.id, BEN.id, revision=1, link="jira")
    await world.poll()

    assert "pending" == await status(world, request)


async def test_changes_need_reading_and_a_rejection_does_not(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    person = world.tickets.as_person(BEN)
    person.comment(ticket.id, "Changes:\namount: 1")
    await approved(world, ticket)
    assert "pending" == await status(world, request)

    person.reject(ticket.id, "Too long.")
    await world.poll()
    assert "rejected" == await status(world, request)


async def test_who_may_not_decide_hears_that_and_gets_no_link(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    said = await approved(world, ticket, ERIN)

    assert "pending" == await status(world, request)
    assert "/read/" not in said


async def test_ticket_of_before_is_taken_for_one_that_does_not_show_it_all(
    world: DeskWorld,
) -> None:
    """Its delivery does not say."""
    world.tickets.whole = True
    request, ticket = await world.ticketed()
    delivery = await world.delivery(request)
    await world.without(delivery, "whole")
    await approved(world, ticket)

    assert "pending" == await status(world, request)


async def test_without_a_page_it_is_said_how_else_to_read_it(world: DeskWorld) -> None:
    world.links = None
    world.restart()
    request, ticket = await world.ticketed()
    said = await approved(world, ticket)

    assert f"countersign requests show {request.id}" in said
