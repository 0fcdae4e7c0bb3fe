"""Where a column of the record is the answer, as on sites that gate on its state."""

from __future__ import annotations

import pytest
import pytest_asyncio

from countersign.approvals.models import Verdict
from countersign.approvals.tickets import TicketOutcome, TicketRefusal, TicketVote
from countersign.connectors.servicenow.connector import ServiceNowConnector
from countersign.sandbox.servicenow.people import BOT, MALLORY, MEGAN
from countersign.testing.suites.ticket_reading import among
from tests.connectors.servicenow.office import APPROVER, Office
from tests.contracts.orders import Orders

BY_STATE = {"field": "state", "approved": [-4], "rejected": [4], "pending": [-5]}
"""Assess means yes, cancelled means no: moves that anybody with the role itil may make."""


@pytest_asyncio.fixture
async def connector(office: Office) -> ServiceNowConnector:
    return office.use(decide_by=BY_STATE)


async def test_nobody_is_asked_one_by_one(
    connector: ServiceNowConnector, office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()

    assert [] == office.snow.approvals(ref.id)
    assert (await office.seen(ref)).awaiting
    assert "Set state to -4 or to 4" in office.snow.change(ref.id)["description"]


@pytest.mark.parametrize(("state", "verdict"), [("-4", Verdict.APPROVE), ("4", Verdict.REJECT)])
async def test_mapped_state_is_the_verdict_of_who_set_it(
    connector: ServiceNowConnector, office: Office, orders: Orders, state: str, verdict: Verdict
) -> None:
    ref = await orders.ticket()
    office.person(MEGAN.user_name).move(ref.id, state, comments="So be it.")
    await connector.comment(ref, "Noted.", key="k1")
    (vote,) = await office.found(ref)
    page = await connector.fetch_decisions(None, among([ref]))

    assert isinstance(vote, TicketVote)
    assert (verdict, MEGAN.user_name, "So be it.") == (
        vote.verdict,
        vote.act.actor,
        vote.act.comment,
    )
    assert vote.act in page.observations[0].acts


async def test_state_that_is_not_mapped_means_pending(
    connector: ServiceNowConnector, office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    megan = office.person(MEGAN.user_name)
    megan.move(ref.id, "-4")
    megan.move(ref.id, "-3")

    assert [] == await office.found(ref)


async def test_without_the_audit_it_is_not_known_who_set_it(
    connector: ServiceNowConnector, office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    office.person(MEGAN.user_name).move(ref.id, "-4")
    for entry in office.snow.rows("sys_audit"):
        office.snow.hide(entry["sys_id"])
    (found,) = await office.found(ref)

    assert isinstance(found, TicketRefusal)
    assert found.act.actor is None


async def test_our_own_account_decides_nothing(
    connector: ServiceNowConnector, office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    office.person(BOT.user_name).move(ref.id, "-4")
    (found,) = await office.found(ref)

    assert isinstance(found, TicketRefusal)


async def test_answer_that_does_not_count_is_put_back_and_a_newer_one_is_not(
    connector: ServiceNowConnector, office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    office.person(MALLORY.user_name).move(ref.id, "-4")
    (first,) = await office.found(ref)
    await connector.ask_again(ref, first.act, "It does not count.", counted=False)
    asking = await office.seen(ref)
    office.person(MEGAN.user_name).move(ref.id, "-4")
    await connector.ask_again(ref, first.act, "It does not count.", counted=False)
    (second,) = await office.found(ref)

    assert (True, ()) == (asking.awaiting, asking.acts)
    assert (MEGAN.user_name, "-4") == (second.act.actor, office.snow.change(ref.id)["state"])


async def test_closed_ticket_waits_for_nobody(
    connector: ServiceNowConnector, office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    await connector.close(ref, TicketOutcome.REJECTED, "Rejected in the chat.")

    assert not (await office.seen(ref)).awaiting
    assert "-5" == office.snow.change(ref.id)["state"]
    assert not [path for _, path, _ in office.calls() if APPROVER in path]
