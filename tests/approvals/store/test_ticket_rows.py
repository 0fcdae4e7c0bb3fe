"""Tickets as rows: which delivery they are, which are to be read, what people did in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Connection

from countersign.approvals.models import (
    Delivery,
    DeliveryId,
    DeliveryStatus,
    Request,
    Verdict,
)
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import tickets as rows
from countersign.approvals.tickets import (
    ActKey,
    RecordedAct,
    order_key,
    request_of,
    target_of,
    text_sha256,
)
from tests.doubles.clock import START
from tests.doubles.directory import BEN, CARA
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
KEY = ActKey(channel="jira", ticket_id="10001", act_id="h1")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


async def delivered(
    world: World,
    request: Request,
    ticket: str | None,
    *,
    channel: str = "jira",
    status: DeliveryStatus = DeliveryStatus.LIVE,
) -> DeliveryId:
    """A delivery of this request, as the ticket with this id."""
    delivery_id = DeliveryId(f"D-{channel}-{request.id}")

    def unit(connection: Connection) -> None:
        delivery_rows.add(
            connection,
            delivery_id=delivery_id,
            request_id=request.id,
            channel=channel,
            target=target_of(request),
            now=world.clock.now(),
        )
        delivery_rows.record(connection, delivery_id, ticket_id=ticket, status=status.value)

    await world.store.write(unit)
    return delivery_id


async def stored(world: World, delivery_id: DeliveryId) -> Delivery:
    return await world.store.read(lambda c: delivery_rows.get(c, delivery_id))


async def keep(world: World, key: ActKey, request: Request, reason: str = "") -> bool:
    now = world.clock.now()
    return await world.store.write(lambda c: rows.record_act(c, key, request.id, reason, now))


async def test_key_of_an_order_names_request_revision_and_stage(world: World) -> None:
    (request,) = await world.asked("pay")
    await world.vote(request, BEN)
    second = await world.vote(request, CARA)
    key = order_key(second.id, target_of(second))

    assert ("ticket:1.0", "ticket:1.1") == (target_of(request), target_of(second))
    assert f"{second.id}.1.1" == key
    assert request.id == request_of(key)
    assert not set(key) & set(" ^,\"'")


@pytest.mark.parametrize("key", ["", "R-1", "no key at all"])
async def test_key_of_another_names_what_it_says(key: str) -> None:
    assert key == request_of(key)


@pytest.mark.parametrize(
    "rewritten",
    ["One\r\nTwo\r\n", "One\rTwo", "One  \nTwo\t\n\n", "\n\nOne\nTwo"],
)
async def test_text_is_the_same_text_however_a_system_ends_its_lines(rewritten: str) -> None:
    assert text_sha256("One\nTwo") == text_sha256(rewritten)


@pytest.mark.parametrize("altered", ["One\nTwo.", "One\n Two", "One Two", "One\n\nTwo", ""])
async def test_another_text_has_another_hash(altered: str) -> None:
    assert text_sha256("One\nTwo") != text_sha256(altered)


async def test_text_that_is_no_unicode_has_a_hash() -> None:
    assert 64 == len(text_sha256("\ud800"))


async def test_delivery_is_found_by_the_id_of_its_ticket_in_its_system(world: World) -> None:
    one, two = await world.asked("quote", "quote")
    await delivered(world, one, "10001")
    await delivered(world, two, "10002")
    await delivered(world, two, "10001", channel="servicenow")

    async def found(channel: str, ticket_id: str) -> str | None:
        delivery = await world.store.read(lambda c: rows.delivery_of(c, channel, ticket_id))
        return None if delivery is None else delivery.id

    assert f"D-jira-{one.id}" == await found("jira", "10001")
    assert f"D-servicenow-{two.id}" == await found("servicenow", "10001")
    assert await found("jira", "10003") is None
    assert await found("teams", "10001") is None


async def test_delivery_is_found_by_the_order_that_it_is(world: World) -> None:
    one, two = await world.asked("quote", "quote")
    await delivered(world, one, None)

    async def found(channel: str, request: Request, target: str) -> str | None:
        delivery = await world.store.read(lambda c: rows.by_key(c, channel, request.id, target))
        return None if delivery is None else delivery.id

    assert f"D-jira-{one.id}" == await found("jira", one, "ticket:1.0")
    assert await found("jira", one, "ticket:2.0") is None
    assert await found("jira", two, "ticket:1.0") is None
    assert await found("servicenow", one, "ticket:1.0") is None


async def test_awaited_are_open_tickets_of_pending_requests(world: World) -> None:
    async def asked() -> Request:
        (request,) = await world.asked()
        return request

    first, decided, closed, unopened, elsewhere, last = [await asked() for _ in range(6)]
    one = await delivered(world, last, "1")
    two = await delivered(world, first, "2")
    await delivered(world, decided, "3")
    await delivered(world, closed, "4", status=DeliveryStatus.CLOSED)
    await delivered(world, unopened, None)
    await delivered(world, elsewhere, "1", channel="servicenow")
    await world.vote(decided, BEN, Verdict.REJECT)
    asked_for = ["2", "3", "4", "5"]
    found = await world.store.read(lambda c: rows.awaited(c, "jira", asked_for))
    pages = [
        await world.store.read(lambda c, a=after: rows.awaited_after(c, "jira", a, limit=1))  # type: ignore[misc]
        for after in ("", "1", "2")
    ]

    assert ["2"] == [delivery.ticket_id for delivery in found]
    assert [[("1", one)], [("2", two)], []] == pages


async def test_tickets_to_be_read_come_the_longest_due_first(world: World) -> None:
    requests = [(await world.asked())[0] for _ in range(4)]
    late, early, future, never = [await delivered(world, r, r.id) for r in requests]
    for delivery_id, when in ((late, at(2)), (early, at(1)), (future, at(9)), (never, None)):
        await world.store.write(partial(rows.plan_read, delivery_id=delivery_id, at=when))
    due = await world.store.read(lambda c: rows.due_reads(c, at(2), limit=10))
    one = await world.store.read(lambda c: rows.due_reads(c, at(2), limit=1))

    assert [early, late] == due
    assert [early] == one
    assert at(9) == (await stored(world, future)).look_at
    assert (await stored(world, never)).look_at is None


async def test_look_that_was_planned_meanwhile_is_not_forgotten(world: World) -> None:
    (request,) = await world.asked()
    delivery_id = await delivered(world, request, "10001")
    await world.store.write(lambda c: rows.plan_read(c, delivery_id, at(5)))
    await world.store.write(lambda c: rows.was_read(c, delivery_id, at(4)))
    kept = await stored(world, delivery_id)
    await world.store.write(lambda c: rows.was_read(c, delivery_id, at(5)))

    assert at(5) == kept.look_at
    assert (await stored(world, delivery_id)).look_at is None


async def test_look_of_one_ticket_leaves_the_others(world: World) -> None:
    one, two = await world.asked("quote", "quote")
    first, second = await delivered(world, one, "1"), await delivered(world, two, "2")
    for delivery_id in (first, second):
        await world.store.write(partial(rows.plan_read, delivery_id=delivery_id, at=at(1)))
    await world.store.write(lambda c: rows.was_read(c, first, at(1)))

    assert [second] == await world.store.read(lambda c: rows.due_reads(c, at(1), limit=9))


async def test_act_is_kept_as_it_was_first_known(world: World) -> None:
    (request,) = await world.asked()
    new = [await keep(world, KEY, request, "No."), await keep(world, KEY, request, "Yes.")]
    known = await world.store.read(lambda c: rows.act(c, KEY))

    assert [True, False] == new
    assert RecordedAct(key=KEY, request_id=request.id, reason="No.", answered=False) == known


async def test_acts_of_a_ticket_come_in_the_order_we_learnt_of_them(world: World) -> None:
    (request,) = await world.asked()
    for act_id in ("h3", "h1", "h2"):
        world.clock.advance(1)
        await keep(world, KEY.model_copy(update={"act_id": act_id}), request)
    for update in ({"ticket_id": "10002"}, {"channel": "servicenow"}):
        await keep(world, KEY.model_copy(update=update), request)
    found = await world.store.read(lambda c: rows.acts_of(c, "jira", "10001"))

    assert ["h3", "h1", "h2"] == [recorded.key.act_id for recorded in found]
    assert await world.store.read(lambda c: rows.act(c, KEY)) in found


async def test_act_that_is_not_known_is_none(world: World) -> None:
    assert await world.store.read(lambda c: rows.act(c, KEY)) is None
    assert [] == await world.store.read(lambda c: rows.acts_of(c, "jira", "10001"))


async def test_only_the_acts_that_were_told_are_answered(world: World) -> None:
    (request,) = await world.asked()
    keys = [KEY.model_copy(update={"act_id": f"h{n}"}) for n in range(3)]
    for key in keys:
        await keep(world, key, request)
    await world.store.write(lambda c: rows.answer(c, keys[:2]))
    found = await world.store.read(lambda c: rows.acts_of(c, "jira", "10001"))

    assert [True, True, False] == [recorded.answered for recorded in found]


async def test_tickets_that_have_vanished_are_counted_by_request_and_system(world: World) -> None:
    one, two = await world.asked("quote", "quote")
    for ticket_id, request in (("1", one), ("2", one), ("3", two)):
        lost = ActKey(channel="jira", ticket_id=ticket_id, act_id=rows.LOST)
        await keep(world, lost, request)
    await keep(world, KEY, one)

    async def count(channel: str, request: Request) -> int:
        return await world.store.read(lambda c: rows.count_lost(c, channel, request.id))

    assert (2, 1) == (await count("jira", one), await count("jira", two))
    assert 0 == await count("servicenow", one)


async def test_ticket_of_a_delivery_is_stored_with_it(world: World) -> None:
    (request,) = await world.asked()
    delivery_id = await delivered(world, request, "10001")
    doubt = codec.to_text(at(3))
    await world.store.write(lambda c: delivery_rows.record(c, delivery_id, doubt_at=doubt))
    delivery = await stored(world, delivery_id)

    assert ("10001", at(3), None) == (delivery.ticket_id, delivery.doubt_at, delivery.look_at)
