"""A chat of AutoGen waits for people in Asana: by webhook, by poll, and for whoever may decide."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from countersign.sandbox.asana.desk import AsanaDesk
from countersign.sandbox.asana.server import Asana
from tests.scenarios.ticket_world import TicketWorld, ticket_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("both_databases")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(
    tmp_path_factory: pytest.TempPathFactory, both_databases: None
) -> AsyncIterator[TicketWorld]:
    """One server for all tests; every test asks for something new."""
    folder: Path = tmp_path_factory.mktemp("asana")
    async with ticket_world(folder, "asana") as world, world.server():
        yield world


async def test_approval_told_by_webhook_runs_it_once(app: TicketWorld) -> None:
    before = len(app.quotes())
    request = await app.asked()
    key = str(app.key(request))
    task = app.desk.ticket(key)
    app.desk.answer(key, "approve", comment="Fine.")
    session = await app.over(request["session_id"])
    said = await app.closed(request)
    after = await app.request(request["id"])

    assert task.asks
    assert request["digest"] in task.text
    assert "completed" == session["status"]
    assert [request["arguments"]] == app.quotes()[before:]
    assert [("alex", "asana", "Fine.")] == [
        (v["by"], v["via"], v["comment"]) for v in after["votes"]
    ]
    assert "Done: it ran once" in said
    await app.ledger(request["session_id"])


async def test_changes_found_by_polling_are_what_runs(app: TicketWorld) -> None:
    app.system.notify(None)
    request = await app.asked()
    key = str(app.key(request))
    app.desk.answer(key, "modify", changes="Changes:\ndiscount_percent: 5", comment="Rounded.")
    await app.over(request["session_id"])
    await app.closed(request)
    app.system.notify(f"{app.url}/webhooks/asana")

    assert 5 == app.quotes()[-1]["discount_percent"]
    assert "changes_requested" == app.desk.ticket(key).state


async def test_whoever_may_not_decide_is_told_and_it_is_asked_again(app: TicketWorld) -> None:
    request = await app.asked()
    key = str(app.key(request))
    app.desk.meddle(key, "mallory")
    said = await app.asks_again(key, "does not count")
    app.desk.comment(key, "Ask: why twelve percent?")
    app.desk.answer(key, "reject", comment="Too much.")
    after = await app.decided(request)

    assert "pending" != after["status"]
    assert "does not count" in said
    assert [("alex", "reject")] == [(v["by"], v["verdict"]) for v in after["votes"]]
    assert "Too much." == after["votes"][0]["comment"]


async def test_webhook_is_made_and_heard_by_the_running_server(app: TicketWorld) -> None:
    """Asana makes one only if the handshake is answered; without our secret it decides nothing."""
    assert isinstance(app.system, Asana)
    assert isinstance(app.desk, AsanaDesk)
    headers = {"Authorization": f"Bearer {app.system.ready()['token']}"}
    made = {"resource": app.system.ready()["project"], "target": f"{app.url}/webhooks/asana"}
    url = f"{app.system.url}/api/1.0/webhooks"
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, json={"data": made}, headers=headers) as answer,
    ):
        created = await answer.json()
    hook = app.system.hooks.all[-1]
    app.system.hooks.send(hook, [])
    await app.system.settled()
    app.system.notify(f"{app.url}/webhooks/asana")
    app.system.hooks.send(app.system.hooks.all[0], [])
    await app.system.settled()

    assert (201, hook.secret) == (answer.status, created["X-Hook-Secret"])
    assert {401} == set(hook.answered)
    assert 200 in app.system.hooks.all[0].answered
