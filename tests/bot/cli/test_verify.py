"""`countersign verify` and the commands around it: exit statuses, and one clear message each."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from countersign.approvals.audit.notes import SigningKey
from countersign.bot.audit.csv_lines import row_text
from countersign.bot.cli.verifying import MAX_BYTES
from tests.bot.api_world import SEALING_KEY, running
from tests.bot.cli.conftest import REPOSITORY, Cli

KEY = str(SEALING_KEY.verifier)


@pytest.fixture
def request_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A request in a database, approved and signed."""

    async def fill() -> str:
        async with running(tmp_path) as world:
            request = await world.waiting()
            await world.vote(request)
            await world.call("GET", f"/api/v1/ledger/receipts/{request['id']}")
            return str(request["id"])

    found = asyncio.run(fill())
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path}/countersign.db")
    return found


def test_a_receipt_is_verified_with_only_the_file_and_the_key(
    cli: Cli, request_id: str, tmp_path: Path
) -> None:
    file, key = tmp_path / "receipt.json", tmp_path / "ledger.pub"
    assert 0 == cli("ledger", "receipt", request_id, "--output", str(file)).status
    key.write_text(cli("ledger", "keys").out)
    (tmp_path / "countersign.db").unlink()
    said = cli("verify", str(file), "--key", str(key))
    script = [sys.executable, str(REPOSITORY / "tools" / "verify_receipt.py"), str(file), KEY]
    by_script = subprocess.run(script, capture_output=True, text=True, check=False)

    assert (0, KEY) == (said.status, key.read_text().strip())
    assert f"verified: request {request_id}" in said.out
    assert "approve by Alex Wilber (api:alex) through api" in said.out
    assert (0, "") == (by_script.returncode, by_script.stderr)
    told = json.loads(cli("verify", str(file), "--key", KEY, "--json").out)
    assert json.loads(by_script.stdout) == told


def test_a_receipt_as_cose_is_verified_back(cli: Cli, request_id: str, tmp_path: Path) -> None:
    file, key, other = (tmp_path / name for name in ("receipt.cose", "ledger.key", "other.key"))
    key.write_text(f"{SEALING_KEY}\n")
    other.write_text(f"{SigningKey.new('gate.example/ledger')}\n")
    write = ["ledger", "receipt", request_id, "--format", "cose", "--output", str(file)]
    unsigned = cli(*write)
    foreign = cli(*write, "--signing-key", str(other))
    made = cli(*write, "--signing-key", str(key))
    (tmp_path / "countersign.db").unlink()
    said = cli("verify", str(file), "--key", KEY)
    without = cli("verify", str(file))
    data = file.read_bytes()
    file.write_bytes(data.replace(b"Alex", b"Axel"))
    changed = cli("verify", str(file), "--key", KEY)
    file.write_bytes(data[:-9])
    cut = cli("verify", str(file), "--key", KEY)

    assert (1, True) == (unsigned.status, "--signing-key" in unsigned.err)
    assert (1, True) == (foreign.status, "not signed by" in foreign.err)
    assert (0, 0, True) == (made.status, said.status, f"request {request_id}" in said.out)
    assert (4, True) == (without.status, "--key" in without.err)
    assert (1, True) == (changed.status, "another body than was written" in changed.err)
    assert (3, True) == (cut.status, "no COSE_Sign1" in cut.err)


def test_what_does_not_verify_says_why_and_by_its_exit_status(
    cli: Cli, request_id: str, tmp_path: Path
) -> None:
    text = cli("ledger", "receipt", request_id).out
    other = str(SigningKey.new("gate.example/ledger").verifier)
    file = tmp_path / "receipt.json"
    huge = tmp_path / "huge.json"
    with huge.open("wb") as sparse:
        sparse.truncate(2 * 2**30)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    cases = [
        (text.replace("Alex", "Mallory"), KEY, 1, "another body than was written"),
        (text.replace("receipt/v1", "receipt/v2"), KEY, 3, "this version reads"),
        ("no JSON", KEY, 3, "not JSON"),
        ("{}", KEY, 3, "no receipt"),
        (text, other, 4, "not signed by"),
        (text, None, 4, "--key"),
        (text, "a+b+c", 3, "is not a public key"),
        (text, str(tmp_path / "none"), 3, "cannot be read"),
    ]
    for content, key, status, why in cases:
        file.write_text(content)
        said = cli("verify", str(file), *(["--key", key] if key else []))

        assert (status, True) == (said.status, why in said.err), (why, said)
    for path, why in ((huge, f"at most {MAX_BYTES:,}"), (binary, "no text"), (tmp_path, "read")):
        said = cli("verify", str(path), "--key", KEY)

        assert (3, True) == (said.status, why in said.err), said


