"""The pages of the instance, with plain HTTP: no script is needed to approve."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from countersign.sandbox.servicenow import ServiceNow
from countersign.sandbox.servicenow.people import ALEX, SAM

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def snow() -> AsyncIterator[ServiceNow]:
    async with ServiceNow.start() as running:
        yield running


@pytest.fixture
async def browser(snow: ServiceNow) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        timeout=30, base_url=snow.url, follow_redirects=True, trust_env=False
    ) as client:
        yield client


def ask(snow: ServiceNow, short_description: str = "Provision a server") -> str:
    bot = snow.as_person("svc_approvals")
    change = bot.add(
        "change_request",
        {"short_description": short_description, "description": "size  <b>m5</b>"},
    )
    for approver in (ALEX, SAM):
        bot.add(
            "sysapproval_approver",
            {"sysapproval": change["sys_id"], "approver": approver.sys_id, "state": "requested"},
        )
    return change["number"]


async def test_list_shows_what_waits_for_the_acting_person(
    snow: ServiceNow, browser: httpx.AsyncClient
) -> None:
    empty = (await browser.get("/")).text
    number = ask(snow, "<script>x</script>")
    mine = (await browser.get("/")).text
    theirs = (await browser.get("/acting-as", params={"user": "adele.vance", "back": "/"})).text

    assert "Nothing waits for you." in empty
    assert "There is no change yet." in empty
    assert f'<a href="/change/{number}">{number}</a>' in mine
    assert "&lt;script&gt;x" in mine
    assert number not in theirs
    assert "Adele Vance</option>" in theirs


async def test_approves_with_a_comment_and_changes(
    snow: ServiceNow, browser: httpx.AsyncClient
) -> None:
    number = ask(snow)
    page = (await browser.get(f"/change/{number}")).text
    after = await browser.post(
        f"/change/{number}",
        data={"user": "alex.wilber", "answer": "approve", "comment": "OK", "changes": "<small>"},
    )

    assert "size  &lt;b&gt;m5&lt;/b&gt;" in page
    assert 'value="approve">Approve</button>' in page
    assert (200, 1) == (after.status_code, len(after.history))
    assert "&lt;small&gt;" in after.text
    assert "Approval: Approved" in after.text
    assert "Take it back" in after.text
    row = snow.approvals(number)[0]
    assert ("approved", "<small>", "alex.wilber") == (
        row["state"],
        row["u_requested_changes"],
        row["sys_updated_by"],
    )


async def test_rejects_and_takes_it_back(snow: ServiceNow, browser: httpx.AsyncClient) -> None:
    number = ask(snow)
    seen = []
    for answer in ("reject", "reopen"):
        await browser.post(f"/change/{number}", data={"user": "sam.carter", "answer": answer})
        seen.append(snow.change(number)["approval"])
    other = await browser.get(f"/change/{number}")

    assert ["rejected", "requested"] == seen
    assert "No Longer Required" in other.text


async def test_says_who_answered_for_somebody_else(
    snow: ServiceNow, browser: httpx.AsyncClient
) -> None:
    number = ask(snow)
    await browser.get("/acting-as", params={"user": "svc_approvals"})
    page = await browser.get(f"/change/{number}")
    after = await browser.post(f"/change/{number}", data={"answer": "approve"})

    assert "Your answer for Alex Wilber" in page.text
    assert "by Approvals Integration" in after.text


async def test_refuses_who_was_not_asked(snow: ServiceNow, browser: httpx.AsyncClient) -> None:
    number = ask(snow)
    bare = snow.as_person("svc_approvals").add("change_request", {})["number"]
    await browser.get("/acting-as", params={"user": "mallory.evil"})
    page = await browser.get(f"/change/{number}")
    refused = await browser.post(f"/change/{number}", data={"answer": "approve"})
    nobody = await browser.post(f"/change/{bare}", data={"answer": "approve"})
    unclear = await browser.post(f"/change/{number}", data={})

    assert "was not asked to approve this" in page.text
    assert "<form class" not in page.text
    assert [403, 404, 400] == [answer.status_code for answer in (refused, nobody, unclear)]
    assert "ACL Exception Update Failed" in refused.text
    assert "Nobody was asked." in nobody.text
    assert "requested" == snow.change(number)["approval"]


async def test_record_that_may_not_be_seen_is_not_found(
    snow: ServiceNow, browser: httpx.AsyncClient
) -> None:
    number = ask(snow)
    await browser.get("/acting-as", params={"user": "adele.vance"})
    hidden, missing = await browser.get(f"/change/{number}"), await browser.get("/change/CHG1")

    assert [(404, True)] * 2 == [
        (page.status_code, "Record not found" in page.text) for page in (hidden, missing)
    ]


@pytest.mark.parametrize(
    "address",
    [
        "/nav_to.do?uri=change_request.do?sys_id={change}",
        "/nav_to.do?uri=change_request.do%3Fsys_id%3D{change}",
        "/change_request.do?sys_id={change}",
        "/sysapproval_approver.do?sys_id={approval}",
        "/now/nav/ui/classic/params/target/change_request.do%3Fsys_id%3D{change}",
    ],
)
async def test_addresses_of_a_real_instance_lead_to_the_record(
    snow: ServiceNow, browser: httpx.AsyncClient, address: str
) -> None:
    number = ask(snow)
    change, approval = snow.change(number)["sys_id"], snow.approvals(number)[0]["sys_id"]
    page = await browser.get(address.format(change=change, approval=approval))

    assert f"/change/{number}" == page.url.path


async def test_address_of_nothing_leads_to_the_list(browser: httpx.AsyncClient) -> None:
    pages = [
        await browser.get("/nav_to.do?uri=home"),
        await browser.get("/change_request.do?sys_id=" + "0" * 32),
    ]

    assert ["/", "/"] == [page.url.path for page in pages]


@pytest.mark.parametrize("back", ["//evil.example/x", "/\\evil.example", "https://evil.example"])
async def test_switching_the_person_never_leads_elsewhere(snow: ServiceNow, back: str) -> None:
    async with httpx.AsyncClient(timeout=30, base_url=snow.url, trust_env=False) as client:
        answer = await client.get("/acting-as", params={"user": "nobody", "back": back})

    assert (303, "/") == (answer.status_code, answer.headers["Location"])
    assert "Set-Cookie" not in answer.headers
