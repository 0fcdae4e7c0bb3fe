"""`countersign db`, and what a server says to a database that is not on its schema."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url
from typer import Typer
from typer.testing import CliRunner

from countersign.approvals.errors import ConfigurationError, ConflictError
from countersign.approvals.store import open_store
from countersign.approvals.store.revision import HEAD
from countersign.bot.cli.db import database
from countersign.bot.cli.ledger import ledger
from tests.bot.api_world import running
from tests.doubles import postgres


@pytest.fixture
def filled(tmp_path: Path) -> str:
    """The URL of an SQLite database with one approved request."""

    async def fill() -> None:
        async with running(tmp_path) as world:
            await world.vote(await world.waiting())

    asyncio.run(fill())
    return f"sqlite:///{tmp_path}/countersign.db"


def test_copy_says_what_it_did(filled: str) -> None:
    target = postgres.fresh()
    done = CliRunner().invoke(database, ["copy", filled, target])

    assert 0 == done.exit_code, done.output
    assert "  sessions: 1 rows\n" in done.output
    assert "  requests: 1 rows\n" in done.output
    assert "ledger entries verified" in done.output
    assert "let COUNTERSIGN_DATABASE_URL name postgresql://" in done.output


def test_copy_that_is_refused_says_so(filled: str) -> None:
    target = postgres.fresh()
    CliRunner().invoke(database, ["copy", filled, target])
    refused = CliRunner().invoke(database, ["copy", filled, target])

    assert isinstance(refused.exception, ConflictError)
    assert "has rows already" in str(refused.exception)


FAR = "postgresql://me@db.invalid/x"


@pytest.mark.parametrize(
    ("app", "command", "named"),
    [
        (database, ["upgrade"], ["COUNTERSIGN_DATABASE_URL"]),
        (database, ["copy", "sqlite:///./here.db", FAR], ["TARGET"]),
        (database, ["copy", FAR, FAR], ["SOURCE", "TARGET"]),
        (ledger, ["verify"], ["COUNTERSIGN_DATABASE_URL"]),
    ],
)
def test_plain_text_to_another_machine_is_refused_in_production(
    monkeypatch: pytest.MonkeyPatch, app: Typer, command: list[str], named: list[str]
) -> None:
    monkeypatch.setenv("COUNTERSIGN_ENV", "production")
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", FAR)
    refused = CliRunner().invoke(app, command).exception

    assert isinstance(refused, ConfigurationError)
    assert named == [problem.partition(":")[0] for problem in refused.problems]


def test_upgrade_makes_the_tables_of_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    url = postgres.empty()
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", url)
    done = CliRunner().invoke(database, ["upgrade"])

    assert 0 == done.exit_code, done.output
    assert f"{make_url(url).database} is up to date" in done.output


@pytest.mark.parametrize(
    ("revision", "advice"),
    [
        (None, "Run `countersign db upgrade`"),
        ("0002", f"has schema 0002, this version needs {HEAD}"),
        ("9999", "Install the newer Countersign"),
    ],
)
async def test_server_refuses_another_schema_and_says_what_to_do(
    revision: str | None, advice: str
) -> None:
    url = postgres.empty() if revision is None else postgres.fresh()
    if revision is not None:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE alembic_version SET version_num = %s", [revision])
    with pytest.raises(ConfigurationError) as caught:
        async with open_store(url):
            raise AssertionError("the store was opened")

    assert advice in str(caught.value)
