"""What the suites of dying servers share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.crash.crowd import REPLICAS, SERVER
from tests.doubles import postgres
from tests.processes import Nursery
from tests.stack import Database

FIGURES = pytest.StashKey[list[str]]()
Figure = Callable[[str], None]


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Where a suite says in one line what it did; the lines are printed at the end."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the figures, for docs/guarantees.md."""
    if lines := config.stash.get(FIGURES, []):
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Where all servers of this session come from."""
    with Nursery(tmp_path_factory.mktemp("nursery"), module=SERVER) as one:
        yield one


@pytest.fixture(params=list(REPLICAS))
def database(request: pytest.FixtureRequest) -> Database:
    """SQLite with one server, and PostgreSQL with two."""
    found: Database = request.param
    if found == "postgresql":
        postgres.drop(postgres.fresh())  # it runs before several threads ask for it at once
    return found
