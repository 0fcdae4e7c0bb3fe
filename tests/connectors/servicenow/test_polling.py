"""One query finds the answers of all tickets; the cursor is the instance's own time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from aiohttp import web

from countersign.approvals.models import Verdict
from countersign.approvals.tickets import TicketOutcome, TicketRef, TicketVote
from countersign.sandbox._serve import serve
from countersign.sandbox.servicenow.people import ALEX, MEGAN
from countersign.testing.suites.ticket_reading import among
from tests.connectors.servicenow.fixtures import payload
from tests.connectors.servicenow.office import APPROVER, Office
from tests.contracts.orders import Orders

PENDING = 200


async def poll(
    office: Office, since: str | None, tickets: list[TicketRef]
) -> tuple[dict[str, list[Verdict]], str]:
    """The verdicts by ticket, and the cursor."""
    page = await office.connector.fetch_decisions(since, among(tickets))
    found = {
        seen.ref.id: [f.verdict for f in office.connector.decide(seen) if isinstance(f, TicketVote)]
        for seen in page.observations
    }
    return found, page.cursor


async def test_two_hundred_decisions_are_read_in_three_calls(
    office: Office, orders: Orders
) -> None:
    order = await orders.new()
    refs = await asyncio.gather(
        *(
            office.connector.open_ticket(order.model_copy(update={"key": f"R-{n}.1.0"}))
            for n in range(PENDING)
        )
    )
    _, cursor = await poll(office, None, refs)
    for ref in refs:
        office.person(ALEX.user_name).approve(ref.id, "Fine.")
    before = len(office.snow.requests)
    found, _ = await poll(office, cursor, refs)

    assert {ref.id: [Verdict.APPROVE] for ref in refs} == found
    assert 3 == len(office.snow.requests) - before


async def test_cursor_is_the_instances_time_however_wrong_its_clock(
    office: Office, orders: Orders
) -> None:
    office.snow.clock_offset_s = 7200
    refs = [await orders.ticket() for _ in range(2)]
    _, cursor = await poll(office, None, refs)
    office.person(ALEX.user_name).approve(refs[0].id)
    found, later = await poll(office, cursor, refs)
    ahead = datetime.fromisoformat(later) - datetime.now(UTC)

    assert [Verdict.APPROVE] == found[refs[0].id]
    assert timedelta(hours=1.9) < ahead < timedelta(hours=2.1)


async def test_what_has_not_changed_for_a_while_is_not_read_again(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    _, early = await poll(office, None, [ref])
    office.snow.clock_offset_s = 600
    other = await orders.ticket()
    _, cursor = await poll(office, early, [ref, other])
    found, again = await poll(office, cursor, [ref, other])

    assert {other.id} == found.keys()
    assert cursor == again


async def test_without_any_ticket_the_next_poll_reads_everything(office: Office) -> None:
    assert ({}, "") == await poll(office, None, [])
    assert ({}, "") == await poll(office, "", [])


async def test_change_of_the_text_is_seen_although_no_approval_changed(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    _, cursor = await poll(office, None, [ref])
    office.snow.clock_offset_s = 600
    await orders.ticket()
    _, cursor = await poll(office, cursor, [ref])
    office.person(MEGAN.user_name).edit("change_request", ref.id, {"description": "Give a raise."})
    page = await office.connector.fetch_decisions(cursor, among([ref]))

    assert {ref.id: MEGAN.user_name} == {
        seen.ref.id: seen.altered_by for seen in page.observations if seen.altered_by
    }


async def test_text_is_not_compared_for_tickets_that_do_not_wait(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    office.person(MEGAN.user_name).edit("change_request", ref.id, {"description": "Give a raise."})
    page = await office.connector.fetch_decisions(None, among([]))

    assert [(ref.id, None)] == [(seen.ref.id, seen.altered_by) for seen in page.observations]


async def test_rows_that_the_query_did_not_ask_for_are_left_out(office: Office) -> None:
    """An instance that does not know a column leaves that condition out, and answers everything."""
    task, approval = payload("task.json")["result"], payload("approval.json")["result"][0]
    walked = {f"sysapproval.{name}": value for name, value in task.items()}
    marks = ("other:open", "agent-approval:closed", "agent-approval:open", "")

    async def handler(_: web.Request) -> web.Response:
        rows = [
            {**approval, **walked, "sysapproval.sys_id": f"{n}" * 32,
             "state": "requested", "sysapproval.correlation_display": mark}
            for n, mark in enumerate(marks)
        ]  # fmt: skip
        return web.json_response({"result": rows})

    app = web.Application()
    app.router.add_get("/{tail:.*}", handler)
    async with serve(app) as url:
        connector = office.use(url=url)
        opened = await connector.fetch_decisions(None, among([]))
        changed = await connector.fetch_decisions(opened.cursor, among([]))
        found = await connector.find(task["correlation_id"])

    assert ["2" * 32] == [seen.ref.id for seen in opened.observations]
    assert ["1" * 32, "2" * 32] == [seen.ref.id for seen in changed.observations]
    assert [] == list(found)


async def test_closed_ticket_that_somebody_opened_again_is_read(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    _, cursor = await poll(office, None, [ref])
    await office.connector.close(ref, TicketOutcome.REJECTED, "Rejected in the chat.")
    row = office.approval(ref, ALEX.user_name)
    office.person("admin").edit(APPROVER, row["sys_id"], {"state": "requested"})
    page = await office.connector.fetch_decisions(cursor, among([ref]))

    assert [(ref.id, True)] == [(seen.ref.id, seen.awaiting) for seen in page.observations]
