"""Finds and reads `countersign.yaml`, and says everything that is wrong with it in one go."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from countersign.approvals.errors import ConfigurationError
from countersign.bot import systems as known
from countersign.bot.settings.problems import message
from countersign.bot.settings.reader import Reader
from countersign.bot.settings.sections import ProcessSettings, Settings
from countersign.bot.settings.yaml import parse
from countersign.connectors.system import System

DEFAULT_FILE = Path("countersign.yaml")
Adjust = Callable[[dict[str, Any]], None]


def process_settings() -> ProcessSettings:
    """The COUNTERSIGN_ variables. Raises ConfigurationError naming the variable."""
    try:
        return ProcessSettings()
    except ValidationError as exc:
        raise ConfigurationError(
            [f"COUNTERSIGN_{str(e['loc'][0]).upper()}: {message(e)}" for e in exc.errors()]
        ) from exc


def find(config: Path | None, process: ProcessSettings) -> Path:
    """The file to read: `--config`, else COUNTERSIGN_CONFIG, else ./countersign.yaml."""
    path = config or process.config or DEFAULT_FILE
    if not path.is_file():
        raise ConfigurationError(
            [f"{path}: there is no such file; pass --config FILE or set COUNTERSIGN_CONFIG."]
        )
    return path


def reader(
    config: Path | None = None,
    *,
    process: ProcessSettings | None = None,
    environ: Mapping[str, str] | None = None,
    adjust: Adjust | None = None,
    systems: Sequence[System[Any]] | None = None,
    complete: bool = True,
) -> Reader:
    """For those who need a part of the file. Raises ConfigurationError if it cannot be read."""
    process = process or process_settings()
    path = find(config, process)
    document = parse(path)
    if adjust is not None:
        adjust(document)
    environ = os.environ if environ is None else environ
    known_here = systems or known.SYSTEMS
    return Reader(document, str(path), process, environ, known_here, complete=complete)


def load_settings(
    config: Path | None = None,
    *,
    process: ProcessSettings | None = None,
    environ: Mapping[str, str] | None = None,
    adjust: Adjust | None = None,
    systems: Sequence[System[Any]] | None = None,
    complete: bool = True,
) -> Settings:
    """Read the file and the environment. `adjust` may change the parsed file first (the demo does);
    `systems` are those that there may be, else all of `bot.systems`; without `complete` they are
    settings to look at, with which no server can run.

    Raises ConfigurationError with every problem.
    """
    how: dict[str, Any] = {
        "process": process,
        "environ": environ,
        "adjust": adjust,
        "systems": systems,
        "complete": complete,
    }
    settings = reader(config, **how).settings()
    reread = partial(load_settings, Path(settings.source), **how)
    return settings.model_copy(update={"reread": reread})