def test_a_database_that_was_set_back_is_found_by_a_checkpoint_from_outside(
    cli: Cli, request_id: str, tmp_path: Path
) -> None:
    kept, database = tmp_path / "checkpoint", tmp_path / "countersign.db"
    assert 0 == cli("ledger", "checkpoint", "--output", str(kept)).status
    whole = cli("ledger", "verify", "--checkpoint", str(kept), "--key", KEY)
    assert (0, True) == (whole.status, "verified" in whole.out)

    note = SEALING_KEY.sign(kept.read_text().partition("\n\n")[0].replace("\n1\n", "\n9\n") + "\n")
    kept.write_text(kept.read_text() + "\n" + note)
    said = cli("ledger", "verify", "--checkpoint", str(kept), "--key", KEY)

    assert database.is_file()
    assert (1, True) == (said.status, "set back" in said.out)
    assert "--key" in cli("ledger", "verify", "--checkpoint", str(kept)).err
    kept.write_text("\n")
    assert "no checkpoint in it" in cli(
        "ledger", "verify", "--checkpoint", str(kept), "--key", KEY
    ).err  # fmt: skip


def test_a_sealing_key_is_made_once(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "ledger.key"
    said = cli("ledger", "keygen", "gate.example/ledger", "--output", str(file))
    key = SigningKey.parse(file.read_text())

    assert (0, str(key.verifier)) == (said.status, said.out.strip())
    assert 0o600 == file.stat().st_mode & 0o777
    again = cli("ledger", "keygen", "gate.example/ledger", "--output", str(file))
    assert (1, True) == (again.status, "cannot be written" in again.err)


def test_exports_are_lines_tables_and_bundles(cli: Cli, request_id: str, tmp_path: Path) -> None:
    file = tmp_path / "bundle.json"
    assert 0 == cli("ledger", "export", "--format", "bundle", "--output", str(file)).status
    rows = list(csv.reader(io.StringIO(cli("ledger", "export", "--format", "csv").out)))
    of_alex = cli("ledger", "export", "--person", "alex").out.splitlines()
    none = cli("ledger", "export", "--until", "2020-01-01T00:00:00")
    said = cli("verify", str(file), "--key", KEY)

    assert (0, True) == (said.status, "entries of 1 sessions" in said.out)
    assert {"sessions": 1, "withheld": 0, "fields": 0} == {
        name: value
        for name, value in json.loads(cli("verify", str(file), "--key", KEY, "--json").out).items()
        if name != "entries"
    }
    assert ("session", "kind") == (rows[0][0], rows[0][3])
    assert len(rows) - 1 == len(of_alex) > 3
    assert [request_id] == sorted({row[4] for row in rows[1:] if row[4]})
    assert (0, "") == (none.status, none.out)
    governed = cli("ledger", "export", "--governance", "--format", "csv").out
    assert "sealing_key_changed" in governed
    both = cli("ledger", "export", "--governance", "--tool", "send")
    assert (1, True) == (both.status, "--governance" in both.err)
    unknown = cli("ledger", "export", "--session", "S-NONE")
    assert (1, True) == (unknown.status, "S-NONE" in unknown.err)
    away = cli("ledger", "export", "--output", str(tmp_path / "none" / "x"))
    assert (1, True) == (away.status, "cannot be written" in away.err)


def test_no_cell_is_a_formula() -> None:
    assert "'=1+1,a\r\n" == row_text(("=1+1", "a"))


def test_a_session_is_told_again_from_its_ledger_alone(
    cli: Cli, request_id: str, tmp_path: Path
) -> None:
    made = json.loads(cli("ledger", "receipt", request_id).out)
    session_id = made["summary"]["session"]
    said = cli("ledger", "replay", session_id)
    told = json.loads(cli("ledger", "replay", session_id, "--json").out)

    assert 0 == said.status
    assert "approve by Alex Wilber (api:alex) through api" in said.out
    assert [request_id] == [each["id"] for each in told["requests"]]
    with sqlite3.connect(tmp_path / "countersign.db") as database:
        database.execute("UPDATE requests SET tool = 'other'")
    database.close()
    changed = cli("ledger", "replay", session_id)
    assert (1, said.out) == (changed.status, changed.out)
    assert "column tool" in changed.err
    assert "NOT verified" in changed.err
