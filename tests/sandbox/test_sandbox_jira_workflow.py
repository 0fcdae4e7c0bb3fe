"""Moving issues on the Jira stand-in: transitions by hand, and service desk approvals."""

from __future__ import annotations

from typing import Any

import pytest
from jira import JIRA, JIRAError

from countersign.sandbox.jira import Jira, JiraError
from tests.sandbox.jira_clients import http, moves_of, with_package

APPROVALS = "/rest/servicedeskapi/request/HELP-1/approval"


async def test_package_moves_an_issue_and_the_changelog_says_who() -> None:
    def work(client: JIRA) -> None:
        steps = {t["to"]["id"]: t["id"] for t in client.transitions(key)}
        client.transition_issue(key, steps["10003"], comment="Too expensive")

    async with Jira.start() as jira:
        key = jira.as_person("bot").create("OPS", "S")
        await with_package(jira, work, login="alex")
        issue = jira.issue(key)

    assert [("712020:alex", "10003")] == moves_of(issue)
    # The resolution stands before the status in the same entry.
    assert ["resolution", "status"] == [i["field"] for i in issue["changelog"][0]["items"]]
    assert "Done" == issue["fields"]["resolution"]["name"]
    assert ["Too expensive"] == [c["body"] for c in issue["fields"]["comment"]["comments"]]


async def test_going_back_takes_the_resolution_away() -> None:
    async with Jira.start() as jira:
        key = jira.as_person("bot").create("OPS", "S")
        alex = jira.as_person("alex")
        alex.transition(key, "Rejected")
        alex.transition(key, "10001", fields={"priority": {"name": "Low"}})
        issue = jira.issue(key)

    assert ["priority", "resolution", "status"] == [
        i["field"] for i in issue["changelog"][1]["items"]
    ]
    assert issue["fields"]["resolution"] is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "Missing 'transition' identifier"),
        ({"transition": {"id": "Approve"}}, "must be an integer"),
        ({"transition": {"id": True}}, "must be an integer"),
        ({"transition": {"id": "999"}}, "not valid for the current state"),
        ({"transition": {"id": "51"}}, "not valid for the current state"),
        ({"transition": {"id": "11"}, "fields": {"nope": 1}}, "appropriate screen"),
        ({"transition": {"id": "11"}, "extra": 1}, "Invalid request payload"),
    ],
)
async def test_refused_transition_moves_nothing(body: Any, words: str) -> None:
    async with Jira.start() as jira, http(jira, "alex") as client:
        key = jira.as_person("bot").create("OPS", "S")
        answer = await client.post(f"/rest/api/2/issue/{key}/transitions", json=body)

        assert 400 == answer.status_code
        assert words in answer.text
        assert [] == moves_of(jira.issue(key))


async def test_transition_id_may_be_a_number() -> None:
    """Not in the reference, but the jira package sends it so, and Jira takes it."""
    async with Jira.start() as jira, http(jira, "alex") as client:
        key = jira.as_person("bot").create("OPS", "S")
        body = {"transition": {"id": 31}}
        answer = await client.post(f"/rest/api/3/issue/{key}/transitions", json=body)

        assert 204 == answer.status_code
        assert "10004" == jira.issue(key)["fields"]["status"]["id"]


async def test_condition_hides_a_transition_from_everyone_else() -> None:
    async with Jira.start() as jira, http(jira, "mallory") as client:
        key = jira.as_person("bot").create("OPS", "S")
        jira.site.access.restrict_transition("11", {"alex"})
        path = f"/rest/api/2/issue/{key}/transitions"
        offered = (await client.get(path)).json()["transitions"]
        only = (await client.get(path, params={"transitionId": "21"})).json()["transitions"]
        answer = await client.post(path, json={"transition": {"id": "11"}})
        with pytest.raises(LookupError, match="cannot go to Approved now: Rejected"):
            jira.as_person("mallory").transition(key, "Approved")
        jira.site.access.restrict_transition("11", None)
        jira.as_person("mallory").transition(key, "Approved")

    assert "11" not in {step["id"] for step in offered}
    assert ["Reject"] == [step["name"] for step in only]
    assert 400 == answer.status_code


async def test_closed_has_a_way_back_from_everywhere() -> None:
    async with Jira.start() as jira:
        key, alex = jira.as_person("bot").create("OPS", "S"), jira.as_person("alex")
        for status in ("Closed", "Pending", "Changes requested", "Approved", "Closed"):
            alex.transition(key, status)

        assert ["10005", "10001", "10004", "10002", "10005"] == [
            to for _, to in moves_of(jira.issue(key))
        ]


