"""Tickets say what is paused, and that it goes on, each once; approved ones wait and say so."""

from __future__ import annotations

from countersign.approvals.models import PauseKind, PauseScope
from countersign.connectors.ticketing import pauses
from tests.connectors.desk_world import DeskWorld
from tests.doubles.directory import BEN, ROOT, acting
from tests.doubles.ticket_desk import Ticket

QUOTES = PauseScope(kind=PauseKind.TOOL, name="quote")
KNOWN = {PauseKind.TOOL: frozenset({"quote", "pay"})}


async def pause(world: DeskWorld, scope: PauseScope = QUOTES) -> None:
    begun = await world.approvals.pausing.pause(scope, "Wrong prices.", acting(ROOT), KNOWN)
    await world.approvals.pausing.tell(begun.id)
    await world.work()


async def resume(world: DeskWorld) -> None:
    ended = await world.approvals.pausing.resume(QUOTES, acting(ROOT))
    await world.approvals.pausing.tell(ended.id)
    await world.work()


def said(ticket: Ticket) -> list[str]:
    return [comment.text for comment in ticket.comments]


async def test_an_open_ticket_says_that_it_is_paused_and_goes_on(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    await pause(world, PauseScope(kind=PauseKind.TOOL, name="pay"))
    assert [] == said(ticket)
    await pause(world)
    begun = said(ticket)
    world.restart()
    await world.unit(lambda unit: world.outbox.touched(unit, request.id))
    await world.work()
    await resume(world)

    assert [
        "Paused by Root since 2026-03-02 09:00 UTC: Wrong prices. It can be decided here as ever, "
        "and runs once that has ended."
    ] == begun
    assert ["Not paused any more: Root lets it go on."] == said(ticket)[1:]


async def test_a_pause_that_ended_before_the_request_is_no_news(world: DeskWorld) -> None:
    await pause(world)
    await resume(world)
    world.clock.advance(60)
    request, ticket = await world.ticketed()
    await world.unit(lambda unit: world.outbox.touched(unit, request.id))
    await world.work()

    assert [] == said(ticket)


async def test_an_approved_ticket_says_why_it_has_not_run(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    await pause(world)
    await world.vote(request, BEN)
    world.clock.advance(1)
    await world.work()

    assert (
        "It has not run: it is paused by Root since 2026-03-02 09:00 UTC: Wrong prices. It goes on "
        "by itself after that."
    ) in said(ticket)[-1]
    assert "runs now" not in said(ticket)[-1]


async def test_what_was_said_is_not_asked_for_again(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    await pause(world)
    asked: list[str] = []
    comment = world.tickets.comment

    async def counted(ref: object, text: str, *, key: str) -> None:
        asked.append(key)
        await comment(ref, text, key=key)  # type: ignore[arg-type]

    world.tickets.comment = counted  # type: ignore[method-assign]
    for _ in range(3):
        await world.unit(lambda unit: world.outbox.touched(unit, request.id))
        await world.work()

    assert [] == asked
    assert 1 == len(said(ticket))


def test_few_comments_are_remembered() -> None:
    assert 1_000 < pauses.REMEMBERED < 100_000
