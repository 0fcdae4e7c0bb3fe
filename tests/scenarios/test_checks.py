"""A tool's check in the whole application: what it found is read, and asked again if it changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from countersign.sandbox._faults import Fault
from tests.scenarios.test_stale import another, status
from tests.scenarios.ticket_world import ticket_world
from tests.scenarios.world import TIMEOUT_S, World, shows, world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]

TASK = "move Contoso to negotiation, 26,000 EUR, closing 2026-12-30"
TOOL = "update_opportunity"
OPPORTUNITY = "OPP-2041"
WORKFLOWS = ("crm_update",)
RECORD = ("stage", "amount", "close_date")


@pytest_asyncio.fixture
async def app(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, workflows=WORKFLOWS) as made, made.server():
        yield made


async def asked(app: World) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A session with its change and its letter, both pending."""
    session_id = await app.start("crm_update", TASK)
    change = await app.pending(session_id, tool=TOOL)
    return session_id, change, await app.pending(session_id, tool="send_email")


async def somebody_changes_the_record(app: World) -> None:
    """In the CRM itself."""
    headers = {"X-Api-Key": app.crm.api_key, "Idempotency-Key": "somebody"}
    url = f"{app.crm.url}/opportunities/{OPPORTUNITY}"
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.patch(url, json={"amount": 1.0}) as answer,
    ):
        assert answer.status == 200


async def test_what_was_found_is_on_the_card_in_the_api_and_on_the_ledger(app: World) -> None:
    await app.teams.install("Alex Wilber")
    session_id, change, letter = await asked(app)
    card = str((await app.card(change["id"])).activity)
    now = app.crm.opportunity(OPPORTUNITY)
    facts = {f"{name}_now": now[name] for name in ("stage", "amount", "close_date")}
    await app.click(change["id"], "approve")
    await app.vote(letter, "reject", comment="No letter.")
    await app.over(session_id)
    (proposed,) = [
        e["body"] for e in await app.ledger(session_id)
        if e["kind"] == "proposed" and e["body"]["request"] == change["id"]
    ]  # fmt: skip

    assert facts == change["facts"] == proposed["facts"]
    assert "As checked when it was asked" in card
    assert "Close date now" in card
    assert now["close_date"] in card
    assert None is letter["facts"]
    assert "negotiation" == app.crm.opportunity(OPPORTUNITY)["stage"]


async def test_record_that_changed_since_is_asked_again_in_teams(app: World) -> None:
    await app.teams.install("Alex Wilber")
    session_id, change, letter = await asked(app)
    old = await app.card(change["id"])
    await app.vote(change, "approve")
    await somebody_changes_the_record(app)
    await app.vote(letter, "reject", comment="No letter.")  # now the first one is carried out
    new = await app.teams.wait_for(
        lambda m: m.id != old.id and shows(m, change["id"]) and "changed since" in str(m.activity)
    )
    again = await app.request(change["id"])
    before = app.crm.opportunity(OPPORTUNITY)["stage"]
    stale, _ = await app.vote(change, "approve")  # of what was found before
    await app.teams.click(new, "approve", person="Alex Wilber")
    await app.over(session_id)
    kinds = [entry["kind"] for entry in await app.ledger(session_id)]

    assert ("pending", 2, 1.0) == (again["status"], again["revision"], again["facts"]["amount_now"])
    assert "Amount now was" in again["asked_again"]
    assert "negotiation" != before
    assert 409 == stale
    assert ("negotiation", 26000.0) == tuple(
        app.crm.opportunity(OPPORTUNITY)[name] for name in ("stage", "amount")
    )
    assert ["drifted", "asked_again"] == kinds[kinds.index("drifted") :][:2]


async def test_edit_is_checked_before_it_counts(app: World) -> None:
    session_id, change, letter = await asked(app)
    gone = {**change["arguments"], "opportunity_id": "OPP-9999"}
    refused, why = await app.vote(change, "modify", arguments=gone)
    other = {**change["arguments"], "opportunity_id": "OPP-2042"}
    looked, shown = await app.vote(change, "modify", arguments=other)
    await app.vote(shown, "approve")
    await app.vote(letter, "reject", comment="No letter.")
    await app.over(session_id)

    assert (422, True) == (refused, "OPP-9999" in why["detail"])
    assert (200, "pending", 2) == (looked, shown["status"], shown["revision"])
    assert shown["facts"] != change["facts"]
    assert "what its check and preview say" in shown["asked_again"]
    assert "negotiation" == app.crm.opportunity("OPP-2042")["stage"]


async def test_call_that_cannot_be_checked_is_not_asked(app: World) -> None:
    app.crm.faults.add(Fault(kind="error", status=500, times=99, path=r"/opportunities/"))
    session_id = await app.start("crm_update", TASK)
    letter = await app.pending(session_id, tool="send_email")
    _, page = await app.call("GET", f"/api/v1/requests?session={session_id}")
    (change,) = [r for r in page["items"] if r["tool"] == TOOL]
    await app.vote(letter, "reject", comment="No letter.")
    await app.over(session_id)

    assert ("rejected", "precondition") == (change["status"], change["result"]["cause"])
    assert "Nobody was asked." in change["result"]["message"]


