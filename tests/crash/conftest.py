"""What the suites of dying servers share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import pytest

from tests.crash.crowd import REPLICAS, SERVER
from tests.doubles import postgres
from tests.processes import Nursery
from tests.stack import Database

FIGURE = "figure"
Figure = Callable[[str], None]


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Where a suite says in one line what it did; the lines are printed at the end, by whichever
    process runs the tests of the others."""
    return functools.partial(record_property, FIGURE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures, for docs/guarantees.md."""
    reports = [found for some in terminalreporter.stats.values() for found in some]
    lines = [
        str(value)
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == FIGURE
    ]
    if lines:
        terminalreporter.section("figures")
    for line in sorted(lines):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def nursery(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Nursery]:
    """Where all servers of this session come from."""
    shared = any("postgresql" in item.name for item in request.session.items)
    databases = [postgres.fresh()] if shared else []
    folder = tmp_path_factory.mktemp("nursery")
    with Nursery(folder, module=SERVER, arguments=databases) as one:
        yield one


@pytest.fixture(params=list(REPLICAS))
def database(request: pytest.FixtureRequest) -> Database:
    """SQLite with one server, and PostgreSQL with two."""
    found: Database = request.param
    if found == "postgresql":
        postgres.drop(postgres.fresh())  # it runs before several threads ask for it at once
    return found
