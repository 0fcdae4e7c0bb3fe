"""Fills a database with sessions that wait: copies of a real one, with ids, digests and chains of
their own, so that each can be decided, resumed, executed and verified like any other."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.pool import AsyncResult, Pool
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from bench.measure import require
from countersign.approvals import ids
from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.audit.ledger import GENESIS, commitment, header
from countersign.approvals.store import codec

CHUNK = 1_000
AHEAD = 8
"""Chunks that may be ready or in work before one is written."""
TABLES = ("sessions", "requests", "open_roles", "deliveries", "ledger")
"""In the order in which they refer to each other."""
Rows = dict[str, list[tuple[Any, ...]]]
SEPARATOR = "\0"
"""Stands in no text that was ever stored."""
_TEXT = object()
DIGESTS = frozenset({"digest", "digest_salt", "execution_token", "call_hash"})
"""Columns of requests that SQLite keeps as the bytes that their digits say."""


@dataclass(frozen=True)
class Template:
    """The rows of one session that waits for a request, by table."""

    rows: dict[str, list[dict[str, Any]]]

    @property
    def columns(self) -> dict[str, list[str]]:
        """The names of the columns of each table that has rows."""
        return {table: list(rows[0]) for table, rows in self.rows.items() if rows}


def read_template(url: str) -> Template:
    """The only session of a database."""
    with _connected(url) as connection:
        rows = {}
        for table in TABLES:
            order = " ORDER BY seq" if table == "ledger" else ""
            cursor = connection.execute(f"SELECT * FROM {table}{order}")  # noqa: S608 - our names
            names = [column[0] for column in cursor.description]
            rows[table] = [
                dict(zip(names, map(_as_text, names, row), strict=True))
                for row in cursor.fetchall()
            ]
    return Template(rows)


def fill(url: str, template: Template, n: int) -> None:
    """Add `n` copies of the template, a millisecond apart, none of which expires soon."""
    began = datetime.now(UTC) - timedelta(milliseconds=n)
    chunks = [range(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)]
    work = partial(_copies, template, began)
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        write = _write_sqlite if url.startswith("sqlite") else _write_postgresql
        write(url, template.columns, _bounded(pool, work, chunks))


def fill_here(url: str, template: Template, n: int, until: datetime) -> None:
    """`fill` by this process alone, the last copy at `until`."""
    began = until - timedelta(milliseconds=n)
    write = _write_sqlite if url.startswith("sqlite") else _write_postgresql
    write(url, template.columns, iter([_copies(template, began, range(n))]))


def _bounded(pool: Pool, work: Callable[[range], Rows], chunks: Sequence[range]) -> Iterator[Rows]:
    """The results in order, of which only a few wait: writing is slower than making them."""
    waiting: deque[AsyncResult[Rows]] = deque()
    for chunk in chunks:
        waiting.append(pool.apply_async(work, (chunk,)))
        if len(waiting) == AHEAD:
            yield waiting.popleft().get()
    for result in waiting:
        yield result.get()


def _copies(template: Template, began: datetime, numbers: Iterable[int]) -> Rows:
    mould = Mould(template)
    rows: Rows = {table: [] for table in TABLES}
    for number in numbers:
        copy = mould.copy(began + timedelta(milliseconds=number))
        for table in TABLES:
            rows[table] += copy[table]
    return rows


class Mould:
    """Makes copies. What differs between two of them is put into one text: value by value it would
    take ten times as long, and there are a hundred million values."""

    def __init__(self, template: Template):
        rows = template.rows
        (self._session,), self._requests = rows["sessions"], rows["requests"]
        self._deliveries, self._ledger = rows["deliveries"], rows["ledger"]
        times = {row["created_at"] for row in (self._session, *self._requests)}
        self._times = {*times, *(row["at"] for row in self._ledger), self._session["updated_at"]}
        self._deadlines = {row["expires_at"] for row in self._requests} - {None}
        self._shape, texts = [], []
        for table in TABLES:
            for row in rows[table]:
                self._shape.append(
                    (table, [value if _is_plain(value) else _TEXT for value in row.values()])
                )
                texts += [value for value in row.values() if not _is_plain(value)]
        hashed = [text for row in self._ledger for text in self._text_to_hash(row)]
        self._signed = {row["digest"]: self._text_to_sign(row) for row in self._requests}
        names = "|".join(map(re.escape, self._names(datetime.now(UTC))))
        # Every second piece is a name.
        self._pieces = re.split(f"({names})", SEPARATOR.join([*texts, *hashed]))
        self._counts = len(texts), len(hashed)

    def copy(self, at: datetime) -> Rows:
        """The rows of a session that began at `at`."""
        names = self._names(at)
        pieces = self._pieces.copy()
        pieces[1::2] = [names[name] for name in pieces[1::2]]
        parts = "".join(pieces).split(SEPARATOR)
        texts, hashed = parts[: self._counts[0]], parts[self._counts[0] :]
        heads = dict(self._heads(hashed))
        left = iter(texts)
        rows: Rows = {table: [] for table in TABLES}
        for table, shape in self._shape:
            values = (next(left) if value is _TEXT else value for value in shape)
            rows[table].append(tuple(heads.get(v, v) if isinstance(v, str) else v for v in values))
        return rows

    def _names(self, at: datetime) -> dict[str, str]:
        """What stands in a copy instead of each id, digest and time of the template."""
        session_id = ids.new_id("S")
        names = {self._session["id"]: session_id}
        for request in self._requests:
            token, new_token = request["execution_token"], ids.new_token()
            names |= {request["id"]: ids.new_id("R"), token: new_token}
            names[_told(token)] = _told(new_token)
            names.setdefault(request["checkpoint_id"], ids.new_id("C"))
        for digest, text in self._signed.items():
            signed = text.replace(self._session["id"], session_id)
            names[digest] = sha256_hex(signed.encode())
        names |= {row["id"]: ids.new_id("D") for row in self._deliveries}
        if (key := self._session["idempotency_key"]) is not None:
            names[key] = f"copy:{session_id}"
        names |= dict.fromkeys(self._times, codec.to_text(at))
        return names | dict.fromkeys(self._deadlines, codec.to_text(at + timedelta(days=1)))

    def _text_to_sign(self, row: dict[str, Any]) -> str:
        """What the digest of a request covers; the session is put in for each copy."""
        signed = {
            "session": row["session_id"],
            "call_id": row["call_id"],
            "tool": row["tool"],
            "arguments": json.loads(row["arguments"]),
            "policy_version": row["policy_version"],
        }
        if row["schema_version"]:
            signed["schema_version"] = row["schema_version"]
        signed["salt"] = row["digest_salt"]
        text = canonical_json(signed)
        require(sha256_hex(text) == row["digest"], f"{row['id']} is not what was signed")
        return text.decode()

    def _text_to_hash(self, row: dict[str, Any]) -> list[str]:
        """What commitment and hash of an entry cover; the commitment and the hash before it are put
        in for each copy."""
        of = row["session_id"], row["seq"], row["at"], row["kind"]
        return [row["body"], header(*of, row["commitment"], row["prev_hash"])]

    def _heads(self, hashed: Sequence[str]) -> Iterator[tuple[str, str]]:
        """The template's commitments and hashes, and those of the copy's chain."""
        before = GENESIS
        for n, row in enumerate(self._ledger):
            body, text = hashed[2 * n : 2 * n + 2]
            committed = commitment(row["salt"], body)
            yield row["commitment"], committed
            text = text.replace(row["commitment"], committed).replace(row["prev_hash"], before)
            before = sha256_hex(text.encode())
            yield row["hash"], before


def _told(secret: str) -> str:
    """As the ledger tells it."""
    return f"sha256:{sha256_hex(secret.encode())}"


def _as_text(name: str, value: Any) -> Any:
    return value.hex() if name in DIGESTS and isinstance(value, bytes) else value


def _as_kept(names: Sequence[str], row: Sequence[Any]) -> list[Any]:
    return [
        bytes.fromhex(value) if name in DIGESTS else value
        for name, value in zip(names, row, strict=True)
    ]


def _is_plain(value: Any) -> bool:
    return not isinstance(value, str)


def _write_sqlite(url: str, columns: dict[str, list[str]], chunks: Iterator[Rows]) -> None:
    with _connected(url) as connection:
        connection.execute("PRAGMA synchronous=OFF")  # nobody would miss it
        connection.execute("PRAGMA cache_size=-1000000")
        for rows in chunks:
            for table in columns:
                marks = ", ".join("?" for _ in columns[table])
                sql = f"INSERT INTO {table} ({', '.join(columns[table])}) VALUES ({marks})"  # noqa: S608 - our names
                connection.executemany(sql, map(partial(_as_kept, columns[table]), rows[table]))
            connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _write_postgresql(url: str, columns: dict[str, list[str]], chunks: Iterator[Rows]) -> None:
    with _connected(url) as connection:
        for rows in chunks:
            for table in columns:
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
