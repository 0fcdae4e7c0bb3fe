"""What people write beside an approval, in the whole application: done, or answered, never lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.ticket_world import ticket_world

SYSTEMS = pytest.mark.parametrize("system", ["jira", "servicenow"])
READ = ["Changes:\namount: 27000", "- Changes:\n- amount: 27000", "Änderungen:\namount: 27000"]
DRESSED = [
    "*Changes*:\n* amount: 27000",
    "h3. Changes:\namount: 27000",
    "{color:red}*Changes requested:*{color}\namount: 27000",
]
UNCLEAR = [
    "Approved, but make the amount 27000, please.",
    "27.000 EUR statt dessen",
    "Only if legal agrees",
]


@SYSTEMS
@pytest.mark.parametrize("comment", READ)
async def test_changes_run_as_they_were_written(tmp_path: Path, system: str, comment: str) -> None:
    async with ticket_world(tmp_path, system) as app, app.server():
        request = await app.asked()
        app.desk.answer(str(app.key(request)), "approve", comment=comment)
        await app.over(request["session_id"])

        assert [{**request["arguments"], "amount": 27000}] == app.quotes()


@pytest.mark.parametrize("comment", DRESSED)
async def test_changes_run_whatever_the_editor_made_of_them(tmp_path: Path, comment: str) -> None:
    async with ticket_world(tmp_path, "jira") as app, app.server():
        request = await app.asked()
        app.desk.answer(str(app.key(request)), "approve", comment=comment)
        await app.over(request["session_id"])

        assert [{**request["arguments"], "amount": 27000}] == app.quotes()


@SYSTEMS
@pytest.mark.parametrize("comment", UNCLEAR)
async def test_what_cannot_be_read_is_asked_again_and_nothing_runs(
    tmp_path: Path, system: str, comment: str
) -> None:
    async with ticket_world(tmp_path, system) as app, app.server():
        request = await app.asked()
        key = str(app.key(request))
        app.desk.answer(key, "approve", comment=comment)
        said = await app.asks_again(key, "may ask for something else than what is shown")
        between = (await app.request(request["id"]))["status"], app.quotes()
        kinds = await app.kinds(request)
        app.desk.answer(key, "approve")
        await app.over(request["session_id"])

        assert ("pending", []) == between
        assert "approve again without a comment" in said
        assert "vote_refused" in kinds
        assert [request["arguments"]] == app.quotes()


@SYSTEMS
async def test_a_plain_word_of_thanks_approves(tmp_path: Path, system: str) -> None:
    async with ticket_world(tmp_path, system) as app, app.server():
        request = await app.asked()
        app.desk.answer(str(app.key(request)), "approve", comment="Looks good, thanks!")
        await app.over(request["session_id"])

        assert [request["arguments"]] == app.quotes()
