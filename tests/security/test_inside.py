"""What is wrong with the database is for operators: nobody outside reads paths and statements."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from http import HTTPStatus
from importlib import import_module
from pathlib import Path

import pytest

from countersign.approvals.errors import StoreUnavailableError, UnavailableError
from countersign.bot.http.problems import of_error
from tests.contracts.test_store import adding
from tests.doubles.database import fresh_database, sqlite_store


@pytest.mark.asyncio
async def test_a_database_that_is_locked_is_named_to_operators_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = import_module("countersign.approvals.store.sqlite_engine")
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 10)
    path = fresh_database(tmp_path)
    async with sqlite_store(path) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailableError) as caught:
                await store.write(adding("k"))
        answer = of_error(caught.value)

    assert f"The database {path} cannot be written: database is locked" == str(caught.value)
    assert HTTPStatus.SERVICE_UNAVAILABLE == answer.status
    assert isinstance(answer.text, str)
    assert "The database cannot be used now." in answer.text
    assert str(tmp_path) not in answer.text
    assert "locked" not in answer.text


def test_what_a_system_around_us_said_is_told() -> None:
    answer = of_error(UnavailableError("Jira cannot be reached.", retry_after_s=7))

    assert isinstance(answer.text, str)
    assert "Jira cannot be reached." in answer.text
    assert "7" == answer.headers["Retry-After"]
