"""The same request in Teams and in a ticket: decided once, wherever, and never by mistake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.sandbox.desk import Answer
from tests.scenarios.ticket_world import TicketWorld, ticket_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("both_databases")]

SYSTEMS = ["jira", "servicenow"]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=SYSTEMS)
async def app(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, both_databases: None
) -> AsyncIterator[TicketWorld]:
    """One long-lived server for all tests of a system; every test asks for something new."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    connector = {"index_lag": "2s"} if request.param == "jira" else {}
    async with ticket_world(folder, request.param, connector=connector) as world:
        async with world.server():
            yield world


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def calm(app: TicketWorld) -> AsyncIterator[None]:
    """Webhooks arrive and nothing fails, whatever the test before has switched."""
    yield
    app.system.faults.clear()
    app.system.notify(f"{app.url}/webhooks/{app.desk.name}")


async def test_approval_in_the_ticket_runs_it_once(app: TicketWorld) -> None:
    before = len(app.quotes())
    request = await app.asked()
    key = str(app.key(request))

    app.desk.answer(key, "approve", comment="Fine with me.")
    session = await app.over(request["session_id"])
    said = await app.closed(request)
    after = await app.request(request["id"])

    assert "completed" == session["status"]
    assert [request["arguments"]] == app.quotes()[before:]
    (vote,) = after["votes"]
    assert ("alex", app.desk.name, "Fine with me.") == (vote["by"], vote["via"], vote["comment"])
    assert "Done: it ran once." in said
    assert not app.desk.ticket(key).asks


async def test_rejection_in_the_ticket_reaches_the_agents_with_its_reason(app: TicketWorld) -> None:
    before = len(app.quotes())
    request = await app.asked()

    app.desk.answer(str(app.key(request)), "reject", comment="5 % discount at most, please")
    revised = await app.until(request["id"], lambda r: r["status"] == "rejected")
    again = await app.pending(request["session_id"], tool="release_quote")

    assert "5 % discount at most, please" == revised["result"]["message"]
    assert 5 == again["arguments"]["discount_percent"]
    assert "Nothing ran" in await app.closed(request)
    assert [] == app.quotes()[before:]


async def test_question_in_the_ticket_is_answered_there_and_decides_nothing(
    app: TicketWorld,
) -> None:
    before = len(app.quotes())
    request = await app.asked()
    key = str(app.key(request))

    app.desk.comment(key, "ask: which tier is it?")
    asked = await app.until(request["id"], lambda r: r["questions"] and r["questions"][0]["answer"])
    ticket = await app.says_in(key, "asked: which tier is it?")

    (question,) = asked["questions"]
    assert ("which tier is it?", "pending") == (question["text"], asked["status"])
    assert question["answer"] in ticket
    assert [] == app.quotes()[before:]
    app.desk.answer(key, "approve")
    await app.over(request["session_id"])
    assert [request["arguments"]] == app.quotes()[before:]


async def test_changes_in_the_ticket_are_what_runs(app: TicketWorld) -> None:
    before = len(app.quotes())
    request = await app.asked()

    app.desk.answer(str(app.key(request)), "modify", changes="amount: 27000\ndiscount_percent: 10")
    await app.over(request["session_id"])
    after = await app.request(request["id"])

    wanted = request["arguments"] | {"amount": 27000, "discount_percent": 10}
    assert [wanted] == app.quotes()[before:]
    assert (2, "executed_with_changes") == (after["revision"], after["result"]["outcome"])
    assert "with the changed arguments" in await app.closed(request)


async def still_asked(app: TicketWorld, request: dict[str, Any]) -> dict[str, Any]:
    """The request, which nobody has decided; then Alex approves it, and it runs that once."""
    before = len(app.quotes())
    now: dict[str, Any] = await app.request(request["id"])
    app.desk.answer(str(app.key(now)), "approve")
    await app.over(request["session_id"])

    assert ("pending", []) == (now["status"], now["votes"])
    assert [request["arguments"]] == app.quotes()[before:]
    return now


@pytest.mark.parametrize("changes", ["amount: a lot", "colour: blue", "as discussed"])
async def test_changes_that_do_not_fit_are_asked_for_again(app: TicketWorld, changes: str) -> None:
    before = len(app.quotes())
    request = await app.asked()
    key = str(app.key(request))

    app.desk.answer(key, "modify", changes=changes)
    refused = await app.refused(request)
    await app.asks_again(key, "does not count")

    assert ("pending", []) == (refused["status"], refused["votes"])
    assert 1 == len(await app.reasons(request))
    app.desk.answer(key, "modify", changes="amount: 27000")
    await app.over(request["session_id"])
    assert [request["arguments"] | {"amount": 27000}] == app.quotes()[before:]


