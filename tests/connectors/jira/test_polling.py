"""One query reads every ticket, by the site's own clock; what was cut short is not missed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from countersign.approvals.errors import InvalidError, UnavailableError
from countersign.approvals.tickets import TicketRef
from countersign.sandbox.jira.catalog import APPROVED, PENDING, REQUESTED_CHANGES
from countersign.sandbox.jira.model import Issue
from tests.connectors.jira.site import JiraSite
from tests.contracts.orders import Orders

MANY = 200


def make(site: JiraSite, number: int) -> str:
    """A ticket as we open them, made by our own account without HTTP."""
    labels = ["agent-approval", "agent-approval-open", f"agent-approval-R-{number}.1.0"]
    return site.jira.as_person("bot").create("OPS", "Approve", description="Run", labels=labels)


async def test_two_calls_read_two_hundred_tickets_and_every_decision(site: JiraSite) -> None:
    keys = [make(site, number) for number in range(MANY)]
    first = await site.poll()
    for key in keys:
        site.jira.as_person("alex").transition(key, APPROVED)
    site.jira.forget_requests()
    page = await site.poll(first.cursor)

    assert 2 == site.jira.calls()
    assert MANY == sum(len(site.connector.decide(seen)) for seen in page.observations)


@pytest.mark.parametrize("offset_s", [-7200.0, 7200.0])
async def test_clock_of_the_site_may_be_hours_off(
    site: JiraSite, orders: Orders, offset_s: float
) -> None:
    site.jira.clock_offset_s = offset_s
    ref = await orders.ticket()
    first = await site.poll()
    site.jira.as_person("alex").transition(ref.key, APPROVED)
    page = await site.poll(first.cursor)

    assert [ref.id] == [seen.ref.id for seen in page.observations]
    assert [1] == [len(site.connector.decide(seen)) for seen in page.observations]


async def test_query_reaches_back_to_the_last_poll_however_long_ago_that_was(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    first = await site.poll()
    long_ago = datetime.fromisoformat(first.cursor) - timedelta(days=3)
    site.jira.clock_offset_s = -86_400.0 * 2
    site.jira.as_person("alex").transition(ref.key, APPROVED)
    site.jira.clock_offset_s = 0.0
    recent, old = await site.poll(first.cursor), await site.poll(long_ago.isoformat())

    assert () == recent.observations
    assert [ref.id] == [seen.ref.id for seen in old.observations]


async def test_query_is_asked_again_if_the_site_was_silent_for_longer_than_we_thought(
    site: JiraSite, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    await orders.ticket()
    first = await site.poll()
    client = site.connector._client
    now = datetime.fromisoformat(first.cursor)
    times = iter([now, now + timedelta(hours=1), now + timedelta(hours=1)])
    monkeypatch.setattr(type(client), "site_time", property(lambda _: next(times)))
    site.jira.forget_requests()
    await site.connector._fetching.changed(now)
    asked = [r.query["jql"].partition('"-')[2].partition('m"')[0] for r in site.jira.requests]

    assert ["6", "66"] == asked


async def test_cursor_that_cannot_be_read_means_everything(site: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    pages = [await site.poll(cursor) for cursor in (None, "", "yesterday")]

    assert [[ref.id]] * 3 == [[seen.ref.id for seen in page.observations] for page in pages]


async def test_answer_that_many_edits_have_pushed_out_of_the_search_is_read_in_bulk(
    site: JiraSite, orders: Orders
) -> None:
    refs = [await orders.ticket() for _ in range(3)]
    for ref in refs[:2]:
        site.jira.as_person("alex").edit(ref.key, {REQUESTED_CHANGES: "amount: 90"})
        site.jira.as_person("alex").transition(ref.key, APPROVED)
        for number in range(50):
            site.jira.as_person("megan").edit(ref.key, {"customfield_10060": str(number)})
    await site.poll()
    site.jira.forget_requests()
    page = await site.poll()
    changes = {seen.ref.id: [act.changes for act in seen.acts] for seen in page.observations}

    assert {refs[0].id: ["amount: 90"], refs[1].id: ["amount: 90"], refs[2].id: []} == changes
    assert 1 == site.jira.calls("POST", "/changelog/bulkfetch")
    assert 2 == site.jira.calls()


async def test_one_issue_is_read_with_its_whole_history(site: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    site.jira.as_person("alex").transition(ref.key, APPROVED)
    for number in range(120):
        site.jira.as_person("megan").edit(ref.key, {"customfield_10060": str(number)})

    assert ["approve"] == await site.said(ref)


async def test_edits_that_pushed_a_change_of_the_text_out_do_not_hide_it(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    megan = site.jira.as_person("megan")
    megan.edit(ref.key, {"description": "Free cake"})
    for number in range(50):
        megan.edit(ref.key, {"customfield_10060": str(number)})
    page = await site.poll()

    assert [megan.account_id] == [seen.altered_by for seen in page.observations]


async def test_issue_that_cannot_be_read_keeps_no_other_waiting(
    site: JiraSite, orders: Orders
) -> None:
    refs = [await orders.ticket() for _ in range(2)]
    damage(site, refs[0])
    page = await site.poll()

    assert [refs[1].id] == [seen.ref.id for seen in page.observations]
    with pytest.raises(UnavailableError, match="cannot be read"):
        await site.connector.fetch_one(refs[0])


def damage(site: JiraSite, ref: TicketRef) -> None:
    """Give an issue a description that is no text."""
    issue = site.jira.site.store.get(ref.key)
    assert isinstance(issue, Issue)
    fields = {**issue.fields, "description": ["not", "a", "text"]}
    site.jira.site.save(issue.model_copy(update={"fields": fields}))


async def test_label_of_another_project_is_not_read(site: JiraSite) -> None:
    """Another installation may use it there; what carries an order is found, and is not ours."""
    labels = ["agent-approval", "agent-approval-open", "agent-approval-R-1.1.0"]
    site.jira.as_person("megan").create("HELP", "Mine", labels=labels)

    assert () == (await site.poll()).observations
    assert [False] == [found.ours for found in await site.connector.find("R-1.1.0")]


async def test_expired_token_does_not_look_like_a_deleted_ticket(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    await site.seen(ref)
    site.jira.faults.fail(404, path=f"issue/{ref.id}")
    site.jira.revoke("bot")

    with pytest.raises(UnavailableError, match="credentials"):
        await site.connector.fetch_one(ref)


async def test_hidden_ticket_is_gone(site: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    site.jira.site.access.grant("bot", "OPS", set())

    assert None is await site.connector.fetch_one(ref)


async def test_waiting_means_the_status_and_not_the_label(site: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    site.jira.as_person("megan").edit(ref.key, {"labels": []})
    seen = await site.seen(ref)

    assert (True, "", PENDING) == (seen.awaiting, seen.order_key, site.status(ref))


async def test_key_that_is_a_query_is_never_asked(site: JiraSite) -> None:
    await site.poll()
    site.jira.forget_requests()
    for key in ('x" OR labels = "agent-approval', "", "a b", "x" * 200, "\u0661"):
        with pytest.raises(InvalidError):
            await site.connector.find(key)

    assert [] == [path for _, path in site.calls() if "search" in path]
