"""What a ticket says at one moment: states that mean nothing, and texts that change meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign.sandbox._faults import Fault
from tests.scenarios.ticket_world import ticket_world
from tests.scenarios.traffic import reads

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.mark.parametrize("system", ["jira", "servicenow"])
async def test_state_that_means_nothing_decides_nothing(tmp_path: Path, system: str) -> None:
    statuses = {"pending": ["10001"], "approved": ["10002"], "rejected": ["10003"]}
    connector = {"statuses": statuses} if system == "jira" else {}
    async with ticket_world(tmp_path, system, connector=connector) as app, app.server():
        request = await app.asked()
        key = str(app.key(request))

        app.desk.shelve(key)
        await app.seen()
        between = await app.request(request["id"])
        app.desk.answer(key, "approve")
        await app.over(request["session_id"])

        assert ("pending", []) == (between["status"], between["votes"])
        assert [] == await app.reasons(request)
        assert [request["arguments"]] == app.quotes()


@pytest.mark.parametrize("system", ["jira", "servicenow"])
async def test_text_that_changes_while_the_ticket_is_read_is_not_approved(
    tmp_path: Path, system: str
) -> None:
    """The text is altered, and that is approved, between the calls that one reading takes."""
    async with ticket_world(tmp_path, system, connector={"poll_every": "1h"}) as app, app.server():
        request = await app.asked()
        key = str(app.key(request))
        await app.seen(1)
        await app.quiet()
        app.system.notify(None)
        path = r"/(change_request|sysapproval_approver|issue)(/\w+)?$"
        app.system.faults.add(Fault(kind="slow", delay_s=0.5, times=9, method="GET", path=path))
        before = reads(app.system)

        await app.hook(*app.desk.webhook(key))
        await app.half_read(before)
        app.desk.edit_text(key, "Buy lunch for everybody")
        app.desk.answer(key, "approve")
        await app.read_since(before)
        app.system.faults.clear()
        await app.hook(*app.desk.webhook(key))
        await app.quiet()
        after = await app.request(request["id"])

        assert ("pending", []) == (after["status"], after["votes"])


@pytest.mark.parametrize("system", ["jira", "servicenow"])
async def test_text_that_was_another_at_the_answer_is_not_approved(
    tmp_path: Path, system: str
) -> None:
    """Whoever altered it puts it back before we read: what Alex saw was not what would run."""
    async with ticket_world(tmp_path, system, connector={"poll_every": "1h"}) as app, app.server():
        request = await app.asked()
        key = str(app.key(request))
        ours = app.desk.ticket(key).text
        await app.seen(1)
        await app.quiet()
        app.system.notify(None)

        app.desk.edit_text(key, "Buy lunch for everybody")
        app.desk.answer(key, "approve")
        app.desk.edit_text(key, ours)
        await app.hook(*app.desk.webhook(key))
        await app.quiet()
        after = await app.request(request["id"])

        assert ("pending", []) == (after["status"], after["votes"])


async def test_answer_that_an_administrator_writes_for_alex_does_not_count(
    tmp_path: Path,
) -> None:
    """Jira records whoever did it; in ServiceNow an administrator can write for somebody else."""
    async with ticket_world(tmp_path, "servicenow") as app, app.server():
        request = await app.asked()
        key = str(app.key(request))

        app.desk.answer(key, "approve", who="admin")
        await app.refused(request)
        await app.asks_again(key, "does not count")
        after = await app.request(request["id"])

        (reason,) = await app.reasons(request)
        assert "admin gave the answer that alex.wilber was asked for" in reason
        assert ("pending", []) == (after["status"], after["votes"])
        assert [] == app.quotes()
