"""What the ledger costs is measured on a ledger that holds, by a plain check that would notice."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bench.measure import BenchError
from bench.ours import ledger

pytestmark = pytest.mark.asyncio


async def test_the_plain_check_sees_what_was_changed(tmp_path: Path) -> None:
    path = await ledger._filled(tmp_path, 4)
    found = await ledger._checked(path)

    assert (10, True) == (found["entries"], 0 < found["plain_cpu_s"])
    assert found["held_kb"] > 10_000
    with sqlite3.connect(path) as database:
        database.execute("UPDATE ledger SET kind = 'other' WHERE seq = 2")
    database.close()
    with pytest.raises(BenchError, match="plain check"):
        ledger._plain(path)
    with pytest.raises(BenchError, match="does not verify"):
        await ledger._checked(path)


async def test_votes_are_counted_with_checkpoints_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VOTES", "SEAL_EVERY"):
        monkeypatch.setattr(ledger, name, 2)
    monkeypatch.setattr(ledger, "ROUNDS", 1)
    found = await ledger.votes(tmp_path)

    assert {"with", "without"} == set(found)
    with sqlite3.connect(tmp_path / "votes-with-0.db") as database:
        (signed,) = database.execute("SELECT count(*) FROM ledger_checkpoints").fetchone()
    database.close()
    assert 2 == signed
