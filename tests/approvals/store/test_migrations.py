"""The schema by migration, and databases that cannot be used: each message names the fix."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from countersign.approvals.errors import ConfigurationError, UnavailableError
from countersign.approvals.store import (
    open_reader,
    open_store,
    upgrade,
)
from countersign.approvals.store.revision import (
    HEAD,
    KNOWN,
    MIGRATIONS,
    current_revision,
)
from countersign.approvals.store.schema import metadata
from countersign.approvals.store.sqlite import SqliteStore
from countersign.approvals.store.sqlite_engine import exclusive, sqlite_engine
from countersign.approvals.store.urls import sqlite_path
from tests.doubles.database import fresh_database

ENVIRONMENT = "COUNTERSIGN_DATABASE_URL"


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def sql(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


async def refused(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        async with open_store(url(path)):
            raise AssertionError("the store was opened")
    return str(caught.value)


async def test_fresh_database_has_exactly_the_declared_schema(tmp_path: Path) -> None:
    path = tmp_path / "new" / "countersign.db"
    upgrade(url(path))
    engine = sqlite_engine(path)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, metadata)
        declared = {
            (table.name, index.name)
            for table in metadata.sorted_tables
            for index in table.indexes
            if not index.unique
        }
        made = {
            (table, index["name"])
            for table in metadata.tables
            for index in inspect(connection).get_indexes(table)
            if not index["unique"]
        }
    engine.dispose()

    assert [] == differences
    assert declared == made


async def test_upgrading_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "countersign.db"
    upgrade(url(path))
    before = path.read_bytes()
    upgrade(url(path))

    assert before == path.read_bytes()


def test_several_databases_are_upgraded_at_the_same_time(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.db" for number in range(4)]
    with ThreadPoolExecutor(len(files)) as threads:
        list(threads.map(lambda file: upgrade(url(file)), files))

    for file in files:
        with closing(sqlite3.connect(file)) as connection:
            (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        assert (HEAD,) == found
        assert {table.name for table in metadata.tables.values()} <= {name for (name,) in tables}


async def test_opening_creates_the_file_and_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "countersign.db"
    async with open_store(url(path)) as store:
        assert isinstance(store, SqliteStore)
        revision = current_revision(store.engine)

    assert HEAD == revision


def test_the_files_say_what_alembic_says() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)

    assert [HEAD] == scripts.get_heads()
    assert {script.revision for script in scripts.walk_revisions()} == KNOWN


async def test_newer_schema_is_refused(tmp_path: Path) -> None:
    path = fresh_database(tmp_path)
    sql(path, "UPDATE alembic_version SET version_num = '9999'")

    assert "Install the newer Countersign" in await refused(path)
    assert [("9999",)] == sql(path, "SELECT * FROM alembic_version")


async def test_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("This is not a database. " * 100)
    message = await refused(path)

    assert str(path) in message
    assert "Move it away" in message
    assert ENVIRONMENT in message
    assert path.read_text().startswith("This is not a database.")


async def test_database_of_somebody_else_is_refused_and_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    sql(path, "CREATE TABLE sessions (id TEXT)")

    assert "not a usable Countersign database" in await refused(path)
    assert [("sessions",)] == sql(path, "SELECT name FROM sqlite_master")


@pytest.mark.parametrize("where", ["", "file/countersign.db"])
async def test_path_that_cannot_be_a_file_is_refused(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / where
    message = await refused(path)

    assert str(path) in message
    assert "Check the permissions" in message
    assert ENVIRONMENT in message


async def test_folder_in_which_no_lock_can_be_made_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "countersign.db"
    path.with_name("countersign.db.lock").mkdir()
    message = await refused(path)

    assert "countersign.db.lock" in message
    assert "Check the permissions" in message


@pytest.mark.parametrize(
    "bad", ["postgresql://user:secret@host/db", "sqlite://", "sqlite:///:memory:", "", "nonsense"]
)
def test_url_that_names_no_file_is_refused_without_repeating_secrets(bad: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sqlite_path(bad)

    assert "sqlite:///./countersign.db" in str(caught.value)
    assert "secret" not in str(caught.value)


HOLDER = """
import sys, pathlib
from countersign.approvals.store.sqlite_engine import exclusive
with exclusive(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(path: Path) -> Iterator[None]:
    """Another process has the database, until it is killed."""
    with Popen([sys.executable, "-c", HOLDER, str(path)], stdin=PIPE, stdout=PIPE) as holder:
        assert holder.stdout is not None
        assert b"held\n" == holder.stdout.readline()
        yield
        holder.kill()


async def test_file_in_use_by_another_process_is_refused(tmp_path: Path) -> None:
    path = fresh_database(tmp_path)
    with held_elsewhere(path):
        message = await refused(path)
        with pytest.raises(ConfigurationError, match="in use by another"):
            upgrade(url(path))

    assert "in use by another Countersign process; stop it" in message
    assert ENVIRONMENT in message


async def test_lock_ends_with_its_process(tmp_path: Path) -> None:
    path = fresh_database(tmp_path)
    with held_elsewhere(path):
        pass
    with exclusive(path):
        pass
    async with open_store(url(path)) as store:
        assert isinstance(store, SqliteStore)
        assert HEAD == current_revision(store.engine)


async def test_reader_reads_beside_a_running_server_and_writes_nothing(tmp_path: Path) -> None:
    path = fresh_database(tmp_path)
    async with open_store(url(path)), open_reader(url(path)) as reader:
        tables = await reader.read(lambda c: inspect(c).get_table_names())
        with pytest.raises(UnavailableError, match="opened for reading only"):
            await reader.write(lambda _: None)
        with pytest.raises(UnavailableError, match="cannot be read"):
            await reader.read(lambda c: c.exec_driver_sql("DELETE FROM votes"))

    assert "requests" in tables


async def test_reader_of_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Start the server once"):
        async with open_reader(url(tmp_path / "missing.db")):
            pass

    assert not (tmp_path / "missing.db").exists()


async def test_reader_of_an_older_schema_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    sql(path, "CREATE TABLE t (a)")

    with pytest.raises(ConfigurationError, match="Run `countersign db upgrade`"):
        async with open_reader(url(path)):
            pass


async def test_reader_of_a_corrupt_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("This is not a database. " * 100)

    with pytest.raises(ConfigurationError, match="Move it away"):
        async with open_reader(url(path)):
            pass
