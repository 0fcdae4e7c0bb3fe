"""Prepared statements: built once and run often.

Building a statement and its result costs SQLAlchemy about 100 µs of CPU, SQLite about 5 to run it
(docs/adr/0010-prepared-statements.md). So what every session passes through is compiled to text
once per database and handed to the driver without a detour. Errors are SQLAlchemy's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ClauseElement, Connection, Dialect, Table, bindparam
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

from countersign.approvals.store.error_redaction import make_terse

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
        self._compiled: dict[str, tuple[str, Parameters]] = {}

    def all(self, connection: Connection, **parameters: Any) -> Sequence[Sequence[Any]]:
        """Every row, as values in the order of the columns."""
        if connection.dialect.name != "sqlite":
            return self._elsewhere(connection, parameters).fetchall()  # type: ignore[no-any-return]
        parameters.update(self._constants)
        try:
            return run(connection, self._sqlite, parameters).fetchall()
        except sqlite3.Error as exc:  # only the first row is read at once
            raise _wrapped(exc, self._sqlite, parameters) from exc

    def first(self, connection: Connection, **parameters: Any) -> Sequence[Any] | None:
        """The first row."""
        if connection.dialect.name != "sqlite":
            cursor = self._elsewhere(connection, parameters)
        else:
            parameters.update(self._constants)
            cursor = run(connection, self._sqlite, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row

    def run(self, connection: Connection, **parameters: Any) -> int:
        """Change rows; returns how many."""
        if connection.dialect.name != "sqlite":
            return self._elsewhere(connection, parameters).rowcount  # type: ignore[no-any-return]
        parameters.update(self._constants)
        return run(connection, self._sqlite, parameters).rowcount

    def run_each(self, connection: Connection, rows: Iterable[Parameters]) -> int:
        """Run it with the parameters of each row, at once; returns how many rows it changed."""
        given = list(rows)
        if len(given) < 2:
            return sum(self.run(connection, **row) for row in given)
        if connection.dialect.name != "sqlite":
            return self._elsewhere(connection, *given).rowcount  # type: ignore[no-any-return]
        each = [{**row, **self._constants} for row in given]
        driver: Any = connection.connection.dbapi_connection
        try:
            return driver.executemany(self._sqlite, each).rowcount  # type: ignore[no-any-return]
        except sqlite3.Error as exc:
            raise _wrapped(exc, self._sqlite, each[0]) from exc

    def _elsewhere(self, connection: Connection, *rows: Parameters) -> Any:
        """Run it on another database; returns the driver's cursor, with every row in memory."""
        dialect = connection.dialect
        if dialect.name not in self._compiled:
            self._compiled[dialect.name] = _compiled(self._statement, dialect)
        text, constants = self._compiled[dialect.name]
        values = [{**constants, **row} for row in rows]
        driver: Any = connection.connection
        cursor = driver.cursor()
        try:
            if len(values) == 1:
                cursor.execute(text, values[0])
            else:
                cursor.executemany(text, values)
        except Exception as exc:
            # If the connection is lost, SQLAlchemy finds that out when it rolls back.
            raise _wrapped(exc, text, values[0], dialect) from exc
        return cursor


def run(connection: Connection, text: str, parameters: Parameters = NONE) -> sqlite3.Cursor:
    """Run it on SQLite itself. Raises what SQLAlchemy raises."""
    driver: Any = connection.connection.dbapi_connection
    try:
        cursor: sqlite3.Cursor = driver.execute(text, parameters)
    except sqlite3.Error as exc:
        raise _wrapped(exc, text, parameters) from exc
    return cursor


def _wrapped(
    exc: Exception, text: str, parameters: Parameters, dialect: Dialect = SQLITE
) -> BaseException:
    make_terse(exc)
    driver: Any = sqlite3 if dialect is SQLITE else dialect.loaded_dbapi
    return DBAPIError.instance(
        text, dict(parameters), exc, driver.Error, hide_parameters=True, dialect=dialect
    )


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
