"""`countersign ledger hold`, `archive` and `restore`, against a running server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.bot.api_world import SEALING_KEY, running
from tests.bot.cli.conftest import REPOSITORY, Cli, Said

KEY = str(SEALING_KEY.verifier)


def test_a_session_goes_into_a_file_and_comes_back(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path}/countersign.db")
    text = (REPOSITORY / "countersign.yaml").read_text().replace("local-token-", "token-of-")
    (tmp_path / "c.yaml").write_text(text)
    monkeypatch.setenv("COUNTERSIGN_CONFIG", str(tmp_path / "c.yaml"))
    folder = tmp_path / "archive"

    async def story() -> list[Said]:
        async with running(tmp_path, archive_dir=folder) as world:
            request = await world.waiting({"amount": 10})
            await world.vote(request)
            session = request["session_id"]
            await world.call("POST", f"/api/v1/sessions/{session}/cancel", person="sam")
            await world.call("GET", f"/api/v1/ledger/receipts/{request['id']}")
            there = ["--server", str(world.client.make_url("")), "--as", "megan"]

            async def say(*command: str) -> Said:
                return await asyncio.to_thread(cli, *command)

            hold = ["ledger", "hold", "--person", "sam", "--reason", "Lawsuit 12."]
            said = [await say(*hold, *there)]
            said += [await say(*hold, "--tool", "send", *there)]
            archive = ["ledger", "archive", "--older-than", "30", *there]
            world.clock.advance(40 * 86_400)
            said += [await say(*archive), await say("ledger", "holds")]
            hold_id = said[3].out.split()[0]
            lift = ["ledger", "lift", hold_id, "--reason", "It is over.", *there]
            said += [await say(*lift), await say("ledger", "holds")]
            said += [await say("ledger", "holds", "--lifted")]
            said += [await say("ledger", "holds", "--lifted", "--json"), await say(*archive)]
            (file,) = folder.glob("*.zip")
            said += [
                await say("ledger", "verify"),
                await say("ledger", "verify", "--archive", str(file)),
            ]
            said += [await say("ledger", "verify", "--archive", str(tmp_path))]
            said += [await say("ledger", "verify", "--archive", str(folder), "--session", session)]
            said += [await say("verify", str(file), "--key", KEY), await say("verify", str(file))]
            said += [
                await say("ledger", "export", "--output", "x"),
                await say("sessions", "show", session),
            ]
            restore = ["ledger", "restore", str(file), "--reason", "Case 7.", *there]
            said += [await say(*restore), await say(*restore), await say("ledger", "verify")]
            copied = await say(*archive)
            await world.call("GET", "/api/v1/ledger/checkpoint")
            return [*said, copied]

    said = asyncio.run(story())
    target = f"sqlite:///{tmp_path}/copy.db"
    copied = cli("db", "copy", f"sqlite:///{tmp_path}/countersign.db", target)
    (held, two, kept, holds, lifted, none, gone, listed, moved, checked, read, empty, one,
     offline, no_key, exported, missing, back, again, all_, _) = said  # fmt: skip

    assert "the person sam is on hold." in held.out
    assert "Name exactly one of" in two.err
    assert "There is nothing to archive." in kept.out
    assert "is on hold H-" in kept.err
    assert "the person sam: by Megan" in holds.out
    assert "is no longer on hold" in lifted.out
    assert "Nothing is on hold." in none.out
    assert "It is over." in gone.out
    assert "Lawsuit 12." == json.loads(listed.out)[0]["reason"]
    assert "1 sessions with" in moved.out
    assert (0, True) == (checked.status, "1 sessions with" in checked.out)
    assert (0, True) == (read.status, "(verified)" in read.out)
    assert "there is no file *.archive.zip in it" in empty.err
    assert (0, True) == (one.status, "entries verified" in one.out)
    assert (0, True) == (offline.status, "verified:" in offline.out)
    assert (4, True) == (no_key.status, "--key" in no_key.err)
    assert "not in it: 1 sessions" in exported.err
    assert "was archived in" in missing.err
    assert "1 sessions with" in back.out
    assert "it is in the database" in again.out
    assert (0, False) == (all_.status, "archived" in all_.out)
    assert (0, True) == (copied.status, "take that file along" in copied.out), copied.err
