"""What a server imports before it is ready: what it uses, and AutoGen only where somebody is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from countersign.agents.classic.late import LateWorkflows
from countersign.agents.classic.registry import Registry
from countersign.bot.workflows.opened import open_workflows
from tests.bot.test_serving import production
from tests.doubles.database import fresh_database
from tests.processes import ROOT, START_TIMEOUT_S

CONFIGURATION = {
    "people": [{"id": "alex", "name": "Alex", "token": "a-token-of-alex"}],
    "model": {"provider": "scripted", "base_url": "http://127.0.0.1:1/v1"},
    "workflows": {"modules": ["never_imported"]},
    "policy": {"tools": {}},
}
SERVER = """
import asyncio, json, sys
from pathlib import Path

from countersign.agents.classic.facts import Facts
from countersign.bot.workflows.kept_facts import KeptFacts
from countersign.bot.serving import serving
from countersign.bot.settings.file import load_settings

folder = Path("cache")
settings = load_settings(Path("countersign.yaml"))
KeptFacts(folder, settings).keep(Facts(workflows=(), classes={}))

async def until_ready():
    async with serving(settings, host="127.0.0.1", port=0, kept_in=folder):
        print(json.dumps([*sys.modules]))

asyncio.run(until_ready())
"""
LATE = {
    "agents that nobody runs yet": {"autogen", "openai", "never_imported"},
    "systems that are not configured": {"jira", "pysnow", "slack_sdk", "imap_tools"},
    "Teams, in which nobody has written yet": {"botbuilder", "botframework", "msal", "msrest"},
    "a database of another kind, and a schema that is up to date": {
        "psycopg",
        "procrastinate",
        "alembic",
        "sqlalchemy.dialects.postgresql",
    },
    "people who have not come yet": {"webauthn", "joserfc", "babel", "httpx"},
    "rules without conditions, and schemas that say more than types": {"lark", "jsonschema"},
}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules of a server that is ready and has served nobody."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "countersign.yaml").write_text(yaml.safe_dump(CONFIGURATION))
    fresh_database(folder, "x.db")
    environment = {
        **os.environ,
        "COUNTERSIGN_ENV": "local",
        "COUNTERSIGN_DATABASE_URL": "sqlite:///x.db",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", SERVER],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(next(line for line in done.stdout.splitlines() if line[:1] == "[")))


@pytest.mark.parametrize("why", LATE)
def test_what_nobody_uses_is_not_imported(imported: set[str], why: str) -> None:
    assert not LATE[why] & imported


def test_the_look_at_what_is_imported_sees_something(imported: set[str]) -> None:
    assert {"aiohttp", "countersign", "pydantic", "sqlalchemy"} <= imported


async def test_second_start_knows_the_workflows_before_it_builds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])  # as building them leaves it
    settings, folder, call = (
        production(tmp_path),
        tmp_path / "cache",
        ("crm_update", "lookup_customer"),
    )
    with open_workflows(settings, folder) as first, open_workflows(settings, folder) as second:
        found = await second.effective(*call, {"name": "Adventure Works"})
        known = first.infos() == second.infos(), first.forms() == second.forms()

    assert [Registry, LateWorkflows] == [type(first), type(second)]
    assert (True, True) == known
    assert found is not None
    assert {"name": "Adventure Works"} == found.arguments
