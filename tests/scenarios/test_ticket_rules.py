"""Several people, one after the other or together, deputies, and approvals of a service desk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from countersign.sandbox.jira.server import Jira
from countersign.sandbox.servicenow.people import BY_NAME
from countersign.sandbox.servicenow.server import ServiceNow
from tests.scenarios.ticket_world import TicketWorld, ticket_world

pytestmark = pytest.mark.usefixtures("both_databases")

SYSTEMS = ["jira", "servicenow"]
TWO_STAGES = {
    "stages": [
        {"roles": ["account_executive"], "quorum": 1},
        {"roles": ["sales_manager"], "quorum": 1},
    ]
}
BOTH_OF_THEM = {"stages": [{"roles": ["account_executive"], "quorum": 2}]}
ANY = {"stages": [{"roles": ["account_executive"], "quorum": 1}]}


def tickets(app: TicketWorld, request: dict[str, Any]) -> dict[str, str]:
    """The tickets of a request by what they show."""
    mine = [d for d in request["deliveries"] if d["channel"] == app.desk.name]
    return {d["target"]: d["ticket"] for d in mine if d["ticket"]}


@pytest.mark.parametrize("system", SYSTEMS)
async def test_each_stage_has_a_ticket_of_its_own(tmp_path: Path, system: str) -> None:
    async with ticket_world(tmp_path, system, rule=TWO_STAGES) as app, app.server():
        request = await app.asked()
        first = tickets(app, request)["ticket:1.0"]

        app.desk.answer(first, "approve", who="megan")
        request = await app.until(request["id"], lambda r: "ticket:1.1" in tickets(app, r))
        second = tickets(app, request)["ticket:1.1"]
        between = (request["status"], app.quotes())
        await app.says_in(first, "The next one has a ticket of its own.")
        app.desk.answer(second, "approve", who="alex")
        await app.over(request["session_id"])
        await app.closed(request)
        after = await app.request(request["id"])

        assert ("pending", []) == between
        assert [("megan", 1), ("alex", 2)] == [(v["by"], v["stage"]) for v in after["votes"]]
        assert [request["arguments"]] == app.quotes()


@pytest.mark.parametrize("system", SYSTEMS)
async def test_two_of_two_have_to_approve_in_the_same_ticket(tmp_path: Path, system: str) -> None:
    async with ticket_world(tmp_path, system, rule=BOTH_OF_THEM) as app, app.server():
        request = await app.asked()
        key = str(app.key(request))

        app.desk.answer(key, "approve", who="megan")
        await app.asks_again(key, "1 more of 2 have to approve")
        between = (await app.request(request["id"]))["status"]
        app.desk.answer(key, "approve", who="alex")
        await app.over(request["session_id"])
        after = await app.request(request["id"])

        assert "pending" == between
        assert ["megan", "alex"] == [vote["by"] for vote in after["votes"]]
        assert [request["arguments"]] == app.quotes()


async def test_the_same_person_twice_is_not_two(tmp_path: Path) -> None:
    """In ServiceNow there is nothing to do twice: whoever has approved has no approval left."""
    async with ticket_world(tmp_path, "jira", rule=BOTH_OF_THEM) as app, app.server():
        request = await app.asked()
        key = str(app.key(request))
        app.desk.answer(key, "approve", who="megan")
        await app.asks_again(key, "1 more of 2 have to approve")

        app.desk.answer(key, "approve", who="megan")
        await app.quiet()
        after = await app.request(request["id"])

        assert "pending" == after["status"]
        assert ["megan"] == [vote["by"] for vote in after["votes"]]
        assert [] == app.quotes()


async def test_one_in_teams_and_one_in_the_ticket_are_two(tmp_path: Path) -> None:
    async with ticket_world(tmp_path, "jira", rule=BOTH_OF_THEM) as app, app.server():
        request = await app.asked()
        key = str(app.key(request))
        status, _ = await app.vote(request, "approve", person="megan")

        app.desk.answer(key, "approve", who="alex")
        await app.over(request["session_id"])
        after = await app.request(request["id"])

        assert 200 == status
        assert [("megan", "api"), ("alex", "jira")] == [
            (vote["by"], vote["via"]) for vote in after["votes"]
        ]


@pytest.mark.parametrize("named", [True, False])
async def test_deputy_counts_if_the_configuration_names_them(tmp_path: Path, named: bool) -> None:
    """ServiceNow lets a delegate answer; whether that counts is for our configuration to say."""
    connector = {"delegates": {"alex.wilber": ["megan.bowen"]}} if named else {}
    async with ticket_world(tmp_path, "servicenow", connector=connector, rule=ANY) as app:
        assert isinstance(app.system, ServiceNow)
        snow = app.system
        delegation = {
            "user": BY_NAME["alex.wilber"].sys_id,
            "delegate": BY_NAME["megan.bowen"].sys_id,
            "approvals": "true",
            "starts": "2020-01-01 00:00:00",
        }
        snow.as_person("alex.wilber").add("sys_user_delegate", delegation)
        async with app.server():
            request = await app.asked()
            key = str(app.key(request))
            (row,) = (r for r in snow.approvals(key) if r["approver.user_name"] == "alex.wilber")

            answer = {"state": "approved"}
            snow.as_person("megan.bowen").edit("sysapproval_approver", row["sys_id"], answer)
            if not named:
                refused = await app.refused(request)
                assert "pending" == refused["status"]
                assert "a delegate named in the configuration" in app.shown(refused)["error"]
                return
            await app.over(request["session_id"])
            (vote,) = (await app.request(request["id"]))["votes"]

            assert ("megan", "servicenow") == (vote["by"], vote["via"])


JSM = {
    "project": "HELP",
    "issue_type": "Service Request with Approvals",
    "approval": "jsm",
    "approver_field": "customfield_10040",
    "statuses": {
        "pending": ["10011"],
        "approved": ["10012"],
        "rejected": ["10013"],
        "closed": "10014",
    },
}


@pytest.mark.parametrize("decision", ["approve", "decline"])
async def test_approval_of_a_service_desk_decides(tmp_path: Path, decision: str) -> None:
    async with ticket_world(tmp_path, "jira", connector=JSM) as app, app.server():
        assert isinstance(app.system, Jira)
        request = await app.asked()
        key = str(app.key(request))

        getattr(app.system.as_person("alex"), decision)(key)
        decided = await app.decided(request)
        (vote,) = decided["votes"]

        assert key.startswith("HELP-")
        assert ("alex", "jira") == (vote["by"], vote["via"])
        assert {"approve": "approve", "decline": "reject"}[decision] == vote["verdict"]
        await app.closed(request)
        assert (decision == "approve") == bool(app.quotes())


async def test_moving_a_service_request_by_hand_approves_nothing(tmp_path: Path) -> None:
    async with ticket_world(tmp_path, "jira", connector=JSM) as app, app.server():
        assert isinstance(app.system, Jira)
        request = await app.asked()
        key = str(app.key(request))

        app.system.as_person("alex").transition(key, "Canceled")
        refused = await app.refused(request)

        assert ("pending", []) == (refused["status"], refused["votes"])
        assert [] == app.quotes()