@pytest.mark.parametrize("system", ["jira", "servicenow"])
async def test_record_that_changed_since_has_a_new_ticket(tmp_path: Path, system: str) -> None:
    async with ticket_world(tmp_path, system, workflows=WORKFLOWS) as app, app.server():
        session_id, change, letter = await asked(app)
        first = await app.ticketed(change["id"])
        old = str(app.key(first))
        text = app.desk.ticket(old).text
        await app.vote(letter, "reject", comment="No letter.")
        await somebody_changes_the_record(app)
        app.desk.answer(old, "approve")
        await status(app, change["id"], "pending")
        new = await another(app, change["id"], old)
        await app.says_in(old, "what was checked has changed since")
        again = app.desk.ticket(new).text
        app.desk.answer(new, "approve")
        await app.over(session_id)

        assert "Checked: Close date now" in text
        assert "Amount now was" in again
        assert "negotiation" == app.crm.opportunity(OPPORTUNITY)["stage"]


@pytest.mark.parametrize("system", ["jira", "servicenow"])
async def test_changes_in_a_ticket_with_which_something_else_is_found_are_asked_first(
    tmp_path: Path, system: str
) -> None:
    async with ticket_world(tmp_path, system, workflows=WORKFLOWS) as app, app.server():
        session_id, change, letter = await asked(app)
        old = str(app.key(await app.ticketed(change["id"])))
        await app.vote(letter, "reject", comment="No letter.")
        app.desk.answer(old, "modify", changes="opportunity_id: OPP-2042")
        new = await another(app, change["id"], old)
        between = await app.request(change["id"])
        await app.says_in(old, "The arguments were changed")
        app.desk.answer(new, "approve")
        await app.over(session_id)

        assert ("pending", 2, []) == tuple(between[n] for n in ("status", "revision", "votes"))
        assert "negotiation" == app.crm.opportunity("OPP-2042")["stage"]
        assert "negotiation" != app.crm.opportunity(OPPORTUNITY)["stage"]


async def changed(app: World) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A change that Alex approved and that was made: session, request, and the record before."""
    before = {name: app.crm.opportunity(OPPORTUNITY)[name] for name in RECORD}
    session_id, change, letter = await asked(app)
    await app.vote(change, "approve")
    await app.vote(letter, "reject", comment="No letter.")
    await app.over(session_id)
    assert before != {name: app.crm.opportunity(OPPORTUNITY)[name] for name in RECORD}
    return session_id, change, before


async def test_a_change_is_undone_on_its_card(app: World) -> None:
    """By the same gate: a request of its own, approved by that click, and run once."""
    await app.teams.install("Alex Wilber")
    session_id, change, before = await changed(app)
    card = await app.teams.wait_for(
        lambda m: shows(m, change["id"]) and "to undo it" in str(m.activity), timeout_s=TIMEOUT_S
    )
    alone = await app.teams.click(
        card, "open", {}, person="Alex Wilber", data={"request": change["id"]}
    )
    assert "takes it back, if nothing" in str(alone.card)
    await app.teams.click(card, "undo", {"comment": "Contoso said no."}, person="Alex Wilber")
    (attempt,) = (await app.request(change["id"]))["undo"]["attempts"]
    await app.over(attempt["session_id"])
    (attempt,) = (await app.request(change["id"]))["undo"]["attempts"]
    undo = await app.request(attempt["request_id"])

    assert before == {name: app.crm.opportunity(OPPORTUNITY)[name] for name in RECORD}
    assert ("undone", "Alex Wilber") == (attempt["state"], attempt["by"])
    assert ("executed", TOOL, change["id"]) == (undo["status"], undo["tool"], undo["undoes"])
    assert [("alex", "teams")] == [(vote["by"], vote["via"]) for vote in undo["votes"]]
    kinds = [entry["kind"] for entry in await app.ledger(session_id)]
    assert ["undo_asked", "undo_ended"] == kinds[-2:]
    await app.says(f"Undone for Alex Wilber (request {undo['id']})")


async def test_a_record_that_changed_since_is_not_undone(app: World) -> None:
    _, change, _ = await changed(app)
    await somebody_changes_the_record(app)
    path, reason = f"/api/v1/requests/{change['id']}/undo", {"reason": "Contoso said no."}
    _, body = await app.call("POST", path, person="alex", json=reason)
    await app.over(body["undo"]["attempts"][0]["session_id"])
    (attempt,) = (await app.request(change["id"]))["undo"]["attempts"]

    assert "not_undone" == attempt["state"]
    assert "Amount now was 26000 and is 1" in attempt["words"]
    assert 1.0 == app.crm.opportunity(OPPORTUNITY)["amount"]
