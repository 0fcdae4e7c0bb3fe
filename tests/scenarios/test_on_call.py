"""Whoever is on call, in a real chat: asked on a card and in a ticket, and the shift changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from countersign.approvals.store import engine_of
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.jsm_ops.server import CLOUD_ID, EMAIL, JsmOpsServer, Period
from countersign.sandbox.jsm_ops.server import TOKEN as JSM_TOKEN
from countersign.sandbox.pagerduty.server import TOKEN, PagerDutyServer, Rota
from tests.scenarios.test_second_thoughts import asked_in_teams, inbox
from tests.scenarios.ticket_world import TicketWorld, ticket_world

pytestmark = pytest.mark.usefixtures("both_databases")

USERS = {
    "PALEX": ("Alex Wilber", "alexw@example.com"),
    "PMEGAN": ("Megan Bowen", "meganb@example.com"),
}
ACCOUNTS = {"PALEX": "712020:alex", "PMEGAN": "712020:megan"}
"""By which Jira knows them."""
WHEN = "%Y%m%dT%H%M%SZ"
Change = Callable[[str], None]


def around(now: datetime) -> tuple[datetime, datetime]:
    """A shift that has begun and goes on."""
    return now - timedelta(hours=1), now + timedelta(hours=7)


def jsm(site: JsmOpsServer) -> dict[str, Any]:
    """The section `directory.jsm` of this site."""
    return {"cloud_id": CLOUD_ID, "email": EMAIL, "token": JSM_TOKEN, "url": site.url}


def calendar(path: Path, email: str, now: datetime) -> None:
    """One shift, of this person."""
    first, last = around(now)
    path.write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:1\r\n"
        f"DTSTAMP:{now:{WHEN}}\r\nDTSTART:{first:{WHEN}}\r\nDTEND:{last:{WHEN}}\r\n"
        f"SUMMARY:{email}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )


@asynccontextmanager
async def rota(folder: Path, source: str) -> AsyncIterator[tuple[dict[str, Any], Change]]:
    """The section `directory`, with Alex on call; and who puts somebody else there."""
    now = datetime.now(UTC)
    often = {"every": "1s", "max_age": "1m"}
    if source == "ics":
        path = folder / "desk.ics"
        calendar(path, USERS["PALEX"][1], now)
        desk = {"ics": str(path), "zone": "Europe/Berlin"}
        yield (
            {**often, "schedules": {"desk": desk}},
            lambda user: calendar(path, USERS[user][1], now),
        )
        return
    if source == "jsm":
        async with JsmOpsServer.start() as site:
            schedule = site.add_schedule("Desk")

            def take(user: str) -> None:
                schedule.periods[:] = [Period(ACCOUNTS[user], *around(now))]

            take("PALEX")
            yield {**often, "jsm": jsm(site), "schedules": {"desk": {"jsm": schedule.id}}}, take
        return
    async with PagerDutyServer.start() as account:
        account.users.update(USERS)
        shifts = account.schedules.setdefault("PDESK", Rota("PDESK", "Desk")).shifts

        def put(user: str) -> None:
            shifts[:] = [(user, *around(now))]

        put("PALEX")
        read = {"token": TOKEN, "url": account.url}
        desk = {"pagerduty": "PDESK", "zone": "Europe/Berlin"}
        yield {**often, "pagerduty": read, "schedules": {"desk": desk}}, put


async def known(app: TicketWorld) -> bool | None:
    """Whether the server knows who is on call: a call that is proposed before is refused."""
    engine = engine_of(app.settings.database_url)
    try:
        with engine.connect() as database:
            query = text("SELECT count(*) FROM schedules_shown")
            return bool(database.execute(query).scalar_one()) or None
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    ("system", "source"), [("jira", "ics"), ("servicenow", "pagerduty"), ("jira", "jsm")]
)
async def test_the_shift_changes_between_the_question_and_the_vote(
    tmp_path: Path, system: str, source: str
) -> None:
    async with rota(tmp_path, source) as (section, change):

        def also(document: dict[str, Any]) -> None:
            document["directory"] = section

        by_duty = {"on_call": "desk", "channels": ["teams", system]}
        async with ticket_world(tmp_path, system, rule=by_duty, also=also) as app, app.server():
            await app.eventually(partial(known, app))
            request = await asked_in_teams(app)
            key = str(app.key(request))
            card = str((await app.card(request["id"])).card())
            first = app.desk.ticket(key).text
            if isinstance(app.system, Jira):
                assignee = app.system.issue(key)["fields"]["assignee"]
                assert "Alex Wilber" == assignee["displayName"]
            change("PMEGAN")
            await app.until(request["id"], lambda r: [p["id"] for p in r["eligible"]] == ["megan"])
            handed_over = await app.says_in(key, "On call for desk: Megan Bowen")
            page = await inbox(app, request, "megan")
            app.desk.answer(key, "approve", who="alex")
            await app.on_ledger(request, "vote_refused")
            refused = await app.asks_again(key, "This needs the on-call duty desk. On call for")
            await app.quiet()  # everybody's approval is put back, one by one
            app.desk.answer(key, "approve", who="megan")
            session = await app.over(request["session_id"])
            entries = await app.ledger(request["session_id"])
            quotes = app.quotes()

    assert [{"id": "alex", "name": "Alex Wilber"}] == request["eligible"]
    assert "On call for desk: Alex Wilber until" in card
    assert "Alex Wilber" in first
    assert "On call for desk: Megan Bowen until" in page
    assert "The shift has changed" in handed_over
    assert handed_over in refused
    assert "completed" == session["status"]
    assert 1 == len(quotes)
    (voted,) = [each["body"] for each in entries if each["kind"] == "voted"]
    assert ("megan", ["desk"]) == (voted["by"], voted["on_call"])
    assert [["megan"]] == [e["body"]["people"] for e in entries if e["kind"] == "on_call"][-1:]


async def test_a_shift_of_jira_ends_by_the_clock_and_the_call_is_escalated(tmp_path: Path) -> None:
    async with JsmOpsServer.start() as site:
        schedule = site.add_schedule("Desk")
        alex, megan = ACCOUNTS["PALEX"], ACCOUNTS["PMEGAN"]
        schedule.periods += [Period(alex, *around(datetime.now(UTC)))]
        often = {"every": "1s", "max_age": "1m"}

        def also(document: dict[str, Any]) -> None:
            document["directory"] = {
                **often,
                "jsm": jsm(site),
                "schedules": {"desk": {"jsm": schedule.id}},
            }
            adele = next(each for each in document["people"] if each["id"] == "adele")
            adele["roles"] = ["director"]

        rule = {"on_call": "desk", "escalate": [{"after": "12s", "roles": ["director"]}]}
        async with ticket_world(tmp_path, "jira", rule=rule, also=also) as app, app.server():
            await app.eventually(partial(known, app))
            request = await asked_in_teams(app)
            boundary = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=5)
            began, ends = around(boundary)
            schedule.periods[:] = [Period(alex, began, boundary), Period(megan, boundary, ends)]
            seen: list[list[str]] = []

            def note(found: dict[str, Any]) -> bool:
                people = [each["id"] for each in found["eligible"]]
                seen.extend([people] if people not in seen[-1:] else [])
                return bool(people == ["adele", "megan"])

            await app.until(request["id"], note)
            early = await app.click(request["id"], "approve", "Alex Wilber")
            await app.click(request["id"], "approve", "Adele Vance")
            session = await app.over(request["session_id"])
            entries = await app.ledger(request["session_id"])
            quotes = app.quotes()

    told = [(e["kind"], e["at"]) for e in entries if e["kind"] in ("on_call", "escalated")]
    assert [["alex"], ["megan"], ["adele", "megan"]] == seen
    assert "On call for desk: Megan Bowen" in str(early.body)
    assert ["on_call", "escalated"] == [kind for kind, _ in told][-2:]
    assert all(boundary <= datetime.fromisoformat(at) for _, at in told[-2:])
    (voted,) = [each["body"] for each in entries if each["kind"] == "voted"]
    assert "adele" == voted["by"]
    assert ("completed", 1) == (session["status"], len(quotes))
