"""Nobody waits on nobody, in the whole application: Teams, the API, a restart with other people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog

from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.tool_rules import Rule
from tests.scenarios.world import World, world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]

TASK = "quote for Contoso, 25 seats"
TOOL = "release_quote"


@pytest_asyncio.fixture
async def idle(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as started:
        yield started


def staff(app: World, **roles: set[str]) -> None:
    """From the next start of the server on these people hold these roles, and nobody else any."""
    people = tuple(
        person.model_copy(update={"roles": frozenset(roles.get(person.id, ()))})
        for person in app.settings.people
    )
    app.settings = app.settings.model_copy(update={"people": people})


def rule(app: World, **changes: Any) -> None:
    """Change the rule of the quote; None takes a key away."""
    rules = {name: _written(rule) for name, rule in app.settings.policy.tools.items()}
    changed = {**rules[TOOL], **changes}
    rules[TOOL] = {key: value for key, value in changed.items() if value is not None}
    policy = Policy.load({"tools": rules})
    app.settings = app.settings.model_copy(update={"policy": policy})


def _written(rule: Rule) -> dict[str, Any]:
    """As it stands in the file: numbers are durations there."""
    keys = rule.model_dump(mode="json", exclude_unset=True).items()
    return {key: f"{value:g}s" if isinstance(value, float) else value for key, value in keys}


async def the_only(app: World, session_id: str) -> Any:
    _, page = await app.call("GET", f"/api/v1/requests?session={session_id}")
    (request,) = [r for r in page["items"] if r["tool"] == TOOL]
    return request


async def test_the_only_person_with_the_role_asks(idle: World) -> None:
    staff(idle, sam={"sales_manager"})
    with structlog.testing.capture_logs() as log:
        async with idle.server():
            await idle.teams.install("Megan Bowen")
            await idle.teams.send_message("Megan Bowen", TASK)  # counts as Sam's
            told = await idle.says("Not asked:", "Nobody but Sam Carter, who asked, may decide it.")
            _, page = await idle.call("GET", "/api/v1/sessions")
            session = await idle.over(page["items"][0]["id"])
            request = await the_only(idle, session["id"])
            kinds = [entry["kind"] for entry in await idle.ledger(session["id"])]
            status, refused = await idle.vote(request, "approve", person="sam")

    assert "Adele Vance, Alex Wilber or Megan Bowen could decide it" in str(told.activity)
    assert (request["status"], request["deliveries"], idle.quotes()) == ("rejected", [], [])
    assert request["result"]["cause"] == "no_approver"
    assert (request["result"]["retry"], request["eligible"]) == (False, [])
    assert "nobody_left" in kinds
    assert (status, "decided" in refused["detail"]) == (409, True)
    (said,) = [entry for entry in log if entry["event"] == "nobody can decide"]
    assert (said["log_level"], said["request_id"]) == ("warning", request["id"])
    assert "could decide it if an administrator gave them the role sales_manager" in said["reason"]


STAGES = [{"roles": ["sales_manager"]}, {"roles": ["controller"]}]


async def test_the_only_controller_may_not_be_used_up_as_a_manager(idle: World) -> None:
    staff(idle, alex={"sales_manager"}, megan={"sales_manager", "controller"})
    rule(idle, roles=None, stages=STAGES)
    async with idle.server():
        request = await idle.pending(await idle.start("sales_quote", TASK))
        _, megans = await idle.call("GET", "/api/v1/requests?mine=true", person="megan")
        refused, why = await idle.vote(request, "approve", person="megan")
        first, between = await idle.vote(request, "approve", person="alex")
        _, now_megans = await idle.call("GET", "/api/v1/requests?mine=true", person="megan")
        second, after = await idle.vote(between, "approve", person="megan")

    assert [person["id"] for person in request["eligible"]] == ["alex"]
    assert (megans["items"], refused) == ([], 403)
    assert "Leave step 1 to Alex Wilber." in why["detail"]
    assert (first, [person["id"] for person in between["eligible"]]) == (200, ["megan"])
    assert [item["id"] for item in now_megans["items"]] == [request["id"]]
    assert (second, after["status"]) == (200, "approved")


async def test_one_person_counts_for_both_stages_by_rule(idle: World) -> None:
    staff(idle, megan={"sales_manager", "controller"})
    rule(idle, roles=None, stages=STAGES, same_person=True)
    async with idle.server():
        session_id = await idle.start("sales_quote", TASK)
        request = await idle.pending(session_id)
        status, after = await idle.vote(request, "approve", person="megan")
        await idle.over(session_id)

    assert (status, after["status"]) == (200, "approved")
    assert [request["arguments"]] == idle.quotes()


async def test_a_restart_with_other_people_says_what_nobody_can_decide(idle: World) -> None:
    staff(idle, alex={"sales_manager"})
    async with idle.server():
        await idle.teams.install("Megan Bowen")
        await idle.teams.send_message("Megan Bowen", TASK)
        _, page = await idle.call("GET", "/api/v1/sessions")
        request = await idle.pending(page["items"][0]["id"])
    staff(idle, sam={"sales_manager"})
    async with idle.server():
        nobody = await idle.says("Nobody can decide", request["id"])
        stuck = await idle.request(request["id"])
    staff(idle, adele={"sales_manager"})
    async with idle.server():
        again = await idle.says("Adele Vance can decide", request["id"])
        status, _ = await idle.vote(request, "approve", person="adele")

    assert "Nobody but Sam Carter, who asked, may decide it." in str(nobody.activity)
    assert (stuck["status"], stuck["eligible"]) == ("pending", [])
    assert (str(again.activity).count("can decide"), status) == (1, 200)
    said = [str(m.activity) for m in idle.teams.messages() if m.from_bot]
    assert sum("Nobody can decide" in text for text in said) == 1
