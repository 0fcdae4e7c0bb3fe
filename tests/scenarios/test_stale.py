"""An approval that was not carried out in time is asked again, in the whole application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.runs import Runs
from tests.doubles.clock import MovableClock
from tests.scenarios.ticket_world import TicketWorld, ticket_world
from tests.scenarios.world import World, shows, world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]

TASK = "quote for Contoso, 25 seats"
FIVE_HOURS_S = 5 * 3600.0
"""The rule of the quote says 4h."""
SAYS = "but not carried out within 4 hours"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovableClock:
    """The clock of every server that is started in the test."""
    made = MovableClock()
    monkeypatch.setattr("countersign.bot.wiring.base.SystemClock", lambda: made)
    return made


@contextmanager
def dying() -> Iterator[None]:
    """A server that dies before it goes on with any session."""

    async def nothing(*_: Any) -> None:
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runs, "begin", nothing)
        yield


async def status(app: World, request_id: str, wanted: str) -> Any:
    async def look() -> Any:
        request = await app.request(request_id)
        return request if request["status"] == wanted else None

    return await app.eventually(look)


async def test_approval_in_teams_before_a_long_outage_is_asked_again(
    tmp_path: Path, clock: MovableClock
) -> None:
    async with world(tmp_path) as app:
        async with app.server():
            await app.teams.install("Alex Wilber")
            session_id = await app.start("sales_quote", TASK)
            request = await app.pending(session_id)
            old = await app.card(request["id"])
            with dying():
                await app.click(request["id"], "approve")
                await status(app, request["id"], "approved")
        clock.advance(FIVE_HOURS_S)
        async with app.server():
            again = await status(app, request["id"], "pending")
            assert [] == app.quotes()
            new = await app.teams.wait_for(
                lambda m: m.id != old.id and shows(m, request["id"]) and SAYS in str(m.activity)
            )
            updated = await app.teams.wait_for(lambda m: m.id == old.id and SAYS in str(m.activity))
            said = str(updated.activity)
            await app.teams.click(new, "approve", person="Alex Wilber")
            await app.over(session_id)
            kinds = [entry["kind"] for entry in await app.ledger(session_id)]

        assert (2, 1) == (again["revision"], len(app.quotes()))
        assert "Approved by Alex Wilber on" in said
        assert ["lapsed", "asked_again"] == kinds[kinds.index("lapsed") :][:2]


async def another(app: TicketWorld, request_id: str, old: str) -> str:
    """The ticket that was opened after `old`, as soon as there is one."""

    async def look() -> str | None:
        tickets = [d["ticket"] for d in (await app.request(request_id))["deliveries"]]
        found = [ticket for ticket in tickets if ticket not in (None, old)]
        return found[0] if found else None

    return str(await app.eventually(look))


@pytest.mark.parametrize("system", ["jira", "servicenow"])
async def test_approval_in_a_ticket_before_a_long_outage_is_asked_again(
    tmp_path: Path, clock: MovableClock, system: str
) -> None:
    async with ticket_world(tmp_path, system) as app:
        async with app.server():
            request = await app.asked()
            old = str(app.key(request))
            with dying():
                app.desk.answer(old, "approve")
                await status(app, request["id"], "approved")
        clock.advance(FIVE_HOURS_S)
        async with app.server():
            await status(app, request["id"], "pending")
            assert [] == app.quotes()
            new = await another(app, request["id"], old)
            await app.says_in(old, SAYS)
            text = app.desk.ticket(new).text
            app.desk.answer(new, "approve")
            await app.over(request["session_id"])

        assert SAYS in text
        assert 1 == len(app.quotes())


def without_the_workflow(app: World) -> None:
    """The next server has other workflows."""
    modules = tuple(
        m for m in app.settings.workflow_modules if m != "countersign.examples.sales_quote"
    )
    app.settings = app.settings.model_copy(update={"workflow_modules": modules})


async def test_session_whose_workflow_is_gone_says_so_and_its_approval_lapses(
    tmp_path: Path, clock: MovableClock
) -> None:
    async with world(tmp_path, workflows=("sales_quote", "crm_update")) as app:
        async with app.server():
            await app.teams.install("Alex Wilber")
            await app.teams.install("Megan Bowen")
            await app.teams.send_message("Megan Bowen", TASK)
            _, page = await app.call("GET", "/api/v1/sessions")
            session_id = page["items"][0]["id"]
            request = await app.pending(session_id)
            old = await app.card(request["id"])
        complete = app.settings
        without_the_workflow(app)
        async with app.server():
            await app.click(request["id"], "approve")
            told = await app.says("This waits for its workflow and has not run", "sales_quote")
            await app.teams.wait_for(
                lambda m: m.id == old.id and "It has not run: There is no workflow" in str(m)
            )
            session = await app.session(session_id)
            await app.teams.send_message("Megan Bowen", f"status {session_id}")
            await app.says(session_id, "cannot go on right now: There is no workflow")
            kinds = [entry["kind"] for entry in await app.ledger(session_id)]
        clock.advance(FIVE_HOURS_S)
        app.settings = complete
        async with app.server():
            await status(app, request["id"], "pending")
            assert [] == app.quotes()
            new = await app.teams.wait_for(
                lambda m: m.id != old.id and shows(m, request["id"]) and SAYS in str(m.activity)
            )
            await app.teams.click(new, "approve", person="Alex Wilber")
            after = await app.over(session_id)

        assert told.conversation_id != old.conversation_id
        assert "There is no workflow 'sales_quote'" in session["error"]
        assert 1 == kinds.count("workflow_missing")
        assert ("completed", None, 1) == (after["status"], after["error"], len(app.quotes()))


@pytest.mark.parametrize("system", ["jira", "servicenow"])
async def test_ticket_of_a_session_on_another_version_says_so(
    tmp_path: Path, clock: MovableClock, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ticket_world(tmp_path, system) as app:
        async with app.server():
            request = await app.asked()
            old = str(app.key(request))
        with monkeypatch.context() as patch:
            patch.setattr("countersign.agents.classic.building.fingerprint", lambda _: "another")
            patch.setattr(
                "countersign.agents.classic.building.fingerprint_with_schemas", lambda *_: "another"
            )
            async with app.server():
                app.desk.answer(old, "approve")
                await app.says_in(old, "It has not run: The session began on version")
        async with app.server():
            await app.over(request["session_id"])

        assert 1 == len(app.quotes())


async def test_approval_before_a_short_outage_is_carried_out(
    tmp_path: Path, clock: MovableClock
) -> None:
    async with world(tmp_path) as app:
        async with app.server():
            session_id = await app.start("sales_quote", TASK)
            request = await app.pending(session_id)
            with dying():
                await app.vote(request, "approve")
        clock.advance(3600)
        async with app.server():
            await app.over(session_id)

        assert 1 == len(app.quotes())
