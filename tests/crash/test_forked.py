"""What a nursery forks is what a program is: nothing is hidden by it, and nothing is shared."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT, Forked, Nursery, Process, said_by

ENVIRONMENT = {"COUNTERSIGN_ENV": "local", "COUNTERSIGN_CONFIG": str(ROOT / "countersign.yaml")}


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    folder = tmp_path_factory.mktemp("forked")
    with Nursery(folder, module="tests.crash.forked", arguments=["one", "two"]) as one:
        yield one


@pytest.mark.parametrize("argv", [["policy", "check"], ["ledger", "verify"], ["db", "nonsense"]])
def test_fork_says_and_returns_what_the_program_does(tmp_path: Path, argv: list[str]) -> None:
    environment = {**ENVIRONMENT, "COUNTERSIGN_DATABASE_URL": f"sqlite:///{tmp_path}/none.db"}
    module = "countersign.bot.cli.main"
    program = Process("program", [sys.executable, "-m", module, *argv], tmp_path, environment)
    program.start()

    forked = said_by(argv, tmp_path, environment)
    status = program.wait()

    assert status == forked.returncode
    assert program.text() == (forked.stdout + forked.stderr).replace("tests.countersign", module)


@pytest.mark.parametrize(
    ("argv", "status", "said"),
    [
        (("exit", "none"), 0, ""),
        (("exit", "3"), 3, ""),
        (("exit", "words"), 1, "words\n"),
        (("raise", "why"), 1, "ValueError: ['why']\n"),
    ],
)
def test_status_is_that_of_an_interpreter(
    tmp_path: Path, nursery: Nursery, argv: tuple[str, ...], status: int, said: str
) -> None:
    child = Forked("child", list(argv), tmp_path, {}, nursery)
    child.start()

    assert status == child.wait()
    assert child.text().endswith(said)
    assert not child.running


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_signal_ends_it_and_is_its_status(
    tmp_path: Path, nursery: Nursery, how: signal.Signals
) -> None:
    child = Forked("child", ["wait"], tmp_path, {}, nursery)
    child.start()
    child.first_json()
    running = child.running
    child.kill(how)

    assert running
    assert -how == child.wait()
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_only_what_was_prepared_is_shared(
    tmp_path: Path, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a test has in its environment now, and not what was there when the nursery began."""
    monkeypatch.setenv("OF_THE_TEST", "now")
    monkeypatch.delenv("PATH")

    def shown(name: str) -> dict[str, Any]:
        child = Forked(name, ["show"], tmp_path, {"OF_THE_CHILD": name}, nursery)
        child.start()
        assert 0 == child.wait()
        found: dict[str, Any] = json.loads(child.text())
        return found

    first, second = shown("first"), shown("second")

    assert {"PYTHONPATH": str(ROOT), **os.environ, "OF_THE_CHILD": "first"} == first["environ"]
    assert first.pop("random") != second.pop("random")
    assert {**first, "environ": {}} == {**second, "environ": {}}
    assert {
        "prepared": ["one", "two"],
        "environ": first["environ"],
        "cwd": str(tmp_path),
        "alone": True,
        "stdin": "",
        "open": 3,
        "sigchld": True,
        "blocked": 0,
    } == first
