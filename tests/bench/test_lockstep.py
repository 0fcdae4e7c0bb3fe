"""Processes that work in turn, and the builds that they run."""

from __future__ import annotations

import subprocess
import sys
import venv
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bench.contenders import SESSIONS, Contender
from bench.launch import ROOT
from bench.lockstep import builds
from bench.lockstep.blocks import Program, running
from bench.lockstep.builds import checkout
from bench.lockstep.rounds import Rounds, in_turn, prove, round_of
from bench.measure import BenchError
from bench.ours.workflow_names import GROUP

FLOOR = Program("storage-floor", "bench.peers.storage_floor", where="before")
PROBE = """
from contextlib import contextmanager
from pathlib import Path

import agents, bench


class Side:
    def where(self):
        return [agents.__file__, bench.__file__]


@contextmanager
def opened(database):
    yield Side()
"""
STARTED = """
from contextlib import contextmanager
from pathlib import Path


class Side:
    def ready(self):
        pass


@contextmanager
def opened(database):
    try:
        yield Side()
    finally:
        Path(database).write_text("ended")
"""


def test_everybody_is_first_and_nobody_always_follows_the_same() -> None:
    rounds = [in_turn("abcd", number) for number in range(8)]
    followers: dict[str, set[str]] = {}
    for order in rounds:
        for one, next_one in pairwise(order):
            followers.setdefault(one, set()).add(next_one)

    assert all(sorted(order) == list("abcd") for order in rounds)
    assert {order[0] for order in rounds} == set("abcd")
    assert all(len(found) > 1 for found in followers.values())
    assert in_turn([], 3) == []


def test_all_pause_before_anybody_resumes(tmp_path: Path) -> None:
    names = ("one", "two")
    with ExitStack() as stack:
        rounds = Rounds(stack)
        for name in names:
            program = Program(name, FLOOR.module, where="before")
            rounds.join(program, tmp_path / f"{name}.db")
        found = [(name, leg) for name, leg, _ in round_of(rounds, names, 1, 2)]

    assert found == [("one", "pause"), ("two", "pause"), ("one", "resume"), ("two", "resume")]


def test_what_a_session_holds_is_read_between_two_processes() -> None:
    left, versions = prove(FLOOR, 3)

    assert set(left) == {"pause", "resume"}
    assert left["pause"]["file_bytes_per_session"] > 0
    assert set(versions) == {"sqlite"}


def test_ours_runs_by_path_as_another_commit_does(tmp_path: Path) -> None:
    """An earlier commit has its own `bench.ours`, so the legs are found by their path."""
    path = ROOT / "bench" / "ours" / "sessions.py"
    program = Program("x", str(path), root=ROOT, where="before", env={"WORKFLOW": GROUP})
    with running(program, tmp_path / "x.db") as worker:
        paused = worker.block("pause", first=0, n=4, at_once=3)
        resumed = worker.block("resume", first=0, n=4, at_once=3)

    assert (paused["n"], resumed["n"]) == (4, 4)


def test_a_round_trip_in_a_chat_of_many_messages(tmp_path: Path) -> None:
    env = {"MESSAGES": "120"}  # more than AutoGen's own limits allow
    program = Contender("x", "bench.ours.long_chats", env=env).program()
    with running(program, tmp_path / "x.db") as worker:
        assert worker.block("trip", first=0, n=2)["n"] == 2


def test_a_block_that_does_not_do_its_job_says_why(tmp_path: Path) -> None:
    program = Contender("x", SESSIONS, env={"WORKFLOW": GROUP}).program()
    with pytest.raises(BenchError, match="0 of 2 sessions wait"):
        with running(program, tmp_path / "x.db") as worker:
            worker.block("resume", first=0, n=2)


def test_what_it_has_started_is_ended_when_another_one_fails(tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text(STARTED)
    program = Program("x", str(tmp_path / "probe.py"), where="before")
    with suppress(BenchError), running(program, tmp_path / "x.db") as worker:
        assert worker.ask("ready") is None
        raise BenchError("another one failed")

    assert (tmp_path / "x.db").read_text() == "ended"


@pytest.mark.parametrize(("where", "whose"), [("behind", "site"), ("before", "checkout")])
def test_whose_packages_come_first(tmp_path: Path, where: Any, whose: str) -> None:
    """`agents` has to be that of openai-agents in its environment, and ours for ours."""
    venv.create(tmp_path / "venv", symlinks=True)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (site / "agents").mkdir()
    (site / "agents" / "__init__.py").write_text("")
    checkout_of = tmp_path / "checkout"
    for name in ("agents", "bench"):
        (checkout_of / name).mkdir(parents=True)
        (checkout_of / name / "__init__.py").write_text("")
    (tmp_path / "probe.py").write_text(PROBE)
    python = tmp_path / "venv" / "bin" / "python"
    program = Program("x", str(tmp_path / "probe.py"), python, checkout_of, where)
    with running(program, tmp_path / "x.db") as worker:
        found = worker.ask("where")

    expected = {"site": site, "checkout": checkout_of}[whose]
    assert found == [
        str(expected / "agents" / "__init__.py"),
        str(checkout_of / "bench" / "__init__.py"),
    ]


def test_a_process_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="No module named"):
        with running(Program("x", "bench.no_such_leg"), tmp_path / "x.db"):
            pass


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, whose builds go beside it."""
    root = tmp_path / "repository"
    root.mkdir()
    (root / "pyproject.toml").write_text('[project]\nname = "two-words"\nversion = "1.2"\n')
    (root / "two.py").write_text("")
    monkeypatch.setattr(builds, "ROOT", root)
    monkeypatch.setattr(builds, "BUILDS", tmp_path / "builds")
    return root


def commit(root: Path) -> None:
    me = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "-A"], [*me, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", "-C", str(root), *arguments], check=True)


def test_a_build_is_the_files_of_a_commit_with_its_version(repository: Path) -> None:
    commit(repository)
    (repository / "two.py").write_text("changed = True\n")
    directory = checkout("HEAD")
    asked = "from importlib.metadata import version; print(version('two-words'))"
    told = subprocess.run(
        [sys.executable, "-c", asked], cwd=directory, capture_output=True, text=True, check=True
    )

    assert (directory / "two.py").read_text() == ""
    assert told.stdout.strip() == "1.2"
    assert checkout("HEAD") == directory


def test_a_commit_that_is_not_in_the_history_is_missing_with_its_reason(repository: Path) -> None:
    commit(repository)

    with pytest.raises(BenchError, match=r"b3cfc9c.*not in the history here"):
        checkout("b3cfc9c")


def test_without_a_history_there_is_no_build(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(repository.parent))

    with pytest.raises(BenchError, match="a tarball, a shallow clone"):
        checkout("HEAD")
