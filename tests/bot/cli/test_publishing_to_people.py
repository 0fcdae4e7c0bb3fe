"""Checkpoints as a comment in Jira and ServiceNow and as a message in Teams, and what they find."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import httpx
import pytest
import yaml

from countersign.approvals.audit.notes import SigningKey
from countersign.approvals.models import Conversation, ConversationKey, JsonObject
from countersign.approvals.store import conversations
from countersign.sandbox.botframework.server import BotFramework
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.servicenow.server import ServiceNow
from tests.bot.api_world import NOON, SEALING_KEY, World, running
from tests.bot.cli.conftest import REPOSITORY, Cli, Said
from tests.bot.cli.test_publishing import _copy

KEY = str(SEALING_KEY.verifier)
WORDS = "Countersign: checkpoint of the approval ledger. Please leave it here."


async def _post(url: str, user: str, password: str, body: JsonObject) -> JsonObject:
    async with httpx.AsyncClient(auth=(user, password)) as client:
        answer = await client.post(url, json=body, headers={"Accept": "application/json"})
    found: JsonObject = answer.json()
    return found


class Places:
    """An issue, a change and a channel, and the configuration with which they are reached."""

    def __init__(self, jira: Jira, snow: ServiceNow, teams: BotFramework, tmp_path: Path):
        self._jira, self._snow, self._teams = jira, snow, teams
        config = tmp_path / "people.yaml"
        self.config = ["--config", str(config)]
        document = yaml.safe_load((REPOSITORY / "countersign.yaml").read_text())
        document["connectors"]["jira"]["url"] = jira.url
        document["connectors"]["servicenow"]["url"] = snow.url
        config.write_text(yaml.safe_dump(document))

    async def make(self, world: World) -> tuple[str, str, str]:
        """Their names."""
        fields = {
            "project": {"key": "OPS"},
            "summary": "Checkpoints",
            "issuetype": {"name": "Task"},
        }
        at = self._jira.ready()
        issue = await _post(
            f"{self._jira.url}/rest/api/2/issue",
            at["email"],
            at["token"],
            {"fields": fields},
        )
        snow = self._snow.ready()
        change = await _post(
            f"{self._snow.url}/api/now/table/change_request",
            snow["user"],
            snow["password"],
            {"short_description": "Checkpoints"},
        )
        channel = self._teams.world.channel_id
        reference = {
            "channelId": "msteams",
            "serviceUrl": self._teams.service_url,
            "conversation": {"id": channel, "conversationType": "channel", "isGroup": True},
            "bot": {"id": "28:bot-id-1"},
        }
        heard = Conversation(
            key=ConversationKey(f"msteams:{channel}"),
            channel="teams",
            kind="channel",
            principal_id=None,
            reference=reference,
            updated_at=NOON,
        )
        await world.store.write(lambda c: conversations.save(c, heard, only_known=False))
        return (
            f"jira:{issue['key']}",
            f"servicenow:{change['result']['number']}",
            f"teams:{channel}",
        )

    async def comment(self, place: str, text: str) -> None:
        """Somebody else writes into the issue."""
        at, key = self._jira.ready(), place.partition(":")[2]
        path = f"{self._jira.url}/rest/api/2/issue/{key}/comment"
        await _post(path, at["email"], at["token"], {"body": text})

    def message(self) -> str:
        """The last one in the channel, as a person copies it."""
        return self._teams.messages(self._teams.world.channel_id)[-1].text


def test_checkpoints_go_where_people_read_them_and_find_a_database_that_was_set_back(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, older = tmp_path / "countersign.db", tmp_path / "older.db"
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{database}")
    copied = tmp_path / "copied.txt"
    sent = tmp_path / "sent"
    forged = SigningKey.new(SEALING_KEY.name)

    async def run(*arguments: str) -> Said:
        return await asyncio.to_thread(cli, *arguments)

    async def publish_twice(world: World, places: Places) -> tuple[str, str, str]:
        named = await places.make(world)
        to = [word for place in named for word in ("--to", place)]
        for number in range(2):
            request = await world.waiting()
            await world.vote(request)
            await world.call("GET", f"/api/v1/ledger/receipts/{request['id']}")
            first = await run("ledger", "publish", *to, "--sent", str(sent), *places.config)
            again = await run("ledger", "publish", *to, "--sent", str(sent), *places.config)

            assert (0, 3) == (first.status, first.out.count("published")), first.err
            assert (0, "") == (again.status, again.out), again.err
            if number == 0:
                await asyncio.to_thread(_copy, database, older)
        return named

    async def story() -> None:
        async with (
            Jira.start() as jira,
            ServiceNow.start() as snow,
            BotFramework.start() as teams,
        ):
            places = Places(jira, snow, teams, tmp_path)
            async with running(tmp_path) as world:
                named = await publish_twice(world, places)
            copied.write_text(f"Bot, 10:03\r\n{places.message()}\r\n", newline="")
            kept = (*named[:2], str(copied))
            against = [word for place in kept for word in ("--against", place)]
            ended = ["--key", KEY, *places.config]
            whole = await run("ledger", "verify", *against, *ended)
            asked = await run("ledger", "verify", "--against", named[2], *ended)

            assert places.message().startswith(WORDS)
            assert (0, True) == (whole.status, "of 5 outside checkpoints" in whole.out), whole.err
            assert (1, True) == (asked.status, "copy the message into a file" in asked.err)

            # What others write there is neither believed nor in the way.
            root = base64.b64encode(bytes(32)).decode()
            await places.comment(named[0], forged.sign(f"{forged.name}\n99\n{root}\n"))
            await places.comment(named[0], f"\u2014 half/a/note {root}")
            mixed = await run("ledger", "verify", *against, *ended)
            assert (0, True) == (mixed.status, "1 there are not signed" in mixed.err), mixed.err

            database.write_bytes(older.read_bytes())
            for name in ("-wal", "-shm"):
                database.with_name(database.name + name).unlink(missing_ok=True)
            for place in kept:
                found = await run("ledger", "verify", "--against", place, *ended)
                assert (1, True) == (found.status, "the database was set back" in found.out), place
            for place in named:
                to = ["--to", place, "--sent", str(sent), *places.config]
                refused = await run("ledger", "publish", *to)
                assert (1, True) == (refused.status, "was set back" in refused.err), place

    asyncio.run(story())


def test_a_place_that_is_none_says_what_is(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path}/countersign.db")
    bare = tmp_path / "bare.yaml"
    bare.write_text("people: []\n")
    shared = str(tmp_path / "sent")

    async def fill() -> None:
        async with running(tmp_path) as world:
            request = await world.waiting()
            await world.call("GET", f"/api/v1/ledger/receipts/{request['id']}")

    asyncio.run(fill())
    cases = [
        (["jira:nothing"], "jira:OPS-12"),
        (["servicenow:CHG^x"], "servicenow:CHG0030001"),
        (["teams:19:x@thread.tacv2"], "--sent"),
        (["teams:19:x@thread.tacv2", "--sent", shared], "no such conversation"),
        (["jira:OPS-1", "--config", str(bare)], "connectors.jira: is not in the configuration"),
    ]
    for words, why in cases:
        said = cli("ledger", "publish", "--to", *words)

        assert (1, True) == (said.status, why in said.err), said.err
