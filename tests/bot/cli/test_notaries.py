"""Checkpoints that real witnesses have cosigned and an authority has stamped, to be seen by all."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from countersign.approvals.audit.cosignatures import cosignatures, witness_key
from countersign.approvals.audit.notes import SigningKey
from tests.bot.api_world import SEALING_KEY, running
from tests.bot.cli.conftest import REPOSITORY, Cli
from tests.bot.cli.test_publishing import _copy
from tests.doubles.tsa import Authority, serving

KEY = str(SEALING_KEY.verifier)
W1, W2, W3 = (SigningKey(f"w{n}.example/w", bytes([48 + n]) * 32) for n in (1, 2, 3))


@contextmanager
def witness(tmp_path: Path, key: SigningKey) -> Iterator[dict[str, str]]:
    """`countersign witness` as a process of its own; what the configuration says of it."""
    name = key.name.partition(".")[0]
    file, log = tmp_path / f"{name}.key", tmp_path / "ledger.pub"
    file.write_text(f"{key}\n")
    log.write_text(f"{KEY}\n")
    command = f"witness --key {file} --log {log} --state {tmp_path / name}.json --port 0"
    process = subprocess.Popen(
        [sys.executable, "-m", "countersign.bot.cli.main", *command.split()],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "200"},
    )
    assert process.stdout is not None
    try:
        public, said = process.stdout.readline().strip(), process.stdout.readline().strip()
        yield {"key": public, "url": said.removeprefix("listens at ")}
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(20)
        process.stdout.close()
    assert (0, str(witness_key(key))) == (status, public)


def test_what_is_published_is_cosigned_and_stamped_and_a_receipt_shows_it_offline(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, older, kept = tmp_path / "countersign.db", tmp_path / "older.db", tmp_path / "kept"
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{database}")
    authority = Authority()
    roots, receipt, config = (tmp_path / n for n in ("roots.pem", "receipt.json", "config.yaml"))
    roots.write_bytes(authority.root_pem)
    witnesses = [f"--witness={witness_key(each)}" for each in (W1, W2)]
    offline = ["--key", KEY, *witnesses, "--timestamp-roots", str(roots)]

    def configure(ones: list[dict[str, str]], tsa: str, **more: int) -> None:
        document = yaml.safe_load((REPOSITORY / "countersign.yaml").read_text())
        stamps = [{"url": tsa, "roots": str(roots)}]
        document["ledger"] = {"witnesses": ones, "timestamps": stamps, **more}
        config.write_text(yaml.safe_dump(document))

    async def story() -> None:
        async with running(tmp_path) as world:
            for number in range(2):
                request = await world.waiting()
                await world.vote(request)
                await world.call("GET", f"/api/v1/ledger/receipts/{request['id']}")
                publish = ["ledger", "publish", "--to", str(kept), "--config", str(config)]
                said = await asyncio.to_thread(cli, *publish)
                assert 0 == said.status, said.err
                assert ("w2.example/w cannot be reached" in said.err) == (number == 1)
                told = await asyncio.to_thread(cli, "ledger", "receipt", request["id"])
                receipt.with_name(("first", "second")[number]).write_text(told.out)
                if number == 0:
                    await asyncio.to_thread(_copy, database, older)
                    gone = {"key": str(witness_key(W2)), "url": "http://127.0.0.1:9"}
                    configure([first, gone], tsa, quorum=1)

    with witness(tmp_path, W1) as first, serving(authority) as tsa:
        with witness(tmp_path, W2) as second:
            configure([first, second], tsa)
        with witness(tmp_path, W2) as second:  # it remembers over a restart
            configure([first, second], tsa)
            asyncio.run(story())
        with witness(tmp_path, W2) as second:
            authority.at = datetime.now(UTC).replace(microsecond=0)
            configure([first, second | {"key": str(witness_key(W3))}], tsa)
            healthy = cli("doctor", "--config", str(config))
        configure([first, second], tsa, quorum=1)
        authority.at += timedelta(hours=1)
        late = cli("doctor", "--config", str(config))
        authority.at -= timedelta(hours=1)
        told = cli("ledger", "verify", "--config", str(config))
        outside = cli("ledger", "verify", "--against", str(kept), *offline)
        checked = cli("verify", str(receipt.with_name("first")), *offline)
        as_json = cli("verify", str(receipt.with_name("first")), *offline, "--json")
        fewer = cli("verify", str(receipt.with_name("second")), *offline)
        enough = cli("verify", str(receipt.with_name("second")), *offline, "--quorum", "1")
        script = [sys.executable, str(REPOSITORY / "tools" / "verify_receipt.py")]
        by_script = subprocess.run([*script, str(receipt.with_name("first")), KEY], check=False)

        # Whoever sets the database back gets no cosignature, also where nothing is published.
        database.write_bytes(older.read_bytes())
        for end in ("-wal", "-shm"):
            database.with_name(database.name + end).unlink(missing_ok=True)
        with sqlite3.connect(database) as connection:
            connection.execute("UPDATE ledger_checkpoints SET note = substr(note, 1, instr(note, "
                               "char(10) || '\u2014 w1') )")  # fmt: skip
        connection.close()
        refused = cli("ledger", "publish", "--to", str(tmp_path / "new"), "--config", str(config))

    assert "ok  witness w1.example/w: cosigns the checkpoint of size" in healthy.out
    assert "FIX witness w3.example/w: The witness w3.example/w answers" in healthy.out, healthy.out
    assert f"ok  time stamps, {tsa.removeprefix('http://')}: answers" in healthy.out
    assert "FIX witness w2.example/w: The witness w2.example/w cannot be reached" in late.out
    assert "s ahead of ours: set both by NTP" in late.out
    assert (0, True) == (told.status, "cosigned by 1 of 2 witnesses (1 needed)" in told.out), told
    assert (0, True) == (outside.status, "cosigned by 2 of 2 witnesses" in outside.out), outside.out
    assert f"was there at the latest: {tsa.removeprefix('http://')}" in outside.out
    assert (0, True) == (checked.status, "cosigned by 2 of 2 witnesses (2 needed)" in checked.out)
    assert 2 == len(json.loads(as_json.out)["notaries"])
    assert (4, True) == (fewer.status, "no checkpoint is cosigned by 2 of 2" in fewer.err)
    assert (0, True) == (enough.status, "cosigned by 1 of 2 witnesses (1 needed)" in enough.out)
    assert 0 == by_script.returncode
    note = json.loads(receipt.with_name("first").read_text())["checkpoint"]
    assert 2 == len(cosignatures(note, [witness_key(W1), witness_key(W2)]))
    assert (1, True) == (refused.status, "its database was set back" in refused.err), refused.err


def test_options_that_cannot_be_met_say_so(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path}/countersign.db")

    async def fill() -> None:
        async with running(tmp_path) as world:
            request = await world.waiting()
            await world.call("GET", f"/api/v1/ledger/receipts/{request['id']}")

    asyncio.run(fill())
    roots = tmp_path / "roots.pem"
    roots.write_bytes(Authority().root_pem)
    key = str(witness_key(W1))
    cases = [
        (["--quorum", "2"], "of which witnesses"),
        (["--quorum", "2", "--witness", key, "--witness", key], "is 2, of 1 witnesses"),
        (["--witness", KEY], "is not a witness's public key"),
        (["--witness", key], "no checkpoint is cosigned by 1 of 1 witnesses; by 0 at most"),
        (["--timestamp-roots", str(roots)], "no checkpoint has a time stamp"),
    ]
    for words, why in cases:
        said = cli("ledger", "verify", *words)

        assert (1, True) == (said.status, why in said.err + said.out), said.err + said.out
    no_log = cli(
        "witness", "--key", str(roots), "--log", str(roots), "--state", str(tmp_path / "w")
    )
    assert (1, True) == (no_log.status, "no sealing key" in no_log.err)
