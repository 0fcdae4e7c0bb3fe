"""`countersign`, run in this process."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from countersign.bot.cli.main import main
from tests.commands import build_once
from tests.doubles.database import migrate_by_copying

REPOSITORY = Path(__file__).parents[3]
Cli = Callable[..., "Said"]


class Said:
    """What a command printed, and its exit status."""

    def __init__(self, status: int, out: str, err: str):
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Cli]:
    """Run `countersign` in an empty directory, in local mode, with the shipped configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COUNTERSIGN_ENV", "local")
    monkeypatch.setenv("COUNTERSIGN_CONFIG", str(REPOSITORY / "countersign.yaml"))
    monkeypatch.setattr("countersign.bot.console.console.width", 200)
    monkeypatch.setattr("typer.main.get_command", build_once)
    migrate_by_copying(monkeypatch)
    for name in ("COUNTERSIGN_DATABASE_URL", "OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["countersign", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return Said(int(caught.value.code or 0), out, err)

    yield run
    structlog.reset_defaults()  # `serve` sends the log to the stderr of this test
    logging.getLogger().handlers.clear()
