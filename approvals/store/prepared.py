"""Statements that are written once and run often, without being built anew at every call.

Building a statement and its result costs SQLAlchemy about 100 µs of CPU, SQLite about 5 to run it
(docs/adr/0010-prepared-statements.md). So what every session passes through is compiled to text
once per database. SQLite then runs it without a detour; on other databases it goes through
SQLAlchemy, which knows when a connection is lost. Errors are SQLAlchemy's on both.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ClauseElement, Connection, CursorResult, Dialect, Table, bindparam
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

SQLITE = sqlite.dialect(paramstyle="named")
Parameters = Mapping[str, Any]
NONE: Parameters = {}


class Prepared:
    """One statement. Parameters are given by the names of its `bindparam`s.

    `postgresql` is the same one, where that database has a construct of its own for it.
    """

    def __init__(self, statement: ClauseElement, *, postgresql: ClauseElement | None = None):
        self._statement = statement if postgresql is None else postgresql
        self._sqlite, self._constants = _compiled(statement, SQLITE)
        self._elsewhere: dict[str, tuple[str, Parameters]] = {}

    def all(self, connection: Connection, **parameters: Any) -> Sequence[Sequence[Any]]:
        """Every row, as values in the order of the columns."""
        if connection.dialect.name != "sqlite":
            return self._through_sqlalchemy(connection, parameters).all()
        parameters.update(self._constants)
        try:
            return run(connection, self._sqlite, parameters).fetchall()
        except sqlite3.Error as exc:  # only the first row is read at once
            raise _wrapped(exc, self._sqlite, parameters) from exc

    def first(self, connection: Connection, **parameters: Any) -> Sequence[Any] | None:
        """The first row."""
        if connection.dialect.name != "sqlite":
            return self._through_sqlalchemy(connection, parameters).first()
        parameters.update(self._constants)
        row: tuple[Any, ...] | None = run(connection, self._sqlite, parameters).fetchone()
        return row

    def run(self, connection: Connection, **parameters: Any) -> int:
        """Change rows; returns how many."""
        if connection.dialect.name != "sqlite":
            return self._through_sqlalchemy(connection, parameters).rowcount
        parameters.update(self._constants)
        return run(connection, self._sqlite, parameters).rowcount

    def run_each(self, connection: Connection, rows: Iterable[Parameters]) -> None:
        """Run it once with the parameters of each row."""
        for row in rows:
            self.run(connection, **row)

    def _through_sqlalchemy(
        self, connection: Connection, parameters: Parameters
    ) -> CursorResult[Any]:
        dialect = connection.dialect
        if dialect.name not in self._elsewhere:
            self._elsewhere[dialect.name] = _compiled(self._statement, dialect)
        text, constants = self._elsewhere[dialect.name]
        return connection.exec_driver_sql(text, {**constants, **parameters})


def run(connection: Connection, text: str, parameters: Parameters = NONE) -> sqlite3.Cursor:
    """Run it on SQLite itself. Raises what SQLAlchemy raises."""
    driver: Any = connection.connection.dbapi_connection
    try:
        cursor: sqlite3.Cursor = driver.execute(text, parameters)
    except sqlite3.Error as exc:
        raise _wrapped(exc, text, parameters) from exc
    return cursor


def _wrapped(exc: sqlite3.Error, text: str, parameters: Parameters) -> BaseException:
    wrapped = DBAPIError.instance(text, dict(parameters), exc, sqlite3.Error, hide_parameters=True)
    return wrapped if isinstance(wrapped, DBAPIError) else exc


def insertion(table: Table, *without: str) -> Prepared:
    """The insertion of one row, with a parameter for every column but those `without`."""
    names = [column.name for column in table.c if column.name not in without]
    return Prepared(table.insert().values({name: bindparam(name) for name in names}))


def _compiled(statement: ClauseElement, dialect: Dialect) -> tuple[str, Parameters]:
    """Its text, and the values that stand in it beside the parameters."""
    compiled = statement.compile(dialect=dialect)
    # Lists in IN, defaults made in Python and places without names are only known at each call.
    if not isinstance(compiled, SQLCompiler) or (
        compiled.positional or compiled.prefetch or compiled.post_compile_params
    ):
        raise TypeError(f"This cannot be prepared for {dialect.name}: {statement}")
    given = {bind.key for bind in compiled.binds.values() if bind.required}
    values = compiled.construct_params(_check=False)
    return compiled.string, {name: v for name, v in values.items() if name not in given}
