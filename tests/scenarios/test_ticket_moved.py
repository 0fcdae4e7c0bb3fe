"""Tickets that people move to another project, and answers that could be taken back by half."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from countersign.sandbox.jira import catalog
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.servicenow.server import ServiceNow
from tests.scenarios.ticket_world import ticket_world

pytestmark = pytest.mark.usefixtures("both_databases")

SALES = dataclasses.replace(catalog.OPS, id="10009", key="SALES", name="Sales approvals")
BOTH = {"stages": [{"roles": ["account_executive"], "quorum": 1}]}


@pytest.fixture(autouse=True)
def another_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the workflow of OPS."""
    monkeypatch.setitem(catalog.PROJECTS, SALES.key, SALES)


@pytest.mark.parametrize("told", ["webhook", "poll"])
async def test_ticket_that_was_moved_is_answered_where_it_is(tmp_path: Path, told: str) -> None:
    async with ticket_world(tmp_path, "jira") as app, app.server():
        assert isinstance(app.system, Jira)
        request = await app.asked()
        if told == "poll":
            await app.seen()  # the first poll reads everything; those after it, what has changed
            app.system.notify(None)
        key = app.system.as_person("megan").move(str(app.key(request)), "SALES")
        await app.ticketed(request["id"], but=app.key(request))
        shown = app.shown(await app.request(request["id"]))
        app.desk.answer(key, "approve", comment="fine")
        await app.over(request["session_id"])
        await app.closed(request)

        assert (key, None) == (shown["ticket"], shown["error"])
        assert shown["url"].endswith(f"/browse/{key}")
        assert [request["arguments"]] == app.quotes()


async def test_answer_that_was_taken_back_by_half_is_taken_back_to_the_end(tmp_path: Path) -> None:
    """The instance ends Alex's approval when Megan answers; putting it back fails once."""
    async with ticket_world(tmp_path, "servicenow", rule=BOTH) as app, app.server():
        assert isinstance(app.system, ServiceNow)
        request = await app.asked()
        key = str(app.key(request))
        rows = app.system.approvals(key)
        (alex,) = (row["sys_id"] for row in rows if row["approver.user_name"] == "alex.wilber")
        path = f"/table/sysapproval_approver/{alex}$"
        app.system.faults.fail(503, method="PATCH", path=path, times=1)
        app.system.faults.fail(503, method="PUT", path=path, times=1)
        app.desk.answer(key, "approve", who="megan", comment="with changes: only half of it")
        said = await app.asks_again(key, "does not count")
        app.desk.answer(key, "approve", who="alex")
        await app.over(request["session_id"])

        assert 1 == said.count("does not count")
        assert [request["arguments"]] == app.quotes()
