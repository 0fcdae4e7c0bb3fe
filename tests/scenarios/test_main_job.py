"""The main job, whole: agents propose, a person decides in Teams or by API, the tool runs once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.store.urls import is_postgresql
from countersign.sandbox._faults import Fault
from tests.scenarios.world import EVERY_WORKFLOW, World, world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]

TASK = "quote for Contoso, 25 seats"


@pytest_asyncio.fixture
async def idle(tmp_path: Path) -> AsyncIterator[World]:
    """The stand-ins, with no server yet."""
    async with world(tmp_path) as started:
        yield started


@pytest_asyncio.fixture
async def app(idle: World) -> AsyncIterator[World]:
    """Everything, running."""
    async with idle.server():
        yield idle


@pytest_asyncio.fixture
async def every_workflow(tmp_path: Path) -> AsyncIterator[World]:
    """The same, with the other workflows beside it."""
    async with world(tmp_path, workflows=EVERY_WORKFLOW) as started, started.server():
        yield started


async def test_approve_by_api_runs_exactly_what_was_shown(app: World) -> None:
    session_id = await app.start("sales_quote", TASK)
    request = await app.pending(session_id)
    assert app.quotes() == []

    status, _ = await app.vote(request, "approve")
    session = await app.over(session_id)

    assert (status, session["status"]) == (200, "completed")
    assert app.quotes() == [request["arguments"]]
    after = await app.request(request["id"])
    assert (after["status"], after["result"]["outcome"]) == ("executed", "executed")
    kinds = [entry["kind"] for entry in await app.ledger(session_id)]
    assert kinds[0] == "session_started"


async def test_reject_by_api_leads_to_a_revised_quote(app: World) -> None:
    session_id = await app.start("sales_quote", TASK)
    first = await app.pending(session_id)

    await app.vote(first, "reject", comment="5 % discount at most, please")
    revised = await app.pending(session_id)
    await app.vote(revised, "approve")
    session = await app.over(session_id)

    assert session["status"] == "completed"
    assert revised["arguments"]["discount_percent"] == 5
    assert app.quotes() == [revised["arguments"]]
    assert (await app.request(first["id"]))["status"] == "rejected"


async def test_modify_by_api_changes_what_the_back_end_receives(app: World) -> None:
    session_id = await app.start("sales_quote", TASK)
    request = await app.pending(session_id)
    wanted = request["arguments"] | {"amount": 27000, "discount_percent": 10}

    status, body = await app.vote(request, "modify", arguments=wanted)
    session = await app.over(session_id)

    assert (status, body["revision"]) == (200, 2)
    assert app.quotes() == [wanted]
    assert "27,000" in session["answer"]
    after = await app.request(request["id"])
    assert after["result"]["outcome"] == "executed_with_changes"


async def test_the_round_trip_in_teams(app: World) -> None:
    """A message starts it, a click on the card decides, the card and the thread say how it went."""
    await app.teams.send_message("Alex Wilber", TASK)
    card = await app.teams.wait_for_card(timeout_s=30)
    (request,) = (await app.call("GET", "/api/v1/requests?status=pending"))[1]["items"]

    answer = await app.click(request["id"], "approve")
    session = await app.over(request["session_id"])

    assert answer.card is not None
    assert "Approved" in str(answer.card)
    assert session["status"] == "completed"
    assert app.quotes() == [request["arguments"]]
    await app.says(session["answer"].split(" for ")[0])
    await app.teams.wait_for(
        lambda m: m.id == card.id and "and done" in str(m.card()), timeout_s=30
    )
    after = await app.request(request["id"])
    assert (after["votes"][0]["by"], after["votes"][0]["via"]) == ("alex", "teams")


async def test_an_edit_in_the_card_changes_what_runs(app: World) -> None:
    await app.teams.send_message("Alex Wilber", TASK)
    await app.teams.wait_for_card(timeout_s=30)
    (request,) = (await app.call("GET", "/api/v1/requests?status=pending"))[1]["items"]

    form = await app.click(request["id"], "edit")
    message = await app.card(request["id"])
    wrong = await app.teams.click(
        message, "save", person="Alex Wilber", data={"arg_amount": "a lot"}
    )
    right = await app.click(request["id"], "save", arg_amount="20000", arg_discount_percent="20")
    await app.over(request["session_id"])

    assert "Edit what will run" in str(form.card)
    assert "Nothing was decided" in str(wrong.card)
    assert "Approved with changes" in str(right.card)
    assert app.quotes() == [request["arguments"] | {"amount": 20000.0, "discount_percent": 20.0}]


async def test_a_rejection_in_teams_reaches_the_agents(app: World) -> None:
    await app.teams.send_message("Alex Wilber", TASK)
    await app.teams.wait_for_card(timeout_s=30)
    (first,) = (await app.call("GET", "/api/v1/requests?status=pending"))[1]["items"]

    no_reason = await app.click(first["id"], "reject")
    rejected = await app.click(first["id"], "reject", comment="no more than 6 %")
    revised = await app.pending(first["session_id"])
    await app.click(revised["id"], "approve")
    await app.over(first["session_id"])

    assert "Rejected" not in str(no_reason.card)
    assert "Rejected" in str(rejected.card)
    assert app.quotes() == [revised["arguments"]]
    assert revised["arguments"]["discount_percent"] == 6


async def test_calls_proposed_together_wait_for_each_other(every_workflow: World) -> None:
    app = every_workflow
    session_id = await app.start(
        "crm_update", "move Contoso to negotiation, 26,000 EUR, closing 2026-12-30"
    )
    update = await app.pending(session_id, tool="update_opportunity")
    mail = await app.pending(session_id, tool="send_email")
    assert update["checkpoint_id"] == mail["checkpoint_id"]

    await app.vote(update, "approve")
    assert app.crm.effects() == []
    await app.vote(mail, "reject", comment="stop, no letter")
    session = await app.over(session_id)

    assert session["status"] == "completed"
    assert [e["action"] for e in app.crm.effects()] == ["update_opportunity"]
    assert app.mailbox.messages() == []


async def test_fifty_votes_at_once_decide_once(every_workflow: World) -> None:
    """Half by API as two managers, half as clicks on the card: one decision, one execution."""
    app = every_workflow
    await app.teams.send_message("Alex Wilber", "move Contoso to proposal")
    await app.teams.wait_for_card(timeout_s=30)
    _, page = await app.call("GET", "/api/v1/requests?status=pending")
    request = next(r for r in page["items"] if r["tool"] == "update_opportunity")
    other = next(r for r in page["items"] if r["tool"] != "update_opportunity")
    await app.vote(other, "reject", comment="stop, no letter")
    message = await app.opened(request["id"])

    async def by_api(number: int) -> str:
        person = ("alex", "megan")[number % 2]
        status, body = await app.vote(request, "approve", person=person)
        return "won" if status == 200 else f"{status} {body['decided_by']}"

    async def by_click() -> str:
        answer = await app.teams.click(message, "approve", {}, person="Alex Wilber")
        assert answer.status == 200
        lost = "changed nothing" in str(answer.card)
        return "lost" if lost else "won"

    answers = await asyncio.gather(
        *(by_api(n) for n in range(25)), *(by_click() for _ in range(25))
    )
    await app.over(request["session_id"])

    assert sorted(answers).count("won") == 1
    votes = (await app.request(request["id"]))["votes"]
    assert len(votes) == 1
    losers = [a for a in answers if a.startswith("409")]
    assert {loser.split()[1] for loser in losers} <= {votes[0]["by"]}
    assert len([e for e in app.crm.effects() if e["action"] == "update_opportunity"]) == 1
    about = [e for e in await app.ledger(request["session_id"]) if request["id"] in str(e["body"])]
    assert [e["kind"] for e in about].count("decided") == 1


@pytest.mark.parametrize("who", ["Adele Vance", "Lynne Robbins"])
async def test_the_wrong_person_is_refused_on_the_card_and_on_the_ledger(
    app: World, who: str
) -> None:
    """Adele is known and has no role; nobody here knows Lynne."""
    await app.teams.send_message("Alex Wilber", TASK)
    await app.teams.wait_for_card(timeout_s=30)
    (request,) = (await app.call("GET", "/api/v1/requests?status=pending"))[1]["items"]

    answer = await app.click(request["id"], "approve", person=who)

    assert "You cannot decide this" in str(answer.card)
    assert (await app.request(request["id"]))["status"] == "pending"
    assert app.quotes() == []
    person = app.teams.world.person(who)
    refusals = [e for e in await app.ledger(request["session_id"]) if "refused" in e["kind"]]
    assert [person.aad_object_id in str(e["body"]) for e in refusals] == [True]


async def test_a_waiting_request_survives_a_restart(idle: World) -> None:
    """The old card still works on the new process, and the chat goes on where it stopped."""
    async with idle.server():
        await idle.teams.send_message("Alex Wilber", TASK)
        await idle.teams.wait_for_card(timeout_s=30)
        _, page = await idle.call("GET", "/api/v1/requests?status=pending")
        (request,) = page["items"]
    async with idle.server():
        after = await idle.request(request["id"])
        assert (after["status"], after["digest"]) == ("pending", request["digest"])
        await idle.click(request["id"], "approve")
        session = await idle.over(request["session_id"])

    assert session["status"] == "completed"
    assert idle.quotes() == [request["arguments"]]


async def test_a_vote_before_a_restart_is_carried_out_after_it(idle: World) -> None:
    async with idle.server():
        session_id = await idle.start("sales_quote", TASK)
        request = await idle.pending(session_id)
        await idle.vote(request, "approve")
    async with idle.server():
        session = await idle.over(session_id)

    assert session["status"] == "completed"
    assert idle.quotes() == [request["arguments"]]


async def test_a_stop_lets_a_running_tool_finish(idle: World) -> None:
    """A tool that is cut off would leave its request in doubt."""
    idle.crm.faults.add(Fault(kind="slow", method="POST", path="/quotes", delay_s=1))
    async with idle.server():
        session_id = await idle.start("sales_quote", TASK)
        request = await idle.pending(session_id)
        await idle.vote(request, "approve")

        async def executing() -> Any:
            status = (await idle.request(request["id"]))["status"]
            return status if status == "executing" else None

        await idle.eventually(executing)
    async with idle.server():
        session = await idle.over(session_id)
        after = await idle.request(request["id"])

    assert (session["status"], after["status"]) == ("completed", "executed")
    assert idle.quotes() == [request["arguments"]]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"workflow": "sales_qoute", "task": "x"}, "Known: crm_update, it_change, sales_quote"),
        ({"workflow": "sales_quote", "task": " "}, "task"),
    ],
)
async def test_what_cannot_be_started_is_not_stored(
    every_workflow: World, body: dict[str, str], said: str
) -> None:
    app = every_workflow
    status, problem = await app.call("POST", "/api/v1/sessions", json=body)

    assert (status, said in problem["detail"]) == (422, True)
    assert (await app.call("GET", "/api/v1/sessions"))[1]["items"] == []


async def test_a_second_server_is_refused_on_a_file_and_welcome_on_postgresql(
    app: World,
) -> None:
    first = app.url
    if is_postgresql(app.settings.database_url):
        async with app.server():
            assert first != app.url
            assert (await app.call("GET", "/healthz"))[0] == 200
        app.url = first
    else:
        with pytest.raises(ConfigurationError, match="in use by another Countersign process"):
            async with app.server():
                pass

    assert (await app.call("GET", "/healthz"))[0] == 200


async def test_the_server_is_ready_while_it_serves(app: World) -> None:
    async def ready() -> Any:
        status, body = await app.call("GET", "/readyz")
        return body if status == 200 else None

    body = await app.eventually(ready)

    assert set(body["checks"].values()) == {"ok"}
    assert {"store_readable", "store_writable", "jobs", "schema"} <= set(body["checks"])
