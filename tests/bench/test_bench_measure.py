"""What the figures of a leg are made of."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bench.measure import (
    BenchError,
    StateTable,
    Timer,
    growth_bytes,
    held_bytes,
    percentile,
    require,
)


def test_percentile_is_a_value_that_occurred() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]

    assert percentile(values, 50) == 3.0
    assert percentile(values, 99) == 5.0
    assert percentile([7.0], 99) == 7.0


def test_timer_counts_each_unit_and_the_whole() -> None:
    timer = Timer()
    timer.start()
    for _ in range(3):
        with timer:
            pass
    timer.stop()
    figures = timer.figures()

    assert figures["n"] == 3
    assert {"n", "per_s", "p50_ms", "p99_ms", "cpu_ms", "rss_mb"} == set(figures)
    assert sum(timer.latencies_s) <= timer.wall_s


def test_a_leg_that_did_not_do_its_job_has_no_figures() -> None:
    with pytest.raises(BenchError, match="not every refund ran once"):
        require(False, "not every refund ran once")


def test_state_table_keeps_a_session_durably(tmp_path: Path) -> None:
    table = StateTable(tmp_path / "peer.db")
    table.pause("t0", "{}")
    table.finish("t0", '{"done":1}')

    assert table.load("t0") == '{"done":1}'
    assert table.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert table.connection.execute("PRAGMA synchronous").fetchone() == (2,)
    table.connection.close()


def test_an_empty_table_has_not_grown(tmp_path: Path) -> None:
    database = tmp_path / "empty.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE s(id TEXT PRIMARY KEY, state TEXT)")
    sizes = growth_bytes(database)

    assert sizes in (None, {"s": 0})


def test_audit_trail_is_counted_beside_the_state(tmp_path: Path) -> None:
    database = tmp_path / "two.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA page_size=4096")
        connection.execute("CREATE TABLE s(state TEXT)")
        connection.execute("CREATE TABLE ledger(entry TEXT)")
        connection.executemany("INSERT INTO s VALUES(?)", [("x" * 1000,)] * 40)
        connection.executemany("INSERT INTO ledger VALUES(?)", [("y" * 2000,)] * 40)
    held = held_bytes(database, 40, "ledger")

    assert held["file_bytes_per_session"] == database.stat().st_size // 40
    if growth_bytes(database) is not None:
        assert 1000 <= held["bytes_per_session"] < 2000
        assert 2000 <= held["ledger_bytes_per_session"] < 4000
