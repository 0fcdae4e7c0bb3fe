"""Calls of chats side by side in one ticket, in every ticket system: all at once, or one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from countersign.sandbox.standins import ask_in
from tests.processes import ROOT
from tests.scenarios.ticket_world import TicketWorld, ticket_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("both_databases")]

TASK = "renew Contoso, 26,000 EUR, closing 2026-12-30"
CHANGE, LETTER = "update_opportunity", "send_email"


def the_renewal(document: dict[str, Any]) -> None:
    """Its workflow and its rules, asked in Teams and in the ticket system."""
    example = yaml.safe_load((ROOT / "examples" / "parallel.yaml").read_text())
    (system,) = document["connectors"].keys() & {"jira", "servicenow", "asana"}
    document["workflows"]["modules"] = example["workflows"]["modules"]
    document["policy"]["tools"] = example["policy"]["tools"]
    document["policy"].pop("budgets", None)
    ask_in(document, "teams", system)


class Renewals(TicketWorld):
    """Renewals of a contract, whose two guarded calls are one ticket."""

    def letters(self) -> int:
        """How many letters were really sent."""
        return len(self.office.mailbox.messages())

    def changes(self) -> list[dict[str, Any]]:
        """The arguments of every change of an opportunity that the CRM really made."""
        done = self.crm.effects()
        return [e["arguments"] for e in done if e["action"] == "update_opportunity"]

    async def both(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The change and the letter, as soon as both have their ticket."""
        session_id = await self.start("renewal", TASK)
        found = [await self.pending(session_id, tool=tool) for tool in (CHANGE, LETTER)]
        change, letter = [await self.ticketed(each["id"]) for each in found]
        return change, letter


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["jira", "servicenow", "asana"])
async def app(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, both_databases: None
) -> AsyncIterator[Renewals]:
    """One long-lived server for all tests of a system; every test asks for something new."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    options: dict[str, Any] = {"also": the_renewal}
    async with ticket_world(folder, request.param, made=Renewals, **options) as world:
        assert isinstance(world, Renewals)
        async with world.server():
            yield world


async def test_both_are_in_one_ticket_and_one_answer_runs_both(app: Renewals) -> None:
    sent, made = app.letters(), len(app.changes())
    change, letter = await app.both()
    key = str(app.key(change))
    ticket = app.desk.ticket(key)
    plain = ticket.text.replace("\\", "")

    assert key == app.key(letter)
    assert [key] == [each.key for each in app.desk.tickets() if each.asks and each.ours]
    for each in (change, letter):
        assert each["digest"] in plain
    assert "Approve 2 calls" in ticket.summary
    assert (sent, made) == (app.letters(), len(app.changes()))

    app.desk.answer(key, "approve", comment="Fine with me.")
    session = await app.over(change["session_id"])
    await app.closed(change)
    said = await app.closed(letter)  # which runs last

    assert "completed" == session["status"]
    assert [change["arguments"]] == app.changes()[made:]
    assert sent + 1 == app.letters()
    for each in (change, letter):
        (vote,) = (await app.request(each["id"]))["votes"]
        assert ("alex", app.desk.name) == (vote["by"], vote["via"])
        assert "Fine with me." == vote["comment"]
    assert "1. Update opportunity, branch record: Done: it ran once." in said
    assert "2. Send email, branch letter: Done: it ran once." in said
    assert not app.desk.ticket(key).asks


async def test_one_is_changed_and_the_other_rejected_by_a_comment(app: Renewals) -> None:
    sent, made = app.letters(), len(app.changes())
    change, letter = await app.both()
    key = str(app.key(change))

    app.desk.answer(key, "approve", comment="1 amount: 25000\nreject 2: I will call her myself.")
    await app.over(change["session_id"])
    said = await app.closed(change)

    assert [{**change["arguments"], "amount": 25000}] == app.changes()[made:]
    assert sent == app.letters()
    rejected = await app.request(letter["id"])
    assert ("rejected", "I will call her myself.") == (
        rejected["status"],
        rejected["votes"][0]["comment"],
    )
    assert "2. Send email, branch letter:" in said
    assert not app.desk.ticket(key).asks


async def test_what_cannot_be_read_is_asked_again_and_decides_nothing(app: Renewals) -> None:
    sent, made = app.letters(), len(app.changes())
    change, letter = await app.both()
    key = str(app.key(change))

    app.desk.answer(key, "approve", comment="approve the first one only")
    await app.asks_again(key, "does not count")

    assert ["pending", "pending"] == [
        (await app.request(each["id"]))["status"] for each in (change, letter)
    ]

    app.desk.answer(key, "reject", comment="Not this year.")
    await app.closed(change)
    await app.closed(letter)

    assert (sent, made) == (app.letters(), len(app.changes()))
    for each in (change, letter):
        (vote,) = (await app.request(each["id"]))["votes"]
        assert ("reject", "Not this year.") == (vote["verdict"], vote["comment"])


async def test_what_was_left_is_answered_next_by_the_same_person(app: Renewals) -> None:
    sent, made = app.letters(), len(app.changes())
    change, letter = await app.both()
    key = str(app.key(change))

    app.desk.answer(key, "approve", comment="approve 2")
    await app.asks_again(key, "Call 1 still waits")

    assert ["pending", "approved"] == [
        (await app.request(each["id"]))["status"] for each in (change, letter)
    ]
    assert (sent, made) == (app.letters(), len(app.changes()))

    app.desk.answer(key, "approve", comment="Fine.")
    await app.over(change["session_id"])
    await app.closed(change)

    assert sent + 1 == app.letters()
    assert [change["arguments"]] == app.changes()[made:]
