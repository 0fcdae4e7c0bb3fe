"""What all commands share: the console, the options, and JSON on stdout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bot.settings import ProcessSettings, Settings
from bot.settings_file import load_settings, process_settings

console = Console()
errors = Console(stderr=True)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", help="The configuration; else COUNTERSIGN_CONFIG, else ./countersign.yaml."
    ),
]


def read_environment() -> ProcessSettings:
    """The COUNTERSIGN_ variables. Raises ConfigurationError."""
    return process_settings()


def read_settings(config: Path | None) -> Settings:
    """The settings. Raises ConfigurationError with every problem."""
    return load_settings(config)


def show_json(value: Any) -> None:
    """One JSON value on stdout, nothing else, whatever the terminal's width."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