@pytest.mark.parametrize("place", ["an earlier comment", "field and comment"])
async def test_changes_that_stand_in_two_places_are_asked_for_again(
    app: TicketWorld, place: str
) -> None:
    """Neither the arguments as proposed nor a part of the changes may run."""
    before = len(app.quotes())
    request = await app.asked()
    key = str(app.key(request))

    if place == "field and comment":
        app.desk.answer(key, "approve", changes="valid_days: 10", comment="Changes:\namount: 900")
    else:
        app.desk.comment(key, "Changes:\namount: 900")
        app.desk.answer(key, "approve", comment="Approved with my changes above.")
    refused = await app.refused(request)
    await app.asks_again(key, "does not count")

    assert ("pending", []) == (refused["status"], refused["votes"])
    app.desk.answer(key, "approve", changes=" ", comment="Changes:\namount: 900\nvalid_days: 10")
    await app.over(request["session_id"])
    assert [request["arguments"] | {"amount": 900, "valid_days": 10}] == app.quotes()[before:]


async def test_reason_may_begin_with_any_word(app: TicketWorld) -> None:
    request = await app.asked()

    app.desk.answer(str(app.key(request)), "reject", comment="Changes: halve it, please")
    rejected = await app.until(request["id"], lambda r: r["status"] == "rejected")

    assert "Changes: halve it, please" in rejected["result"]["message"]


@pytest.mark.parametrize("verdict", ["approve", "reject"])
@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("adele", ""),
        ("sam", "You asked for this yourself"),
        ("mallory", ""),
        ("bot", "The account that opens these tickets cannot decide them."),
    ],
)
async def test_answer_of_somebody_else_does_not_count(
    app: TicketWorld, who: str, why: str, verdict: Answer
) -> None:
    """No role, whoever asked, a stranger, our own account."""
    request = await app.asked()
    key = str(app.key(request))

    app.desk.meddle(key, who, verdict)
    refused = await app.refused(request)
    await app.asks_again(key, "does not count")

    (reason,) = await app.reasons(request)
    assert why in reason
    assert key in app.shown(refused)["error"]
    await still_asked(app, request)


async def test_ticket_without_our_label_is_still_the_ticket(app: TicketWorld) -> None:
    request = await app.asked()

    app.desk.relabel(str(app.key(request)), "")
    await app.seen()

    await still_asked(app, request)


async def test_label_on_another_ticket_makes_it_nothing(app: TicketWorld) -> None:
    request = await app.asked()

    other = app.desk.impostor(str(app.key(request)))
    await app.on_ledger(request, "ticket_impostor")
    refused = await app.refused(request)

    assert other in app.shown(refused)["error"]
    assert app.key(request) == app.key(refused)
    await still_asked(app, request)


async def test_altered_text_is_restored_and_what_was_set_with_it_does_not_count(
    app: TicketWorld,
) -> None:
    request = await app.asked()
    key = str(app.key(request))
    ours = app.desk.ticket(key).text
    await app.seen()

    app.system.notify(None)
    app.desk.edit_text(key, "Buy lunch for everybody")
    app.desk.answer(key, "approve")
    await app.on_ledger(request, "ticket_altered")
    await app.restored(key, ours)
    await app.asks_again(key, "does not count")

    (reason,) = await app.reasons(request)
    assert "changed by" in reason
    await app.seen()  # what is set before the restored text was read again does not count either
    await still_asked(app, request)


async def test_deleted_ticket_is_opened_again(app: TicketWorld) -> None:
    request = await app.asked()
    key = app.key(request)
    app.system.notify(None)  # the system's own webhook about it would have us find it gone before
    await app.quiet()

    late = app.desk.webhook(str(key))
    app.desk.delete(str(key))
    assert 202 == await app.hook(*late)
    again = await app.ticketed(request["id"], but=key)

    assert "ticket_lost" in await app.kinds(request)
    assert key != app.key(again)
    await still_asked(app, request)


async def test_ticket_closed_without_a_decision_asks_again(app: TicketWorld) -> None:
    request = await app.asked()
    key = str(app.key(request))

    app.desk.finish(key)
    refused = await app.refused(request)
    await app.asks_again(key, "does not count")

    (reason,) = await app.reasons(request)
    assert "closed without" in reason
    assert "pending" == refused["status"]
    await still_asked(app, request)
