"""The app for Zapier fits its vendor's validator, and works against the server."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import NODE_MODULES, missing
from tests.scenarios.world import World, world

ROOT = Path(__file__).parents[2]
APP = ROOT / "examples" / "zapier"
RUNNER = ROOT / "tests" / "e2e" / "node" / "zapier.js"


@pytest.fixture(autouse=True)
def packages() -> None:
    """The vendor's packages, as `make test` installs them."""
    if not (NODE_MODULES / "zapier-platform-core").is_dir():
        missing("zapier-platform-core", "scripts/ensure_npm.sh test")


async def node(*arguments: str, given: Any = None) -> tuple[int, str]:
    """What a program of Node says, and how it ends; packages are those of the tests."""
    program = shutil.which("node")
    assert program is not None
    running = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "NODE_PATH": str(NODE_MODULES), "NO_PROXY": "127.0.0.1"},
    )
    said, _ = await running.communicate(json.dumps(given).encode())
    return running.returncode or 0, said.decode()


class Zaps:
    """Calls of the app with somebody's connection."""

    def __init__(self, app: World, token: str):
        self._auth = {"url": f"{app.url}/", "token": token}

    async def run(self, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """What comes of each, one after the other."""
        given = [{"method": m, "inputData": i, "authData": self._auth} for m, i in calls]
        status, said = await node(str(RUNNER), str(APP), given=given)
        assert status == 0, said
        found: list[dict[str, Any]] = json.loads(said.rstrip().rsplit("\n", 1)[-1])
        return found


async def test_vendors_validator_takes_the_app(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(APP, broken, ignore=shutil.ignore_patterns("node_modules"))
    trigger = broken / "triggers" / "request_waits.js"
    trigger.write_text(trigger.read_text().replace("noun: 'Request',", ""))
    good = await node(str(APP / "check.js"))
    bad = await node(str(broken / "check.js"))

    assert (0, True) == (good[0], good[1].rstrip().endswith("valid")), good
    assert (1, True) == (bad[0], "noun" in bad[1]), bad


async def test_zap_starts_a_session_and_decides_what_waits(tmp_path: Path) -> None:
    task = {"workflow": "sales_quote", "task": "quote for Contoso, 25 seats", "key": "row-7"}
    async with world(tmp_path) as app, app.server():
        sam, alex = Zaps(app, "local-token-sam"), Zaps(app, "local-token-alex")
        tested, listed, started, again, strange, other, nameless = await sam.run(
            ("authentication.test", {}),
            ("triggers.workflows.operation.perform", {}),
            ("creates.start_session.operation.perform", task),
            ("creates.start_session.operation.perform", task),
            (
                "creates.start_session.operation.perform",
                {**task, "workflow": "none", "key": "row-8"},
            ),
            ("creates.start_session.operation.perform", {**task, "task": "quote for Northwind"}),
            ("creates.start_session.operation.perform", {**task, "key": " "}),
        )
        session = started["result"]["id"]
        request = await app.pending(session, tool="release_quote")
        decision = {"request": request["id"], "digest": request["digest"], "verdict": "approve"}
        waits, stale, changed, decided = await alex.run(
            ("triggers.request_waits.operation.perform", {}),
            ("creates.decide.operation.perform", {**decision, "digest": "0" * 64}),
            (
                "creates.decide.operation.perform",
                {**decision, "verdict": "modify", "arguments": "no JSON"},
            ),
            ("creates.decide.operation.perform", {**decision, "comment": "Fine."}),
        )
        await app.over(session)
        _, sessions = await app.call("GET", "/api/v1/sessions")
        (found,) = await sam.run(("searches.session.operation.perform", {"id": session}))
        after = await app.request(request["id"])
        (nobody,) = await Zaps(app, "wrong-token-of-nobody").run(("authentication.test", {}))

    assert tested["result"]["workflows"] == len(listed["result"]) > 0
    assert session == again["result"]["id"]
    assert [session] == [each["id"] for each in sessions["items"]]
    assert "none" in strange["error"]
    assert "asked for differently" in other["error"]
    assert "The key is empty, so nothing was started" in nameless["error"]
    assert [request["id"]] == [each["id"] for each in waits["result"]]
    assert request["arguments"] == json.loads(waits["result"][0]["arguments_text"])
    assert "error" in stale
    assert "must be JSON" in changed["error"]
    assert request["id"] == decided["result"]["id"]
    assert [("alex", "api", "Fine.")] == [
        (vote["by"], vote["via"], vote["comment"]) for vote in after["votes"]
    ]
    assert "completed" == found["result"][0]["status"]
    assert "error" in nobody
