"""A ticket is made once, with everybody asked, or it is clear what to change."""

from __future__ import annotations

import pytest

from countersign.approvals.errors import InvalidError, UnansweredError
from countersign.approvals.ports import TicketOrder
from countersign.sandbox._faults import Fault
from countersign.sandbox.servicenow.people import ALEX, MEGAN, SAM
from tests.connectors.servicenow.office import APPROVER, PUBLIC_URL, Office
from tests.contracts.orders import Orders

BOTH = {ALEX.user_name: "requested", SAM.user_name: "requested"}


def asked_of(order: TicketOrder, *identities: str) -> TicketOrder:
    """The order, for as many people with these identities."""
    people = [
        person.model_copy(update={"identities": {"servicenow": name}})
        for person, name in zip(order.approvers, identities, strict=False)
    ]
    return order.model_copy(update={"approvers": tuple(people)})


async def test_record_says_what_is_asked_and_everybody_has_an_approval(
    office: Office, orders: Orders
) -> None:
    connector = office.use(fields={"risk": 2, "assigned_to": MEGAN.sys_id})
    order = await orders.new()
    ref = await connector.open_ticket(order)
    change, approval = office.snow.change(ref.key), office.approval(ref, SAM.user_name)

    assert ("2", MEGAN.sys_id) == (change["risk"], change["assigned_to"])
    assert (order.key, "agent-approval:open") == (
        change["correlation_id"],
        change["correlation_display"],
    )
    assert change["short_description"].startswith("Approve Quote")
    assert BOTH == office.states(ref)
    assert (ref.id, "change_request") == (approval["document_id"], approval["source_table"])
    assert f"{office.snow.url}/nav_to.do?uri=change_request.do%3Fsys_id%3D{ref.id}" == ref.url


async def test_nobody_learns_our_name(office: Office, orders: Orders) -> None:
    ref = await orders.ticket()
    await office.connector.comment(ref, "Please look.", key="k1")
    written = (
        f"{office.snow.change(ref.id)}{office.snow.journal(ref.id)}{office.snow.approvals(ref.id)}"
    )

    assert "countersign" not in written.lower()


@pytest.mark.parametrize("who", ["nobody.here", "alex wilber", "alex.wilber^active=true", "a,b"])
async def test_approver_who_is_not_there_is_found_out_before_anything_is_made(
    office: Office, orders: Orders, who: str
) -> None:
    order = asked_of(await orders.new(), SAM.user_name, who)
    with pytest.raises(InvalidError):
        await office.connector.open_ticket(order)

    assert [] == office.snow.changes()


async def test_approver_who_has_left_is_named(office: Office, orders: Orders) -> None:
    office.person("admin").edit("sys_user", SAM.sys_id, {"active": "false"})
    with pytest.raises(InvalidError, match=f"no active user {SAM.user_name}"):
        await office.connector.open_ticket(await orders.new())


async def test_user_names_are_found_whatever_their_case(office: Office, orders: Orders) -> None:
    order = asked_of(await orders.new(), "Alex.Wilber", "SAM.CARTER")
    ref = await office.connector.open_ticket(order)
    await office.connector.adopt(order, ref)

    assert BOTH == office.states(ref)
    assert 2 == len(office.snow.approvals(ref.id))


@pytest.mark.parametrize("kind", ["reset_after", "error_after"])
@pytest.mark.parametrize("place", ["change_request", APPROVER])
async def test_ticket_that_was_begun_is_found_and_completed(
    office: Office, orders: Orders, kind: str, place: str
) -> None:
    order = await orders.new()
    office.snow.faults.add(
        Fault.model_validate({"kind": kind, "method": "POST", "path": place, "status": 503})
    )
    with pytest.raises(UnansweredError):
        await office.connector.open_ticket(order)
    (found,) = await office.connector.find(order.key)
    adopted = [await office.connector.adopt(order, found.ref) for _ in range(2)]

    assert 1 == len(office.snow.changes())
    assert BOTH == office.states(adopted[0])
    assert 2 == len(office.snow.approvals(found.ref.id))


async def test_ticket_that_was_turned_away_half_way_is_known_to_be_there(
    office: Office, orders: Orders
) -> None:
    office.snow.faults.fail(429, method="POST", path=APPROVER, retry_after_s=7)
    with pytest.raises(UnansweredError, match="CHG0030001 was made") as raised:
        await office.connector.open_ticket(await orders.new())

    assert 7 == raised.value.retry_after_s


async def test_flow_of_the_instance_can_ask_instead(office: Office, orders: Orders) -> None:
    office.snow.options.auto_approvals = "CAB Approval"
    connector = office.use(create_approvals=False, fields={"state": "-4"})
    ref = await connector.open_ticket(await orders.new())
    office.person(SAM.user_name).approve(ref.id, "Fine.")
    (vote,) = await office.found(ref)

    assert (SAM.user_name, "Fine.") == (vote.act.actor, vote.act.comment)
    assert not [path for method, path, _ in office.calls() if method == "POST" and APPROVER in path]


async def test_text_that_was_cut_says_which_setting_to_change(
    office: Office, orders: Orders
) -> None:
    connector = office.use(description_limit=8_000)
    order = await orders.new({"customer": "Contoso " * 700, "amount": 1})
    with pytest.raises(InvalidError, match="description_limit"):
        await connector.open_ticket(order)


async def test_long_arguments_are_cut_and_what_they_were_can_be_read_elsewhere(
    office: Office, orders: Orders
) -> None:
    order = await orders.new({"customer": "Contoso " * 700, "amount": 1})
    ref = await office.connector.open_ticket(order)
    text = office.snow.change(ref.id)["description"]

    assert len(text) <= 4_000
    assert f"{PUBLIC_URL}/read/" in text
    assert not ref.whole
    assert order.view.request.digest in text


async def test_label_that_somebody_took_away_is_put_back(office: Office, orders: Orders) -> None:
    order = await orders.new()
    ref = await office.connector.open_ticket(order)
    taken = {"correlation_id": "", "correlation_display": ""}
    office.person(MEGAN.user_name).edit("change_request", ref.id, taken)
    await office.connector.adopt(order, ref)
    change = office.snow.change(ref.id)

    assert (order.key, "agent-approval:open") == (
        change["correlation_id"],
        change["correlation_display"],
    )


async def test_adopting_does_not_open_a_closed_ticket_again(office: Office, orders: Orders) -> None:
    order = await orders.new()
    ref = await office.connector.open_ticket(order)
    office.person(MEGAN.user_name).edit(
        "change_request", ref.id, {"correlation_display": "agent-approval:closed"}
    )
    await office.connector.adopt(order, ref)

    assert [] == await office.open_tickets()


async def test_record_whose_key_only_looks_the_same_is_not_found(
    office: Office, orders: Orders
) -> None:
    """The database under an instance compares without regard to case."""
    order = await orders.new()
    await office.connector.open_ticket(order)

    assert [] == list(await office.connector.find(order.key.lower()))
