"""Prepared statements do what SQLAlchemy's own do, and fail as they fail."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Connection, bindparam, create_engine, func, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, OperationalError

from countersign.approvals import store
from countersign.approvals.store.dialects import postgresql
from countersign.approvals.store.prepared import SQLITE, Prepared, insertion, run
from countersign.approvals.store.schema import conversations
from countersign.approvals.store.sqlite_engine import sqlite_engine
from tests.doubles import postgres
from tests.doubles.database import fresh_database

INSERT = insertion(conversations, "principal_id")
KEYS = Prepared(select(conversations.c.key).order_by(conversations.c.key))
KIND = Prepared(select(conversations.c.kind).where(conversations.c.key == bindparam("of")))
RENAME = Prepared(
    update(conversations)
    .where(conversations.c.key == bindparam("of"), conversations.c.kind != "group")
    .values(kind=bindparam("to"), channel="teams")
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = sqlite_engine(fresh_database(tmp_path))
    with engine.connect() as connection, connection.begin():
        yield connection
    engine.dispose()


def row(key: str, kind: str = "personal") -> dict[str, str | None]:
    return {
        "key": key,
        "channel": "x",
        "kind": kind,
        "reference": "{}",
        "updated_at": "2026",
        "blocked_at": None,
        "blocked_reason": None,
    }


def test_rows_are_inserted_read_and_changed(connection: Connection) -> None:
    INSERT.run_each(connection, [row("b"), row("a"), row("c", "group")])
    changed = [RENAME.run(connection, of=key, to="channel") for key in ("a", "c", "missing")]

    assert [1, 0, 0] == changed
    assert [("a",), ("b",), ("c",)] == KEYS.all(connection)
    assert ("channel",) == KIND.first(connection, of="a")
    assert ("group",) == KIND.first(connection, of="c")
    assert KIND.first(connection, of="missing") is None
    assert ["teams", "x", "x"] == [
        row[0] for row in connection.execute(select(conversations.c.channel).order_by("key"))
    ]


def test_broken_rule_is_raised_as_sqlalchemy_raises_it_without_the_values(
    connection: Connection,
) -> None:
    INSERT.run(connection, **row("secret"))
    with pytest.raises(IntegrityError) as raised:
        INSERT.run(connection, **row("secret"))

    assert "secret" not in str(raised.value)

    with pytest.raises(IntegrityError) as raised:
        INSERT.run_each(connection, [row("other"), row("secret")])

    assert "secret" not in str(raised.value)


def test_error_of_postgresql_is_raised_as_sqlalchemy_raises_it() -> None:
    url = postgres.borrow()
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        INSERT.run(connection, **row("secret"))
        with pytest.raises(IntegrityError) as raised:
            INSERT.run(connection, **row("secret"))
    engine.dispose()
    postgres.give_back(url)

    assert "parameters hidden" in str(raised.value)


def test_failing_statement_is_raised_as_sqlalchemy_raises_it(connection: Connection) -> None:
    with pytest.raises(OperationalError, match="nowhere"):
        run(connection, "SELECT * FROM nowhere")


def test_row_that_cannot_be_read_is_raised_as_sqlalchemy_raises_it(connection: Connection) -> None:
    INSERT.run_each(connection, [row("a"), row("b")])
    failing = Prepared(
        select(func.json_extract(conversations.c.reference, "$.a")).order_by(conversations.c.key)
    )
    connection.execute(
        update(conversations).where(conversations.c.key == "b").values(reference="{")
    )

    with pytest.raises(OperationalError, match="malformed"):
        failing.all(connection)


def test_statement_whose_text_depends_on_its_values_is_refused() -> None:
    either = Prepared(select(conversations.c.key).where(conversations.c.kind.in_(["a", "b"])))
    with pytest.raises(TypeError, match="cannot be prepared"):
        either.compiled(SQLITE)


def every_module() -> list[ModuleType]:
    """All of the store."""
    names = (module.name for module in pkgutil.iter_modules(store.__path__))
    return [importlib.import_module(f"{store.__name__}.{name}") for name in names]


def test_every_statement_there_is_can_be_prepared_for_both_databases() -> None:
    """Each is compiled when it is first run, which may be on a rare path."""
    found = [
        (module.__name__, name, value)
        for module in every_module()
        for name, value in vars(module).items()
        if isinstance(value, Prepared)
    ]
    for _, _, statement in found:
        statement.compiled(SQLITE)
        statement.compiled(postgresql().dialect())

    assert 60 < len(found)
