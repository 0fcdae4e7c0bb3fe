"""A server moves to another database while a request waits: SQLite, PostgreSQL, and back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.crowd import SERVER, only_the_quote
from tests.doubles import postgres
from tests.processes import Nursery
from tests.stack import ROOT, Stack, stack

VARIABLE = "COUNTERSIGN_DATABASE_URL"


def moved(running: Stack, target: str) -> str:
    """Stop the server, copy everything, and start it on the copy; what the command has said."""
    running.server.kill(signal.SIGTERM)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "countersign.bot.cli.main",
            "db",
            "copy",
            running.env[VARIABLE],
            target,
        ],
        cwd=running.directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), **running.env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    running.env[VARIABLE] = target
    running.new_server().start()
    running.until_ready()
    return done.stdout


@pytest.mark.timeout(180)
def test_what_waits_is_decided_on_the_other_database(tmp_path: Path, nursery: Nursery) -> None:
    with stack(tmp_path, nursery=nursery, module=SERVER, adjust=only_the_quote) as running:
        running.start()
        session = running.ask(key="moved once")
        running.pending()
        there = moved(running, postgres.fresh())
        decided = running.vote(running.pending())
        first = running.ended(session)
        second_session = running.ask(key="moved twice")
        running.pending()
        moved(running, f"sqlite:///{tmp_path}/back.db")
        running.vote(running.pending())
        second = running.ended(second_session)
        releases = running.effects("create_quote")
        again = running.ask(key="moved once")
        verified = running.ledger_verifies()

    assert "ledger entries verified" in there
    assert 200 == decided.status_code
    assert ("completed", "completed") == (first["status"], second["status"])
    assert 2 == len(releases)
    assert session == again
    assert verified
