"""One structured line per state change, on stderr: text for a terminal, JSON for a collector."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog

from countersign.bot.observability.redaction import Redactor

REPEATS_ITSELF = ("psycopg.pool",)
"""Warns of each attempt while a database is away; our own lines say it once."""


def configure(
    *, json_lines: bool | None = None, level: int = logging.INFO, redactor: Redactor | None = None
) -> None:
    """Send structlog and the standard library's warnings to stderr.

    `json_lines` None means JSON unless stderr is a terminal. stdout stays free for results. No
    line is written to know a secret; `redactor` is the second line of defence.
    """
    stream: TextIO = sys.stderr
    as_json = not stream.isatty() if json_lines is None else json_lines
    plain: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        # Not rich's traceback, which is the default: it shows local variables, with any secret.
        else structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    renderer = (redactor or Redactor(())).around(plain)
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
    for name in REPEATS_ITSELF:
        logging.getLogger(name).setLevel(logging.ERROR)
