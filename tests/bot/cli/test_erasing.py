"""`countersign ledger erase` and `--redact`: what is private is not in the file, and can go."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.bot.api_world import SEALING_KEY, running
from tests.bot.cli.conftest import REPOSITORY, Cli, Said

KEY = str(SEALING_KEY.verifier)
SECRET = "ann@contoso.example"
RULE = """
ledger:
  private:
    - {id: mail, tool: send, arguments: ["*"], results: true}
"""


def test_what_is_private_is_left_out_and_erased(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (REPOSITORY / "countersign.yaml").read_text().replace("local-token-", "token-of-")
    (tmp_path / "plain.yaml").write_text(text)
    (tmp_path / "c.yaml").write_text(text + RULE)
    (tmp_path / "bad.yaml").write_text(text + "ledger: {private: [{id: mail}]}")

    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path}/countersign.db")
    receipt, redact = tmp_path / "receipt.json", ["--redact", "--config", "c.yaml"]

    async def story() -> list[Said]:
        async with running(tmp_path) as world:
            request = await world.waiting({"to": SECRET, "amount": 10})
            await world.vote(request)
            session = request["session_id"]
            await world.call("POST", f"/api/v1/sessions/{session}/cancel", person="sam")
            await world.call("GET", f"/api/v1/ledger/receipts/{request['id']}")
            url = str(world.client.make_url(""))
            erase = ["ledger", "erase", session, "--rule", "mail", "--reason", "Art. 17."]
            there = ["--server", url, "--config", "c.yaml", "--as"]
            commands = [
                ["ledger", "export"],
                ["ledger", "export", *redact],
                ["ledger", "receipt", request["id"], *redact, "--output", str(receipt)],
                ["verify", str(receipt), "--key", KEY],
                ["ledger", "export", "--redact", "--config", "plain.yaml"],
                ["ledger", "export", "--redact", "--config", "bad.yaml"],
                [*erase, *there, "alex"],
                [*erase, *there, "megan"],
                ["ledger", "verify"],
                ["ledger", "replay", session],
            ]
            return [await asyncio.to_thread(cli, *command) for command in commands]

    said = asyncio.run(story())
    plain, lines, made, verified, missing, wrong, refused, erased, checked, told = said

    assert SECRET in plain.out
    assert SECRET not in lines.out + receipt.read_text() + told.out
    assert '"redacted":"mail","withheld":["/rows/0/set/result"]' in lines.out
    assert [0, 0, 0, 0, 0, 0] == [
        each.status for each in (lines, made, verified, erased, checked, told)
    ], checked.out
    assert "its call is private or was erased" in verified.out
    assert (1, True) == (missing.status, "has no `ledger.private`" in missing.err)
    assert (1, True) == (wrong.status, "say what is private" in wrong.err)
    assert (1, True) == (refused.status, "This needs the role boss." in refused.err)
    assert "are erased under mail." in erased.out
    assert "by megan" in told.out
    assert "reason Art. 17." in told.out
