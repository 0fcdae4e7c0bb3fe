"""What holds for all tests."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
import structlog
from structlog.dev import ConsoleRenderer, plain_traceback

import countersign.bot.systems  # noqa: F401 - so that systems have their words wherever they stand

ROOT = Path(__file__).parent
NOT_MEASURED = {"bench", "scenarios", "security"}
"""Folders of tests that need not cover anything: what they run together has tests of its own, and
measuring takes as long again as running."""
MEASURED = {"test_demo.py"}
"""But these are the tests of what they run, the demo."""
PROCESSORS = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.dev.set_exc_info,
    ConsoleRenderer(colors=False, exception_formatter=plain_traceback),
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell pytest-cov what it need not measure."""
    for item in items:
        folder, *_ = item.path.relative_to(ROOT).parts
        if folder in NOT_MEASURED and item.path.name not in MEASURED:
            item.add_marker("no_cover")


def pytest_collection_finish() -> None:
    """Whatever was imported stays: do not look through it again and again for garbage."""
    gc.freeze()


@pytest.fixture(autouse=True)
def plain_log() -> None:
    """Log lines that are quick to write: the default renderer takes a second to draw a
    traceback. Tests that set up logging themselves do so after this."""
    structlog.reset_defaults()  # a level that a test before this one has set
    structlog.configure(processors=PROCESSORS, cache_logger_on_first_use=False)
