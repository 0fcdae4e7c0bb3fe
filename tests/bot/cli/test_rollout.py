"""Rollout on the command line, through the running server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import typer

from countersign.approvals.rules.policy import Policy
from tests.bot.api_world import running
from tests.bot.cli.conftest import REPOSITORY, Cli, Said
from tests.bot.inbox.test_rollouts import POLICY


def test_a_week_in_shadow_ends_with_a_promotion(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typer, "confirm", lambda text: text != "Move it to co-pilot?")

    async def story() -> dict[str, Said]:
        async with running(tmp_path) as world:
            url = str(world.client.make_url(""))
            text = (REPOSITORY / "countersign.yaml").read_text()
            (tmp_path / "c.yaml").write_text(text.replace("local-token-", "token-of-"))

            async def said(*words: str, who: str = "alex") -> Said:
                common = ("--server", url, "--config", "c.yaml", "--as", who)
                return await asyncio.to_thread(cli, *words, *common)

            found = {"none": await said("rollout", "show")}
            world.policies.replace(Policy.load(POLICY))
            ids = [(await world.waiting({"to": "ceo", "amount": n}))["id"] for n in range(3)]
            hand = ("requests", "by-hand")
            found["both"] = await said(*hand, ids[0], "--nothing", "--arguments", "{}")
            found["odd"] = await said(*hand, ids[0], "--arguments", "[]")
            found["same"] = await said(*hand, ids[0], "--text", "By mail.")
            found["other"] = await said(*hand, ids[1], "--arguments", '{"amount": 9}')
            found["nothing"] = await said(*hand, ids[2], "--nothing")
            found["wrong"] = await said("requests", "wrong", ids[0], "--reason", "No.")
            found["show"] = await said("rollout", "show")
            found["json"] = await said("rollout", "show", "--json")
            move = ("rollout", "move", "tools.send", "send", "copilot", "--reason", "Fine.")
            found["no"] = await said(*move, who="megan")
            found["early"] = await said(*move, "--yes", who="megan")
            found["unknown"] = await said("rollout", "move", "x", *move[3:], "--yes", who="megan")
            for n in range(6):
                more: dict[str, Any] = await world.waiting({"to": "ceo", "amount": n})
                await said(*hand, more["id"])
            found["ready"] = await said("rollout", "show")
            found["yes"] = await said(*move, "--yes", who="megan")
            return found

    said = asyncio.run(story())

    assert "No rule comes by phases" in said["none"].out
    assert "exclude each other" in said["both"].err
    assert "must be a JSON object" in said["odd"].err
    assert "what you did agrees with what was proposed" in said["same"].out
    assert "does not agree (amount) with" in said["other"].out
    assert "does not agree with" in said["nothing"].out
    assert "only what has run" in said["wrong"].err
    assert "tools.send for send: shadow, 3, of at least 2, towards co-pilot" in said["show"].out
    assert json.loads(said["json"].out)[0]["evidence"]["agreed"] == 1
    assert "Missing: At least 20% have to agree" in said["show"].out
    assert "is co-pilot" not in said["no"].out
    assert "Not to co-pilot yet" in said["early"].err
    assert (
        "There is no rule x for send that comes by phases: tools.send send" in said["unknown"].err
    )
    assert "A promotion to co-pilot is proposed." in said["ready"].out
    assert "tools.send is co-pilot for send now" in said["yes"].out
