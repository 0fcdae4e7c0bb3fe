"""One request makes a whole ticket; what Jira does not take is said in the words of a setting."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import InvalidError, UnansweredError
from countersign.sandbox._faults import Fault
from countersign.sandbox.jira.catalog import APPROVERS
from countersign.testing.suites.ticket_system import Who
from tests.connectors.jira.site import JiraSite
from tests.contracts.orders import Orders


async def test_ticket_is_made_whole_by_one_request(site: JiraSite, orders: Orders) -> None:
    order = await orders.new()
    ref = await site.connector.open_ticket(order)
    issue = site.jira.issue(ref.key)
    fields, digest = issue["fields"], order.view.request.digest

    assert 1 == site.jira.calls("POST")
    assert f"{site.jira.url}/browse/{ref.key}" == ref.url
    assert {"agent.approval": {"order": order.key, "digest": digest}} == issue["properties"]
    assert ["agent-approval", f"agent-approval-{order.key}", "agent-approval-open"] == fields[
        "labels"
    ]
    assert site.people[Who.BEN] == fields["assignee"]["accountId"]
    assert digest in fields["description"]


async def test_ticket_never_learns_our_name(site: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    await site.connector.comment(ref, "Hello.", key="k1")

    assert "countersign" not in str(site.jira.issue(ref.key)).lower()


async def test_people_who_may_answer_stand_in_the_field_for_them(
    site: JiraSite, orders: Orders
) -> None:
    site.use(approver_field=APPROVERS, assign=False, fields={"customfield_10060": "4711"})
    fields = site.jira.issue((await orders.ticket()).key)["fields"]

    assert [site.people[Who.BEN], site.people[Who.CARA]] == [
        person["accountId"] for person in fields[APPROVERS]
    ]
    assert None is fields["assignee"]
    assert "4711" == fields["customfield_10060"]


async def test_field_for_one_person_gets_the_first(site: JiraSite, orders: Orders) -> None:
    site.use(approver_field="customfield_10041", approver_field_multiple=False)
    fields = site.jira.issue((await orders.ticket()).key)["fields"]

    assert site.people[Who.BEN] == fields["customfield_10041"]["accountId"]


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"issue_type": "Epic"}, "Correct connectors.jira.issue_type"),
    ({"project": "NONE"}, "connectors.jira.project"),
    ({"fields": {"priority": {"id": "99"}}}, "Correct connectors.jira.fields.priority"),
    ({"fields": {"customfield_99999": "x"}}, "Correct connectors.jira.fields.customfield_99999"),
    ({"approver_field": "customfield_10041"}, "Check connectors.jira.approver_field"),
]


@pytest.mark.parametrize(("more", "said"), REFUSALS)
async def test_refused_ticket_names_the_setting(
    site: JiraSite, orders: Orders, more: dict[str, Any], said: str
) -> None:
    site.use(**more)

    with pytest.raises(InvalidError, match=said):
        await orders.ticket()


async def test_required_field_is_named_as_people_know_it(site: JiraSite, orders: Orders) -> None:
    site.jira.site.required_fields.add("customfield_10060")

    with pytest.raises(InvalidError) as raised:
        await orders.ticket()
    assert "Cost centre (customfield_10060): Cost centre is required" in str(raised.value)
    assert "Set connectors.jira.fields.customfield_10060" in str(raised.value)


async def test_approver_who_cannot_be_assigned_is_named(site: JiraSite, orders: Orders) -> None:
    site.people[Who.BEN] = "712020:nobody"

    with pytest.raises(InvalidError, match=r"Ben \(712020:nobody\).*connectors.jira.assign"):
        await orders.ticket()


async def test_user_key_that_data_center_does_not_know_is_named(
    data_center: JiraSite, orders: Orders
) -> None:
    order = await orders.new()  # with account ids of Cloud

    with pytest.raises(InvalidError, match=r"identities\.jira"):
        await data_center.connector.open_ticket(order)
    assert [] == data_center.jira.issues("agent-approval")


async def test_create_is_sent_once_whatever_happens(site: JiraSite, orders: Orders) -> None:
    order = await orders.new()
    await site.connector.find(order.key)
    for kind in ("error_after", "reset_after"):
        site.jira.faults.add(Fault(kind=kind, method="POST", status=503, retry_after_s=0))
        with pytest.raises(UnansweredError):
            await site.connector.open_ticket(order)

    assert 2 == site.jira.calls("POST") == len(await site.connector.find(order.key))


async def test_adopting_writes_a_changed_text_and_lost_labels_and_nothing_else(
    site: JiraSite, orders: Orders
) -> None:
    order = await orders.new()
    ref = await site.connector.open_ticket(order)
    await site.connector.adopt(order, ref)
    quiet = site.jira.calls("PUT")
    await site.edit_text(ref, Who.ERIN, "Free cake")
    site.jira.as_person("megan").edit(ref.key, {"labels": ["mine"], "summary": "Cake"})
    site.jira.as_person("alex").edit(ref.key, {"assignee": {"accountId": site.people[Who.CARA]}})
    adopted = await site.connector.adopt(order, ref)
    fields = site.jira.issue(ref.key)["fields"]

    assert (0, 1) == (quiet, site.jira.calls("PUT"))
    assert ref.shown == adopted.shown
    assert fields["summary"].startswith("Approve Quote")
    assert {"mine", "agent-approval", "agent-approval-open"} < set(fields["labels"])
    assert site.people[Who.CARA] == fields["assignee"]["accountId"]


async def test_text_of_an_order_is_found_in_the_page_of_the_ticket(
    site: JiraSite, orders: Orders
) -> None:
    order = await orders.new({"customer": "Contoso", "amount": 28500, "terms": "a\nb"})
    ref = await site.connector.open_ticket(order)
    text = site.jira.issue(ref.key)["fields"]["description"]

    assert "||Argument||Value||\n|Customer|Contoso|\n|Amount|28500|" in text
    assert '*Terms*\n{noformat}\n"a↵\nb"\n{noformat}' in text
    assert "move this issue to *Approved*" in text
    assert "move it to *Rejected*" in text
    assert "the field “Requested changes”" in text
    assert "*Who decides:* Ben, Cara\n*Decide by:*" in text
