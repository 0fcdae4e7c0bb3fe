"""Fills a database with sessions that wait: copies of a real one, with ids, digests and chains of
their own, so that each can be decided, resumed, executed and verified like any other."""

from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from approvals import ids
from approvals.canonical import digest
from approvals.ledger import GENESIS, link
from approvals.models import SessionId
from approvals.store import codec

CHUNK = 1_000
TABLES = ("sessions", "requests", "deliveries", "ledger")
"""In the order in which they refer to each other."""
Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Template:
    """The rows of one session that waits for a request, by table."""

    rows: dict[str, list[dict[str, Any]]]

    @property
    def columns(self) -> dict[str, list[str]]:
        """The names of the columns of each table."""
        return {table: list(rows[0]) for table, rows in self.rows.items()}


def read_template(url: str) -> Template:
    """The only session of a database."""
    with _connected(url) as connection:
        rows = {}
        for table in TABLES:
            order = " ORDER BY seq" if table == "ledger" else ""
            cursor = connection.execute(f"SELECT * FROM {table}{order}")  # noqa: S608 - our names
            names = [column[0] for column in cursor.description]
            rows[table] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return Template(rows)


def fill(url: str, template: Template, n: int) -> None:
    """Add `n` copies of the template, a millisecond apart, none of which expires soon."""
    began = datetime.now(UTC) - timedelta(milliseconds=n)
    chunks = [range(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)]
    work = partial(_copies, template, began)
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        write = _write_sqlite if url.startswith("sqlite") else _write_postgresql
        write(url, template.columns, pool.imap(work, chunks))


def _copies(template: Template, began: datetime, numbers: Iterable[int]) -> Rows:
    rows: Rows = {table: [] for table in TABLES}
    for number in numbers:
        copy = _copy(template.rows, began + timedelta(milliseconds=number))
        for table in TABLES:
            rows[table] += [tuple(row.values()) for row in copy[table]]
    return rows


def _copy(rows: dict[str, list[dict[str, Any]]], at: datetime) -> dict[str, list[dict[str, Any]]]:
    """The rows under new ids, with the digest and the chain that belong to them."""
    (session,) = rows["sessions"]
    names = {session["id"]: ids.new_id("S")}
    for request in rows["requests"]:
        names |= {request["id"]: ids.new_id("R"), request["execution_token"]: ids.new_token()}
        names.setdefault(request["checkpoint_id"], ids.new_id("C"))
        names[request["digest"]] = digest(
            session_id=names[session["id"]],
            call_id=request["call_id"],
            tool=request["tool"],
            arguments=json.loads(request["arguments"]),
            policy_version=request["policy_version"],
        )
    names |= {row["id"]: ids.new_id("D") for row in rows["deliveries"]}
    times = {"created_at": codec.to_text(at), "updated_at": codec.to_text(at)}
    deadline = codec.to_text(at + timedelta(days=1))
    copy = {
        table: [
            {name: times.get(name, _renamed(value, names)) for name, value in row.items()}
            for row in rows[table]
        ]
        for table in TABLES
    }
    for request in copy["requests"]:
        request["expires_at"] = request["expires_at"] and deadline
    (new_session,) = copy["sessions"]
    new_session["idempotency_key"] = None
    copy["ledger"], new_session["ledger_head"] = _chain(copy["ledger"], at)
    return copy


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        for old, new in names.items():
            value = value.replace(old, new)
    return value


def _chain(rows: Sequence[dict[str, Any]], at: datetime) -> tuple[list[dict[str, Any]], str]:
    seq, head, linked = 0, GENESIS, []
    for row in rows:
        body = json.loads(row["body"])
        session_id = SessionId(row["session_id"])
        entry = link((seq, head), session_id=session_id, at=at, kind=row["kind"], body=body)
        seq, head = entry.seq, entry.hash
        linked.append(
            {**row, "at": codec.to_text(at), "prev_hash": entry.prev_hash, "hash": entry.hash}
        )
    return linked, head


def _write_sqlite(url: str, columns: dict[str, list[str]], chunks: Iterator[Rows]) -> None:
    with _connected(url) as connection:
        for rows in chunks:
            for table in TABLES:
                marks = ", ".join("?" for _ in columns[table])
                sql = f"INSERT INTO {table} ({', '.join(columns[table])}) VALUES ({marks})"  # noqa: S608 - our names
                connection.executemany(sql, rows[table])
            connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _write_postgresql(url: str, columns: dict[str, list[str]], chunks: Iterator[Rows]) -> None:
    with _connected(url) as connection:
        for rows in chunks:
            for table in TABLES:
                sql = f"COPY {table} ({', '.join(columns[table])}) FROM STDIN"
                with connection.cursor().copy(sql) as copy:
                    for row in rows[table]:
                        copy.write_row(row)
            connection.commit()
    with _connected(url) as connection:
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")  # as autovacuum would, sooner or later


def _connected(url: str) -> Any:
    if url.startswith("sqlite"):
        return _Closing(sqlite3.connect(str(make_url(url).database)))
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"))


class _Closing:
    """sqlite3's own `with` commits, but does not close."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def __enter__(self) -> sqlite3.Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()
