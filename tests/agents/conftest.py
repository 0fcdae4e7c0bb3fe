"""Settings and fixtures of the gate's tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

NOT_OURS = [
    # AutoGen's own calls of deprecated functions of jsonschema and pydantic.
    "ignore::DeprecationWarning:autogen.*",
    # AutoGen warns when a test registers a tool twice, or finds no reply to summarise.
    "ignore::UserWarning:autogen.*",
    # pyautogen 0.9 looks for Docker and leaves its socket open where there is none.
    r"ignore:unclosed <socket.socket fd=\d+, family=1, type=1, proto=0>:ResourceWarning",
]


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors, but not those in code that we do not own."""
    for line in NOT_OURS:
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture(params=["fake", "sqlite"])
def office(request: pytest.FixtureRequest) -> str:
    """The store a test runs on: the fake in memory, and the real one."""
    return str(request.param)


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    """No log lines: the default renderer takes seconds to draw the traceback of a failed chat."""
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=silent, cache_logger_on_first_use=False)
    yield
    structlog.reset_defaults()
