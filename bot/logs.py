"""One structured line per state change, on stderr: text for a terminal, JSON for a collector."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog


def configure(*, json_lines: bool | None = None, level: int = logging.INFO) -> None:
    """Send structlog and the standard library's warnings to stderr.

    `json_lines` None means JSON unless stderr is a terminal. stdout stays free for results.
    """
    stream: TextIO = sys.stderr
    as_json = not stream.isatty() if json_lines is None else json_lines
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_json:
        shared.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries speak up only when something is wrong: their INFO lines repeat ours.
    root.setLevel(max(level, logging.WARNING))
