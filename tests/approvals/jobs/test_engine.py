"""The tables of Procrastinate: brought by a migration, and those that this version calls."""

from __future__ import annotations

from importlib.metadata import version

import psycopg
import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.store import doorbells, engine_of, upgrade
from countersign.approvals.store.revision import HEAD, current_revision
from tests.doubles import postgres


def test_installed_version_is_the_one_whose_tables_we_make() -> None:
    with psycopg.connect(postgres.fresh()) as connection:
        made = connection.execute("SELECT version FROM job_engine").fetchone()

    assert made is not None
    assert version("procrastinate").startswith(f"{made[0]}.")


def test_every_function_that_is_called_is_there() -> None:
    engine = engine_of(postgres.fresh())
    with engine.connect() as connection:
        missing = doorbells.missing_functions(connection)
    engine.dispose()

    assert [] == missing


def test_database_that_has_procrastinate_already_keeps_it() -> None:
    url = postgres.empty()
    with psycopg.connect(url) as connection:
        connection.execute(doorbells.schema_sql())
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('a', 't')"
        )
    upgrade(url)
    with psycopg.connect(url) as connection:
        kept = connection.execute("SELECT queue_name, status FROM procrastinate_jobs").fetchall()

    assert [("a", "todo")] == kept


def test_database_with_another_version_is_refused_and_left_as_it_is() -> None:
    url = postgres.empty()
    with psycopg.connect(url) as connection:
        connection.execute(doorbells.schema_sql())
        connection.execute("DROP FUNCTION procrastinate_fetch_job_v2")
    with pytest.raises(ConfigurationError, match=r"fetch_job_v2.*is missing"):
        upgrade(url)
    engine = engine_of(url)
    revision = current_revision(engine)
    engine.dispose()

    assert revision is None


def test_upgrading_twice_makes_the_tables_once() -> None:
    url = postgres.empty()
    upgrade(url)
    upgrade(url)
    engine = engine_of(url)
    revision = current_revision(engine)
    engine.dispose()

    assert HEAD == revision