async def test_approval_has_the_documented_shape_for_an_approver_and_for_others() -> None:
    async with Jira.start() as jira, http(jira, "alex") as alex, http(jira) as bot:
        page = (await alex.get(APPROVALS)).json()
        one = (await bot.get(f"{APPROVALS}/{page['values'][0]['id']}")).json()
        request = (await bot.get(APPROVALS.removesuffix("/approval"))).json()

    assert (1, 0, 50, True) == tuple(page[k] for k in ("size", "start", "limit", "isLastPage"))
    approval = page["values"][0]
    assert {
        "id",
        "name",
        "finalDecision",
        "canAnswerApproval",
        "approvers",
        "createdDate",
        "_links",
    } == set(approval)
    assert ("pending", True, False) == (
        approval["finalDecision"],
        approval["canAnswerApproval"],
        one["canAnswerApproval"],
    )
    assert {"iso8601", "jira", "friendly", "epochMillis"} == set(approval["createdDate"])
    assert [("712020:alex", "pending"), ("712020:megan", "pending")] == [
        (a["approver"]["accountId"], a["approverDecision"]) for a in approval["approvers"]
    ]
    # Megan's address is hidden, Alex's is shown.
    assert [True, False] == ["emailAddress" in a["approver"] for a in approval["approvers"]]
    assert "Waiting for approval" == request["currentStatus"]["status"]


@pytest.mark.parametrize(
    ("decision", "final", "status"),
    [("approve", "approved", "10012"), ("decline", "declined", "10013")],
)
async def test_answer_of_an_approver_moves_the_status_in_their_name(
    decision: str, final: str, status: str
) -> None:
    async with Jira.start() as jira, http(jira, "megan") as client:
        answer = await client.post(f"{APPROVALS}/1", json={"decision": decision})
        again = await client.post(f"{APPROVALS}/1", json={"decision": decision})

        assert (200, 409) == (answer.status_code, again.status_code)
        assert (final, False) == (
            answer.json()["finalDecision"],
            answer.json()["canAnswerApproval"],
        )
        assert "completedDate" in answer.json()
        assert [("712020:megan", status)] == moves_of(jira.issue("HELP-1"))


@pytest.mark.parametrize(
    ("login", "body", "status"),
    [
        ("bot", {"decision": "approve"}, 403),
        ("mallory", {"decision": "approve"}, 403),
        ("alex", {"decision": "approved"}, 400),
        ("alex", {}, 400),
        ("alex", [], 400),
    ],
)
async def test_refused_answer_changes_nothing(login: str, body: Any, status: int) -> None:
    async with Jira.start() as jira, http(jira, login) as client:
        answer = await client.post(f"{APPROVALS}/1", json=body)

        assert status == answer.status_code
        assert {"errorMessage", "i18nErrorMessage"} == set(answer.json())
        assert [] == moves_of(jira.issue("HELP-1"))


async def test_two_approvals_may_be_needed_and_one_decline_is_enough() -> None:
    async with Jira.start() as jira:
        jira.site.approvals_needed = 2
        jira.as_person("alex").approve("HELP-1")
        (half,) = jira.issue("HELP-1")["approvals"]
        with pytest.raises(JiraError, match="answered already"):
            jira.as_person("alex").decline("HELP-1")
        jira.as_person("megan").decline("HELP-1")
        (whole,) = jira.issue("HELP-1")["approvals"]

    assert ("pending", "declined") == (half["final"], whole["final"])


async def test_new_request_starts_an_approval_that_follows_its_approvers_field() -> None:
    async with Jira.start() as jira:
        people = [{"accountId": "712020:alex"}]
        key = jira.as_person("bot").create("HELP", "Access", customfield_10040=people)
        jira.as_person("sam").edit(
            key, {"customfield_10040": [*people, {"accountId": "712020:adele"}]}
        )
        jira.as_person("adele").approve(key)
        with pytest.raises(JiraError):
            jira.as_person("adele").approve(key)
        # Nothing waits now, so the field only says what the next approval begins with.
        jira.as_person("sam").edit(key, {"customfield_10040": None})

        assert ["712020:alex", "712020:adele"] == [
            a["account_id"] for a in jira.issue(key)["approvals"][0]["approvers"]
        ]


async def test_asking_again_starts_a_second_approval() -> None:
    async with Jira.start() as jira, http(jira, "alex") as client:
        jira.as_person("alex").decline("HELP-1")
        jira.as_person("sam").transition("HELP-1", "Waiting for approval")
        page = (await client.get(APPROVALS)).json()
        none = await client.get(f"{APPROVALS}/99")
        second = (await client.get(APPROVALS, params={"limit": 1})).json()

    assert ["pending", "declined"] == [a["finalDecision"] for a in page["values"]]
    assert (False, 1) == (second["isLastPage"], second["size"])
    assert 404 == none.status_code


async def test_only_service_requests_have_approvals() -> None:
    async with Jira.start() as jira, http(jira, "alex") as client:
        key = jira.as_person("bot").create("OPS", "S")
        task = await client.get(APPROVALS.replace("HELP-1", key))
        missing = await client.get(APPROVALS.replace("HELP-1", "HELP-9"))
        with pytest.raises(LookupError, match="no approval"):
            jira.as_person("alex").approve(key)

    assert (404, 404) == (task.status_code, missing.status_code)


async def test_package_has_no_way_to_answer_but_its_session_has() -> None:
    def work(client: JIRA) -> int:
        url = f"{client.server_url}{APPROVALS}/1"
        with pytest.raises(JIRAError) as caught:
            client._session.post(url, json={"decision": "approve"})
        return int(caught.value.status_code or 0)

    async with Jira.start() as jira:
        assert 403 == await with_package(jira, work)
