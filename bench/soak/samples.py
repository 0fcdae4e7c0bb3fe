"""What is read of a server and its database while it works."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from bench.ours.product import cpu_ms, rss_mb

Row = dict[str, Any]
_WAL = "SELECT coalesce(sum(size), 0) FROM pg_ls_waldir()"
_JOBS = "SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY status"
_OPEN = "SELECT count(*) FROM deliveries WHERE status IN ('pending', 'live')"
_DEAD = (
    "SELECT coalesce(sum(pg_total_relation_size(relid)), 0), coalesce(sum(n_dead_tup), 0) "
    "FROM pg_stat_user_tables WHERE relname LIKE 'procrastinate%'"
)
_CONNECTIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid()"
)
LEFT = {"queued": ("todo",), "running": ("doing",), "ended": ("succeeded", "failed", "cancelled")}


def of_processes(pids: Sequence[int]) -> Row:
    """The largest of each over the servers; processor time is of all of them."""
    return {
        "rss_mb": round(max(rss_mb(pid) for pid in pids), 1),
        "threads": max(_threads(pid) for pid in pids),
        "fds": max(_fds(pid) for pid in pids),
        "cpu_s": round(sum(cpu_ms(pid) for pid in pids) / 1e3, 2),
    }


def of_database(url: str) -> Row:
    """Bytes of the write-ahead log and of all, and the rows of the job engine on PostgreSQL."""
    if url.startswith("sqlite"):
        return _of_sqlite(Path(str(make_url(url).database)))
    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as connection:

        def one(query: Any) -> Any:
            return connection.execute(query).fetchone()

        jobs = {str(status): n for status, n in connection.execute(_JOBS).fetchall()}
        engine_bytes, dead = one(_DEAD)
        return {
            "wal_kib": int(one(_WAL)[0]) // 1024,
            "database_kib": int(one("SELECT pg_database_size(current_database())")[0]) // 1024,
            "deliveries": one(_OPEN)[0],
            "connections": one(_CONNECTIONS)[0],
            "jobs_kib": int(engine_bytes) // 1024,
            "jobs_dead_rows": int(dead),
            **{
                f"jobs_{name}": sum(jobs.get(status, 0) for status in statuses)
                for name, statuses in LEFT.items()
            },
        }


def _of_sqlite(file: Path) -> Row:
    with closing(sqlite3.connect(file)) as connection:
        open_deliveries = connection.execute(_OPEN).fetchone()[0]
    return {
        "wal_kib": _size(file.with_name(file.name + "-wal")) // 1024,
        "database_kib": _size(file) // 1024,
        "deliveries": open_deliveries,
    }


def _threads(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("Threads:"):
            return int(line.split()[1])
    return 0


def _fds(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
