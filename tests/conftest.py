"""What holds for all tests."""

from __future__ import annotations

import pytest
import structlog
from structlog.dev import ConsoleRenderer, plain_traceback

PROCESSORS = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.dev.set_exc_info,
    ConsoleRenderer(colors=False, exception_formatter=plain_traceback),
]


@pytest.fixture(autouse=True)
def plain_log() -> None:
    """Log lines that are quick to write: the default renderer takes a second to draw a
    traceback. Tests that set up logging themselves do so after this."""
    structlog.configure(processors=PROCESSORS, cache_logger_on_first_use=False)
