"""A production server speaks to its database in a way that nobody else can read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from countersign.bot.settings.database import readable_on_the_way
from countersign.bot.settings.sections import Mode
from tests.bot.settings.test_settings import ENVIRON, good, load, problems

FAR = "postgresql://countersign@db.example.com/countersign"
AT_HOME = [
    "sqlite:///./countersign.db",
    "postgresql://me@localhost/x",
    "postgresql://me@127.0.0.1:5432/x",
    "postgresql://me@[::1]:5432/x",
    "postgresql://me@/x",
    "postgresql://me@/x?host=/var/run/postgresql",
    "postgresql://me@/x?host=localhost:5432&host=127.0.0.1:5433",
]
READABLE = [
    FAR,
    f"{FAR}?sslmode=prefer",
    f"{FAR}?sslmode=allow",
    f"{FAR}?sslmode=disable",
    f"{FAR}?sslmode=",
    f"{FAR}?sslmode=require&sslmode=disable",
    "postgresql://me@localhost.example.com/x",
    "postgresql://me@127.0.0.1.example.com/x",
    "postgresql://me@10.0.0.5/x",
    "postgresql://me@[fd00::5]/x",
    "postgresql://me@/x?host=localhost&host=db2",
    "postgresql://me@/x?host=localhost,db2",
    "postgresql://me@localhost/x?hostaddr=10.0.0.5",
    "postgresql://me@/x?service=elsewhere",
]


@pytest.mark.parametrize("url", AT_HOME)
def test_on_this_machine_there_is_no_way(url: str) -> None:
    assert [] == readable_on_the_way(url, {}, private=False)


@pytest.mark.parametrize("url", READABLE)
def test_what_could_be_read_is_refused_and_says_what_to_do(url: str) -> None:
    (said,) = readable_on_the_way(url, {}, private=False)

    assert said.startswith("COUNTERSIGN_DATABASE_URL: ")
    assert "sslmode=verify-full" in said
    assert "COUNTERSIGN_DATABASE_PRIVATE_NETWORK=true" in said


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_what_is_encrypted_is_taken(mode: str) -> None:
    assert [] == readable_on_the_way(f"{FAR}?sslmode={mode}", {}, private=False)
    assert [] == readable_on_the_way(FAR, {"PGSSLMODE": mode}, private=False)


@pytest.mark.parametrize(
    ("url", "environ"),
    [
        ("postgresql:///x", {"PGHOST": "db.example.com"}),
        ("postgresql:///x", {"PGHOSTADDR": "10.0.0.5"}),
        ("postgresql:///x", {"PGSERVICE": "elsewhere"}),
        (FAR, {"PGSSLMODE": "prefer"}),
        (f"{FAR}?sslmode=disable", {"PGSSLMODE": "require"}),
    ],
)
def test_what_the_environment_says_counts_where_the_url_says_nothing(
    url: str, environ: Mapping[str, str]
) -> None:
    assert 1 == len(readable_on_the_way(url, environ, private=False))


def test_a_private_network_is_said_to_be_one() -> None:
    assert [] == readable_on_the_way(FAR, {}, private=True)


def test_a_production_server_refuses_it_and_a_local_one_does_not(tmp_path: Path) -> None:
    said = problems(tmp_path, good(), database_url=FAR)
    private = load(tmp_path, good(), database_url=FAR, database_private_network=True)
    encrypted = load(
        tmp_path, good(), database_url=FAR, environ={**ENVIRON, "PGSSLMODE": "require"}
    )

    assert "COUNTERSIGN_DATABASE_URL: decisions would go" in said
    assert FAR == private.database_url == encrypted.database_url
    assert FAR == load(tmp_path, good(), database_url=FAR, mode=Mode.LOCAL).database_url
