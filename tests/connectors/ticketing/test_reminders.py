"""Reminders are comments in the ticket, said once; after an escalation it names who may answer."""

from __future__ import annotations

from countersign.approvals.jobs.due import due_jobs
from countersign.approvals.models import RequestStatus
from tests.connectors.desk_world import DeskWorld
from tests.doubles.directory import DAVE

RULE = {
    "effect": "require_approval",
    "roles": ["manager"],
    "channels": ["jira"],
    "deadline": "8h",
    "remind": ["1h"],
    "escalate": [{"after": "2h", "roles": ["controller"]}],
}


async def later(world: DeskWorld, hours: float) -> None:
    world.clock.advance(hours=hours)
    now = world.clock.now()
    for kind, handler in (("expire", world.approvals.expire), ("remind", world.courier.remind)):
        jobs = await world.store.read(lambda c, of=kind: due_jobs(c, now, kinds=[of]))  # type: ignore[misc]
        for job in jobs:
            await handler(job.id)


def said(world: DeskWorld, ticket: str) -> list[str]:
    return [comment.text for comment in world.tickets.desk.get(ticket).comments]


async def test_reminder_and_escalation_are_comments_and_count_for_the_new_people(
    world: DeskWorld,
) -> None:
    world.change_rule("quote", RULE)
    request, ticket = await world.ticketed()
    await later(world, 1)
    reminded = said(world, ticket.id)
    await later(world, 1)
    escalated = said(world, ticket.id)
    world.tickets.as_person(DAVE).approve(ticket.id)
    await world.poll()

    assert 1 == len(reminded)
    assert f"Reminder: Quote ({request.id}) waits for your decision" in reminded[0]
    assert 2 == len(escalated)
    assert "Escalated to controller at 2026-03-02 11:00 UTC." in escalated[1]
    assert RequestStatus.APPROVED is (await world.now(request)).status
