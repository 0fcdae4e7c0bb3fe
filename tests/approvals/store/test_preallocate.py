"""The write-ahead log has its full length from the start, and its zeros are never content."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from structlog.testing import capture_logs

from countersign.approvals.store.preallocate import FRAME_BYTES, make_room
from countersign.approvals.store.sqlite import SqliteStore
from countersign.approvals.store.sqlite_engine import CHECKPOINT_PAGES
from tests.contracts.test_store import adding, keys
from tests.doubles.database import fresh_database


def log_of(database: Path) -> Path:
    return database.with_name(database.name + "-wal")


async def test_first_commit_finds_room_and_later_ones_keep_it(tmp_path: Path) -> None:
    path = fresh_database(tmp_path)
    store = SqliteStore(path, roomy_log=True)
    store.open()
    try:
        await store.write(adding("a"))
        length = log_of(path).stat().st_size
        await store.write(adding("b"))

        assert CHECKPOINT_PAGES * FRAME_BYTES == length == log_of(path).stat().st_size
        assert ["a", "b"] == await store.read(keys)
    finally:
        await store.close()


async def test_database_that_was_killed_is_read_up_to_its_last_commit(tmp_path: Path) -> None:
    path = fresh_database(tmp_path)
    store = SqliteStore(path, roomy_log=True)
    store.open()
    try:
        await store.write(adding("a"))
        await store.write(adding("b"))
        (tmp_path / "copy").mkdir()
        copy = tmp_path / "copy" / path.name
        for file in (path, log_of(path)):
            shutil.copy(file, copy.parent / file.name)
    finally:
        await store.close()
    with closing(sqlite3.connect(copy)) as connection:
        found = connection.execute("SELECT key FROM conversations ORDER BY key").fetchall()
        integrity = connection.execute("PRAGMA integrity_check").fetchall()

    assert ([("a",), ("b",)], [("ok",)]) == (found, integrity)


def test_log_of_nothing_but_zeros_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t(x)")
    log_of(path).touch()
    make_room(path, pages=10)
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        connection.execute("INSERT INTO t VALUES(1)")
        connection.commit()

    assert [("t",)] == tables


def test_log_that_is_long_enough_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    content = b"x" * 11 * FRAME_BYTES
    log_of(path).write_bytes(content)
    make_room(path, pages=10)

    assert content == log_of(path).read_bytes()


async def test_without_room_the_store_works_all_the_same(tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(fresh_database(tmp_path))  # SQLite's log is beside the file itself
    store = SqliteStore(link, roomy_log=True)
    store.open()
    try:
        with capture_logs() as logged:
            await store.write(adding("a"))
            await store.write(adding("b"))

        assert ["no room for the write-ahead log"] == [entry["event"] for entry in logged]
        assert ["a", "b"] == await store.read(keys)
    finally:
        await store.close()
