"""Prepared statements: built once and run often.

Building a statement and its result costs SQLAlchemy about 100 µs of CPU, SQLite about 5 to run it
(docs/adr/0010-prepared-statements.md). So what every session passes through is compiled to text
once per database and handed to the driver without a detour. Errors are SQLAlchemy's, and so are
packed columns (`schema.columns.Packed`): text comes in and goes out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ClauseElement, Connection, Dialect, Table, bindparam
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

from countersign.approvals.store.error_redaction import make_terse
from countersign.approvals.store.schema.columns import Packed

SQLITE = sqlite.dialect(paramstyle="named")
Parameters = Mapping[str, Any]
T = TypeVar("T")
NONE: Parameters = {}


class Compiled(NamedTuple):
    """A statement as one database takes it."""

    text: str
    constants: Parameters
    """The values that stand in it beside the parameters."""
    packs: Sequence[tuple[str, Callable[[Any], Any]]] = ()
    """How parameters are stored that are not stored as they are."""
    unpacks: Sequence[tuple[int, Callable[[Any], Any]]] = ()
    """And how such columns of a row are read."""

    def given(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """All values, as they are stored."""
        for name, pack in self.packs:
            parameters[name] = pack(parameters[name])
        parameters.update(self.constants)
        return parameters

    def read(self, row: Sequence[Any]) -> Sequence[Any]:
        """A row, as it is to be read."""
        values = [*row]
        for at, unpack in self.unpacks:
            values[at] = unpack(values[at])
        return tuple(values)


class Prepared:
    """One statement, compiled when it is first run. Parameters are given by the names of its
    `bindparam`s.

    `postgresql` makes the same one, where that database has a construct of its own for it.
    """

    def __init__(
        self, statement: ClauseElement, *, postgresql: Callable[[], ClauseElement] | None = None
    ):
        self._statement, self._postgresql = statement, postgresql
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, dialect: Dialect) -> Compiled:
        """As this database takes it. Raises TypeError if it cannot be prepared."""
        own = None if dialect.name == "sqlite" else self._postgresql
        return _compiled(self._statement if own is None else own(), dialect)

    @cached_property
    def _sqlite(self) -> Compiled:
        return self.compiled(SQLITE)

    def all(self, connection: Connection, **parameters: Any) -> Sequence[Sequence[Any]]:
        """Every row, as values in the order of the columns."""
        if connection.dialect.name != "sqlite":
            return self._elsewhere(connection, parameters).fetchall()  # type: ignore[no-any-return]
        given = self._sqlite.given(parameters)
        try:
            rows = run(connection, self._sqlite.text, given).fetchall()
        except sqlite3.Error as exc:  # only the first row is read at once
            raise _wrapped(exc, self._sqlite.text, given) from exc
        return [self._sqlite.read(row) for row in rows] if self._sqlite.unpacks else rows

    def first(self, connection: Connection, **parameters: Any) -> Sequence[Any] | None:
        """The first row."""
        if connection.dialect.name != "sqlite":
            found: tuple[Any, ...] | None = self._elsewhere(connection, parameters).fetchone()
            return found
        row = run(connection, self._sqlite.text, self._sqlite.given(parameters)).fetchone()
        return self._sqlite.read(row) if row is not None and self._sqlite.unpacks else row

    def run(self, connection: Connection, **parameters: Any) -> int:
        """Change rows; returns how many."""
        if connection.dialect.name != "sqlite":
            return self._elsewhere(connection, parameters).rowcount  # type: ignore[no-any-return]
        return run(connection, self._sqlite.text, self._sqlite.given(parameters)).rowcount

    def run_each(self, connection: Connection, rows: Iterable[Parameters]) -> int:
        """Run it with the parameters of each row, at once; returns how many rows it changed."""
        given = list(rows)
        if len(given) < 2:
            return sum(self.run(connection, **row) for row in given)
        if connection.dialect.name != "sqlite":
            return self._elsewhere(connection, *given).rowcount  # type: ignore[no-any-return]
        each = [self._sqlite.given({**row}) for row in given]
        text = self._sqlite.text
        driver: Any = connection.connection.dbapi_connection
        try:
            return driver.executemany(text, each).rowcount  # type: ignore[no-any-return]
        except sqlite3.Error as exc:
            raise _wrapped(exc, text, each[0]) from exc

    def _elsewhere(self, connection: Connection, *rows: Parameters) -> Any:
        """Run it on another database; returns the driver's cursor, with every row in memory."""
        dialect = connection.dialect
        if dialect.name not in self._compiled:
            self._compiled[dialect.name] = self.compiled(dialect)
        text, constants, *_ = self._compiled[dialect.name]
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


def _compiled(statement: ClauseElement, dialect: Dialect) -> Compiled:
    compiled = statement.compile(dialect=dialect)
    # Lists in IN, defaults made in Python and places without names are only known at each call.
    if not isinstance(compiled, SQLCompiler) or (
        compiled.positional or compiled.prefetch or compiled.post_compile_params
    ):
        raise TypeError(f"This cannot be prepared for {dialect.name}: {statement}")
    given = {bind.key for bind in compiled.binds.values() if bind.required}
    values = compiled.construct_params(_check=False)
    constants = {name: value for name, value in values.items() if name not in given}
    if dialect.name != "sqlite":  # which alone keeps columns otherwise
        return Compiled(compiled.string, constants)
    named = ((name, bind.type) for bind, name in compiled.bind_names.items())
    packs = {name: kind.pack for name, kind in _packed(named)}
    read = enumerate(column.type for column in compiled._result_columns)
    return Compiled(
        compiled.string,
        {name: packs.get(name, _as_it_is)(value) for name, value in constants.items()},
        [(name, pack) for name, pack in packs.items() if name in given],
        [(at, kind.unpack) for at, kind in _packed(read)],
    )


def _packed(kinds: Iterable[tuple[T, Any]]) -> list[tuple[T, Packed]]:
    return [(of, kind) for of, kind in kinds if isinstance(kind, Packed)]


def _as_it_is(value: Any) -> Any:
    return value
