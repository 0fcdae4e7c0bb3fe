"""People and schedules that are changed in the file of a running server: whoever it says decides,
from then on; a broken file changes nobody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from countersign.approvals.directory import syncing
from countersign.bot.policy import reload
from tests.scenarios.test_on_call import calendar
from tests.scenarios.test_rules import about_policy
from tests.scenarios.world import REPOSITORY, World, world

pytestmark = pytest.mark.asyncio
TASK = "quote for Contoso, 25 seats"
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the file."""
    monkeypatch.setattr(reload, "LOOK_EVERY_S", 0.05)


def write(path: Path, *changes: Change) -> None:
    """The shipped configuration, with these changes."""
    document = yaml.safe_load((REPOSITORY / "countersign.yaml").read_text())
    for change in changes:
        change(document)
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def person(document: dict[str, Any], id_: str) -> dict[str, Any]:
    """The entry of somebody."""
    return next(each for each in document["people"] if each["id"] == id_)


def megan_is_manager(document: dict[str, Any]) -> None:
    person(document, "megan")["roles"] = ["sales_manager"]
    person(document, "alex")["roles"] = ["account_executive", "it_manager"]


def nora_instead_of_adele(document: dict[str, Any]) -> None:
    document["people"].remove(person(document, "adele"))
    nora = {"id": "nora", "name": "Nora Ray", "roles": ["admin"], "token": "local-token-nora"}
    document["people"].append(nora)


def two_alike(document: dict[str, Any]) -> None:
    megan_is_manager(document)
    document["people"].append(person(document, "megan"))


def nobody_left(document: dict[str, Any]) -> None:
    for each in document["people"]:
        each["roles"] = []


async def governance(app: World, kind: str) -> list[dict[str, Any]]:
    """The bodies of these entries; the ledger verifies."""
    _, body = await app.call("GET", "/api/v1/ledger/governance", person="alex")
    assert (True, []) == (body["verified"], body["problems"])
    return [each["body"] for each in body["items"] if each["kind"] == kind]


def has(app: World, kind: str, count: int) -> Callable[[], Awaitable[Any]]:
    """Looks whether there are so many such entries."""

    async def look() -> Any:
        found = await governance(app, kind)
        return found if len(found) == count else None

    return look


@pytest.mark.usefixtures("both_databases")
async def test_whoever_the_changed_file_names_decides(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    write(file)
    async with world(tmp_path, config=file) as app, app.server():
        session_id = await app.start("sales_quote", TASK)
        request = await app.pending(session_id)
        before = await app.call("GET", "/api/v1/requests", person="nora")
        write(file, megan_is_manager, nora_instead_of_adele)
        changed = (await app.eventually(has(app, "people_changed", 2)))[-1]

        async def known() -> Any:
            return (await app.call("GET", "/api/v1/requests", person="nora"))[0] == 200 or None

        await app.eventually(known)
        gone = await app.call("GET", "/api/v1/requests", person="adele")
        now = await app.request(request["id"])
        refused = await app.vote(request, "approve", person="alex")
        approved = await app.vote(request, "approve", person="megan")
        session = await app.over(session_id)
        quotes = app.quotes()

    assert 401 == before[0]
    assert 401 == gone[0]
    assert ["alex"] == [each["id"] for each in request["eligible"]]
    assert (["megan"], 1) == ([each["id"] for each in now["eligible"]], now["revision"])
    assert (403, 200, "completed") == (refused[0], approved[0], session["status"])
    assert {
        "Adele Vance (adele) is not known any more; roles: none",
        "Alex Wilber (alex) lost the role sales_manager",
        "Megan Bowen (megan) gained the role sales_manager",
        "Nora Ray (nora) is known; roles: admin",
    } <= set(changed["changes"])
    assert 1 == len(quotes)


@pytest.mark.parametrize("broken", [two_alike, nobody_left])
async def test_a_broken_file_changes_nobody(tmp_path: Path, broken: Change) -> None:
    file = tmp_path / "c.yaml"
    write(file)
    async with world(tmp_path, config=file) as app, app.server():
        session_id = await app.start("sales_quote", TASK)
        request = await app.pending(session_id)
        write(file, broken)
        said = await app.eventually(lambda: about_policy(app))
        recorded = await governance(app, "people_changed")
        voted = await app.vote(request, "approve", person="alex")
        await app.over(session_id)
        write(file)

        async def healed() -> Any:
            return True if await about_policy(app) is None else None

        assert await app.eventually(healed)

    assert "c.yaml cannot be used since it was changed" in said
    assert "the people from before decide" in said
    assert (1, 200) == (len(recorded), voted[0])


@pytest.mark.usefixtures("both_databases")
async def test_a_schedule_that_comes_into_the_file_is_read_and_asks_whoever_is_on_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "BACKOFF_BASE_S", 0.2)
    file, now = tmp_path / "c.yaml", datetime.now(UTC)
    second = tmp_path / "second.ics"
    calendar(second, "adelev@example.com", now)

    def desk(path: Path) -> Change:
        def change(document: dict[str, Any]) -> None:
            schedules = {"desk": {"ics": str(path)}}
            document["directory"] = {"every": "1m", "max_age": "1h", "schedules": schedules}
            rule = document["policy"]["tools"]["release_quote"]
            rule.pop("roles")
            rule["on_call"] = "desk"

        return change

    write(file)
    async with world(tmp_path, config=file) as app, app.server():
        session_id = await app.start("sales_quote", TASK)
        request = await app.pending(session_id)

        def asks(*people: str) -> Callable[[], Awaitable[Any]]:
            async def look() -> Any:
                found = await app.request(request["id"])
                asked = [each["id"] for each in found["eligible"]]
                return found if asked == [*people] else None

            return look

        write(file, desk(tmp_path / "third.ics"))
        unread = await app.eventually(lambda: about_policy(app))
        still = await app.request(request["id"])
        calendar(tmp_path / "third.ics", "meganb@example.com", now)
        await app.eventually(asks("megan"))
        write(file, desk(second))
        last = await app.eventually(asks("adele"))
        _, ready = await app.call("GET", "/readyz")
        voted = await app.vote(last, "approve", person="adele")
        session = await app.over(session_id)
        write(file)
        on_record = await app.eventually(has(app, "directories_changed", 3))
        _, after = await app.call("GET", "/readyz")

    assert ["alex"] == [each["id"] for each in request["eligible"]]
    assert (1, ["alex"]) == (still["revision"], [each["id"] for each in still["eligible"]])
    assert "c.yaml is not taken over yet: nobody has read the schedule desk yet" in unread
    assert "ok" == ready["systems"]["directory_on_call.desk"]
    assert "directory_on_call.desk" not in after["systems"]
    assert (200, "completed") == (voted[0], session["status"])
    assert [
        [],
        ["on_call.desk: is read from elsewhere, or in another zone"],
        ["on_call.desk is not read any more"],
    ] == [each["changes"] for each in on_record]
