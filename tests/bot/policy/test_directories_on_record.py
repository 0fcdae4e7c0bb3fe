"""What the file says of directories and schedules, on the governance ledger whenever it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from countersign.bot.policy.directories_on_record import put_directories_on_record
from countersign.bot.settings.directory import DirectorySettings
from tests.doubles.world import World, opened

pytestmark = pytest.mark.asyncio
JIRA: dict[str, Any] = {"groups": {"managers": "manager"}}
SNOW: dict[str, Any] = {"groups": {"g1": {"roles": ["boss"], "domains": ["hr"]}}}
DESK: dict[str, Any] = {"ics": "/rota.ics", "otherwise": "manager", "people": {"Ben": "ben"}}


def settings(**sections: Any) -> DirectorySettings:
    return DirectorySettings.model_validate(sections)


async def changes(world: World, to: DirectorySettings | None) -> list[Any]:
    """What each new entry says once this is read."""
    before = len(await world.records.governance())
    await put_directories_on_record(world.store, world.clock, to, "c.yaml")
    return [e.body["changes"] for e in (await world.records.governance())[before:]]


async def test_every_change_of_who_may_decide_by_them_is_a_sentence(tmp_path: Path) -> None:
    some = {"roles": ["auditor", {"role": "manager", "domains": ["hr"]}]}
    jira = {"groups": {"managers": some, "more": "boss"}, "link_by_email": True}
    desk = {"ics": "/other.ics", "people": {"Ben": "cara", "Zed": "ben"}}
    async with opened(tmp_path) as world:
        nothing = await changes(world, None)
        first = await changes(world, settings(jira=JIRA, servicenow=SNOW))
        (entry,) = await world.records.governance()
        same = await changes(world, settings(jira=JIRA, servicenow=SNOW))
        groups = await changes(world, settings(jira=jira, servicenow={**SNOW, "delegates": True}))
        came = await changes(world, settings(schedules={"desk": DESK}))
        other = await changes(world, settings(schedules={"desk": desk}))
        back = await changes(world, settings(schedules={"desk": DESK}))
        gone = await changes(world, None)
        still = await changes(world, None)
        verified = (await world.records.verify()).verified

    assert ([], [[]], []) == (nothing, first, same)
    assert ("directories_changed", None, "c.yaml") == (
        entry.kind,
        entry.body["before"],
        entry.body["file"],
    )
    assert ["boss"] == entry.body["directories"]["servicenow"]["groups"]["g1"]["roles"]
    assert [
        [
            "jira: the group managers gives auditor, manager for some calls, before manager",
            "jira: the group more gives boss, before nothing",
            "jira: addresses count",
            "servicenow: delegates count",
        ]
    ] == groups
    assert [
        ["jira is not read any more", "on_call.desk is read", "servicenow is not read any more"]
    ] == came
    assert [
        [
            "on_call.desk: Ben is cara, before ben",
            "on_call.desk: Zed is ben, before nobody",
            "on_call.desk: is read from elsewhere, or in another zone",
            "on_call.desk: while nobody is on call nobody is asked, before manager",
        ]
    ] == other
    assert "on_call.desk: while nobody is on call manager is asked, before nobody" in back[0]
    assert ([["on_call.desk is not read any more"]], []) == (gone, still)
    assert verified


async def test_no_address_of_a_calendar_that_is_a_secret_is_on_record(tmp_path: Path) -> None:
    secret = {"ics_url": "https://calendar.example.com/secret-of-the-rota.ics"}
    async with opened(tmp_path) as world:
        found = DirectorySettings.model_validate({"schedules": {"desk": secret}})
        await changes(world, found)
        (entry,) = await world.records.governance()

    assert "secret-of-the-rota" not in entry.model_dump_json()
