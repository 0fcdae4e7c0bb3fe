"""Directories in a running server: read by its jobs, and told of by `/readyz` and the commands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.models import Principal, PrincipalId
from countersign.approvals.store import directories as rows
from countersign.approvals.store import open_store
from countersign.approvals.store.sqlite import SqliteStore
from countersign.bot.directories import DirectoryHealth, Following, open_sources, people_with
from countersign.bot.settings.directory import DirectorySettings
from countersign.sandbox.graph.server import GraphServer
from countersign.sandbox.graph.tenant import CLIENT_ID, CLIENT_SECRET, TENANT_ID
from tests.bot.cli.conftest import Cli
from tests.bot.cli.conftest import cli as cli
from tests.doubles.clock import ManualClock
from tests.doubles.database import sqlite_url
from tests.doubles.source import FakeSource

SETTINGS = DirectorySettings.model_validate(
    {"jira": {"groups": {"managers": "manager"}, "link_by_email": True}}
)
ROOT = Principal(id=PrincipalId("root"), name="Root", roles=frozenset({"admin"}))


class Server:
    """As much of a server as reads directories."""

    def __init__(self, store: SqliteStore, clock: ManualClock) -> None:
        self.store, self.clock = store, clock
        self.source = FakeSource("jira", lists_everybody=False)
        self.people = people_with(SETTINGS, [ROOT], store)
        self.jobs = EmbeddedJobs(store, clock, sweep_every_s=0.01)
        self.health = DirectoryHealth(lambda: SETTINGS, store, clock)
        self.reviews = 0

    async def review(self) -> None:
        self.reviews += 1

    async def read(self) -> None:
        """The next reading is due, and is done by the jobs."""
        now = self.clock.now()
        following = Following(self.people, self.review)
        await following.read(SETTINGS, [self.source], self.store, self.clock, self.jobs)
        following.begin(self.jobs)
        await self.store.write(lambda c: rows.read_soon(c, "jira", now))
        await self.jobs._handlers["sync"]("")
        await self.jobs._handlers["people"]("")


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[Server]:
    async with open_store(sqlite_url(folder)) as store:
        assert isinstance(store, SqliteStore)
        yield Server(store, ManualClock())


async def test_jobs_read_what_is_due_and_people_are_reviewed(tmp_path: Path) -> None:
    async with server(tmp_path) as here:
        before = await here.health.checks()
        here.source.add("ben", "managers")
        await here.read()
        known = [person.id for person in here.people.everybody()]
        after = await here.health.checks()

    assert ["jira:ben", "root"] == known
    assert {} == before
    assert {"directory_jira": "ok"} == after
    assert 1 <= here.reviews


async def test_health_says_what_is_wrong_with_a_directory(tmp_path: Path) -> None:
    async with server(tmp_path) as here:
        now = here.clock.now()
        await here.store.write(lambda c: rows.know(c, "jira", "1", now))
        unread = await here.health.checks()
        begun = await here.store.write(
            lambda c: rows.begin(c, "jira", now, whole_every=timedelta(days=1))
        )
        assert begun is not None
        await here.store.write(lambda c: rows.fail(c, begun, "Down.", now))
        failed = await here.health.checks()
        for number in range(10):
            here.source.add(f"p{number}", "managers")
        await here.read()
        here.clock.advance(SETTINGS.max_age + 1)
        old = await here.health.checks()
        for number in range(8):
            here.source.remove(f"p{number}")
        await here.read()
        held = await here.health.checks()

    assert "not read yet" == unread["directory_jira"]
    assert "cannot be read; the log says why" == failed["directory_jira"]
    assert "nobody it names can decide" in old["directory_jira"]
    assert held["directory_jira"].startswith("held:")
    assert {} == await DirectoryHealth(lambda: None, here.store, here.clock).checks()


def document(graph: GraphServer) -> dict[str, Any]:
    """A configuration with the stand-in as its directory."""
    group = next(iter(graph.tenant.groups))
    entra = {
        "tenant_id": TENANT_ID,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "graph_url": graph.url,
        "login_url": graph.url,
        "groups": {group: {"roles": ["manager"], "domains": ["finance"]}},
    }
    return {
        "people": [{"id": "alex", "name": "Alex Wilber", "roles": ["admin"]}],
        "directory": {"entra": entra},
    }


def test_people_can_be_looked_at(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fill() -> None:
        async with GraphServer.start() as graph, open_store(sqlite_url(tmp_path)) as store:
            people = [graph.tenant.add_user(f"Person {n}") for n in range(3)]
            graph.tenant.add_group("Managers", people[:2])
            (tmp_path / "c.yaml").write_text(yaml.safe_dump(document(graph)))
            settings = DirectorySettings.model_validate(document(graph)["directory"])

            class Everything:
                directory = settings

                def section(self, _: object) -> None:
                    return None

            clock = ManualClock()
            async with open_sources(Everything(), clock) as sources:  # type: ignore[arg-type]
                here = people_with(settings, [], store)
                jobs = EmbeddedJobs(store, clock)
                following = Following(here, here.refresh)
                await following.read(settings, sources, store, clock, jobs)
                following.begin(jobs)
                await jobs._handlers["sync"]("")

    nothing = cli("people", "status").status
    asyncio.run(fill())
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path}/countersign.db")
    monkeypatch.setenv("COUNTERSIGN_CONFIG", str(tmp_path / "c.yaml"))
    cli("people", "status")  # takes along what the log has said
    everybody = json.loads(cli("people", "list", "--json").out)
    managers = cli("people", "list", "--role", "manager", "--limit", "1")
    shown = cli("people", "show", everybody[1]["id"])
    as_json = json.loads(cli("people", "show", "alex", "--json").out)
    status = cli("people", "status")
    states = json.loads(cli("people", "status", "--json").out)

    assert 1 == nothing
    assert ["alex", "entra:", "entra:", "entra:"] == [p["id"][:6].rstrip() for p in everybody]
    assert "Person 0" in managers.out
    assert "1 more" in managers.out
    assert "roles: manager" in shown.out
    assert "too long ago" in shown.out
    assert (None, []) == (as_json["outdated"], as_json["directories"])
    assert "entra: 3 people, 1 groups, 2 memberships" in status.out
    assert [("entra", 3, None)] == [(s["name"], s["accounts"], s["error"]) for s in states]
    assert 1 == cli("people", "show", "nobody").status

    assert 0 == cli("people", "sync", "entra", "--go-on").status
    assert 0 == cli("people", "sync", "entra").status
    assert "No server has read a directory jira" in cli("people", "sync", "jira").err
