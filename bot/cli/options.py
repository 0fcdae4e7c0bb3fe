"""What all commands share: the console, the options, and JSON on stdout."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.store.urls import sqlite_path
from countersign.bot.people import SettingsDirectory
from countersign.bot.settings.database import readable_on_the_way
from countersign.bot.settings.file import process_settings, reader
from countersign.bot.settings.reader import Reader
from countersign.bot.settings.run import LOCAL_DATABASE
from countersign.bot.settings.sections import Mode, ProcessSettings

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", help="The configuration; else COUNTERSIGN_CONFIG, else ./countersign.yaml."
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="How many at most.")]


def read_environment() -> ProcessSettings:
    """The COUNTERSIGN_ variables. Raises ConfigurationError."""
    return process_settings()


def database_url() -> str:
    """The database that the environment names. Raises ConfigurationError, also where a production
    server would not speak to it."""
    url = read_environment().database_url
    refuse_plain_text({"COUNTERSIGN_DATABASE_URL": url})
    if "COUNTERSIGN_DATABASE_URL" not in os.environ and not sqlite_path(url).exists():
        _point_to_local()
    return url


def _point_to_local() -> None:
    """Raise ConfigurationError if the only database of this folder is that of `countersign run`."""
    if LOCAL_DATABASE.is_file():
        raise ConfigurationError(
            [
                "COUNTERSIGN_DATABASE_URL: it is not set. The database of `countersign run` is "
                "here; this lets commands read it: export COUNTERSIGN_ENV=local "
                f"COUNTERSIGN_DATABASE_URL=sqlite:///./{LOCAL_DATABASE}"
            ]
        )


def refuse_plain_text(urls: Mapping[str, str]) -> None:
    """Raise ConfigurationError if, in production, what is said to one of these databases could be
    read on the way; the keys are what people call them."""
    process = read_environment()
    private = process.database_private_network or process.env is Mode.LOCAL
    problems = [
        problem
        for named, url in urls.items()
        for problem in readable_on_the_way(url, os.environ, private=private, named=named)
    ]
    if problems:
        raise ConfigurationError(problems)


def read_part(config: Path | None) -> Reader:
    """For commands that need a few sections and no secrets. Raises ConfigurationError."""
    return reader(config, complete=False)


def people_of(config: Path | None) -> SettingsDirectory | None:
    """The people of the configuration, whatever else is wrong in it; None if it cannot be read."""
    try:
        part = read_part(config)
    except ConfigurationError:
        return None
    people = part.people()
    return None if part.problems else SettingsDirectory(people)
