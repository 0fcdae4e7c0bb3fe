"""What a page reads: its statements, run once more by a database that says what they cost."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import make_url

from countersign.approvals.store import prepared
from countersign.approvals.store.prepared import Prepared

Statement = tuple[str, Any]


@contextmanager
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Statement]]:
    """Every statement that reads, with its values, whoever runs it."""
    found: list[Statement] = []

    def keep(text: str, values: Any) -> None:
        if text.lstrip().upper().startswith(("SELECT", "WITH")):
            found.append((text, values))

    def keep_plain(*args: Any) -> None:
        keep(args[2], args[3])

    plain, elsewhere = prepared.run, Prepared._elsewhere

    def keep_prepared(to: Connection, text: str, values: Any = prepared.NONE) -> Any:
        keep(text, dict(values))
        return plain(to, text, values)

    def keep_elsewhere(self: Prepared, to: Connection, values: Mapping[str, Any]) -> Any:
        made = elsewhere(self, to, values)
        compiled = self._compiled[to.dialect.name]
        keep(compiled.text, {**compiled.constants, **values})
        return made

    event.listen(Engine, "before_cursor_execute", keep_plain)
    with monkeypatch.context() as patch:
        patch.setattr(prepared, "run", keep_prepared)
        patch.setattr(Prepared, "_elsewhere", keep_elsewhere)
        yield found
    event.remove(Engine, "before_cursor_execute", keep_plain)


def costs(url: str) -> Callable[[Sequence[Statement]], int]:
    """How to say what statements cost on this database: on SQLite hundreds of its instructions, on
    PostgreSQL rows that were read."""
    return _instructions(url) if url.startswith("sqlite") else _rows(url)


def _instructions(url: str) -> Callable[[Sequence[Statement]], int]:
    def cost(statements: Sequence[Statement]) -> int:
        count = 0

        def tick() -> None:
            nonlocal count
            count += 1

        with closing(sqlite3.connect(str(make_url(url).database))) as connection:
            connection.set_progress_handler(tick, 100)
            for text, values in statements:
                connection.execute(text, values).fetchall()
        return count

    return cost


def _rows(url: str) -> Callable[[Sequence[Statement]], int]:
    def cost(statements: Sequence[Statement]) -> int:
        count = 0
        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as connection:
            for text, values in statements:
                explain: Any = f"EXPLAIN (ANALYZE, FORMAT JSON) {text}"
                (plan,) = connection.execute(explain, values).fetchone() or (None,)
                found = json.loads(plan) if isinstance(plan, str) else plan
                count += sum(_read(node) for node in _nodes(found[0]["Plan"]))
        return count

    return cost


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _read(node: Mapping[str, Any]) -> int:
    if "Scan" not in node["Node Type"]:
        return 0
    removed = node.get("Rows Removed by Filter", 0)
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])
