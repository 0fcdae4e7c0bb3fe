"""A small run end to end: without other frameworks, which need environments of their own."""

from __future__ import annotations

import json
import os
import sys
import venv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import data, run
from bench.__main__ import main
from bench.contenders import CONTENDERS, NOT_BY_DEFAULT, Contender
from bench.launch import ROOT, launch
from bench.lockstep.blocks import running
from bench.measure import BenchError
from bench.results import Results

SMALL = "storage-floor,countersign"
TIRED = """
from contextlib import contextmanager


class Side:
    stores = False
    left = 4  # one round of two warms up, and one is counted

    def pause(self, number):
        if not self.left:
            raise RuntimeError("no more")

    def resume(self, number):
        self.left -= 1


@contextmanager
def opened(database):
    yield Side()
"""
BROKEN = """
from contextlib import contextmanager


class Side:
    stores = False

    def pause(self, number): ...

    def resume(self, number): ...

    def statements(self):
        return {}


@contextmanager
def opened(database):
    yield Side()
    raise SystemExit("the ledger does not verify")
"""
SIZES: dict[str, Any] = {"rounds": 1, "block": 2, "held": 2, "tell": lambda _: None}
COLUMNS = {
    "rep", "peer", "leg", "n", "per_s", "p50_ms", "p99_ms", "cpu_ms", "rss_mb", "bytes_per_session",
    "ledger_bytes_per_session", "file_bytes_per_session",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def data_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the databases of these runs are, apart from those of a real one."""
    directory = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "DATA", directory)
        patch.setattr(run, "WARM_UP", 1)
        yield directory


@pytest.fixture(scope="module")
def results(data_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    output = tmp_path_factory.mktemp("bench") / "results.json"
    options = ["--rounds", "1", "--block", "2", "--held", "3", "--peers", SMALL, "--no-service"]
    status = main([*options, "--output", str(output)])
    values: dict[str, Any] = json.loads(output.read_text())

    assert (0, []) == (status, values["missing"])
    return values


@pytest.mark.timeout(900)  # six processes one after the other
def test_every_contender_pauses_and_resumes(results: dict[str, Any]) -> None:
    measured = {(row["peer"], row["leg"]) for row in results["rows"]}

    assert {(peer, leg) for peer in SMALL.split(",") for leg in ("pause", "resume")} == measured


def test_rows_have_the_documented_columns(results: dict[str, Any]) -> None:
    assert all(set(row) >= COLUMNS for row in results["rows"])
    assert all((row["rep"], row["n"]) == (1, 2) for row in results["rows"])
    assert {"autogen", "sqlite"} <= set(results["versions"])
    assert {"cpus", "python", "system"} <= set(results["machine"])


def test_statements_of_ours_are_counted(results: dict[str, Any]) -> None:
    counted = {
        row["leg"]: row["statements"] for row in results["rows"] if row["peer"] == "countersign"
    }

    assert set(counted) == {"pause", "resume"}
    assert min(counted.values()) > 1


def test_the_floor_of_autogen_keeps_nothing_and_does_the_same(tmp_path: Path) -> None:
    (floor,) = (one for one in CONTENDERS if one.name == "autogen-floor")
    with running(floor.program(), tmp_path / "x.db") as worker:
        blocks = [worker.block(leg, first=0, n=2) for leg in ("pause", "resume")]

    assert [block["n"] for block in blocks] == [2, 2]
    assert not worker.stores


def test_nothing_is_left_behind(results: dict[str, Any], data_directory: Path) -> None:
    assert list(data_directory.iterdir()) == []


def test_service_legs_do_their_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "VOTERS", (4,))
    monkeypatch.setattr(run, "WAITING", 3)
    results = Results()
    run.service(results, n=5, tell=lambda _: None)

    assert results.missing == []
    assert [(row["leg"], row["n"]) for row in results.service] == [
        ("votes", 5),
        ("recovery", 3),
    ]


def test_a_peer_without_environment_is_reported_and_the_run_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(name: str) -> Path:
        raise BenchError(f"pip could not install {name}.lock: no wheel")

    monkeypatch.setattr("bench.contenders.python_of", refuse)
    peers = [
        Contender("langgraph-exit", "bench.peers.langgraph", environment="langgraph"),
        Contender("storage-floor", "bench.peers.storage_floor"),
    ]
    results = run.sessions(peers, **SIZES)

    assert [gap["peer"] for gap in results.missing] == ["langgraph-exit"]
    assert "no wheel" in results.missing[0]["reason"]
    assert {row["peer"] for row in results.rows} == {"storage-floor"}
    assert not run.failed(results, peers)


def test_a_failed_leg_of_ours_fails_the_run() -> None:
    ours = Contender("countersign", "bench.ours.sessions", env={"WORKFLOW": "no such chat"})
    results = run.sessions([ours], **SIZES)

    assert results.rows == []
    assert run.failed(results, [ours])


def test_a_peer_that_fails_on_the_way_is_dropped_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    (tmp_path / "tired.py").write_text(TIRED)
    peers = [
        Contender("tired", str(tmp_path / "tired.py")),
        Contender("storage-floor", "bench.peers.storage_floor"),
    ]
    results = run.sessions(peers, **{**SIZES, "rounds": 3})
    counted = Counter(row["peer"] for row in results.rows)

    assert counted == {"tired": 2, "storage-floor": 6}
    assert [(gap["peer"], gap["rep"]) for gap in results.missing] == [("tired", 2)]
    assert "RuntimeError: no more" in results.missing[0]["reason"]
    assert not run.failed(results, peers)


def test_a_ledger_that_does_not_verify_at_the_end_fails_the_run(tmp_path: Path) -> None:
    (tmp_path / "sessions.py").write_text(BROKEN)
    ours = Contender("countersign", str(tmp_path / "sessions.py"))
    results = run.sessions([ours], **SIZES)

    assert "does not verify" in results.missing[-1]["reason"]
    assert run.failed(results, [ours])


def test_a_leg_sees_its_own_packages_before_the_checkout(tmp_path: Path) -> None:
    """`agents` has to be that of openai-agents in its environment, not ours."""
    venv.create(tmp_path / "venv", symlinks=True)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (site / "agents").mkdir()
    (site / "agents" / "__init__.py").write_text("")
    (site / "probe.py").write_text(
        "import json, pathlib, sys, agents, bench\n"
        "found = {one.__name__: one.__file__ for one in (agents, bench)}\n"
        "pathlib.Path(sys.argv[3]).write_text(json.dumps(found))\n"
    )
    python = tmp_path / "venv" / "bin" / "python"
    found = launch(python, "probe", "pause", tmp_path / "x.db", n=1)

    assert found == {
        "agents": str(site / "agents" / "__init__.py"),
        "bench": str(ROOT / "bench" / "__init__.py"),
    }


def test_a_leg_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="No module named"):
        launch(Path(sys.executable), "bench.no_such_leg", "pause", tmp_path / "x.db", n=1)


def test_unknown_peers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEERS", "countersign,temporal")

    with pytest.raises(SystemExit, match="unknown temporal"):
        main([])


def test_the_peers_of_the_comparison_are_all_there() -> None:
    expected = {
        "countersign", "agent-framework", "langgraph-exit", "langgraph-default", "openai-agents",
        "storage-floor", "autogen-floor", "countersign-before", "agent-framework-same-work",
    }  # fmt: skip

    assert expected == {contender.name for contender in CONTENDERS} - NOT_BY_DEFAULT


def test_locks_pin_hashes_and_name_no_index() -> None:
    for lock in (ROOT / "bench" / "requirements").glob("*.lock"):
        text = lock.read_text()

        assert "--hash=sha256:" in text
        assert "://" not in text


def test_the_product_does_not_import_the_benchmark() -> None:
    for package in ("agents", "approvals", "bot", "sandbox", "examples"):
        for file in (ROOT / package).rglob("*.py"):
            assert "import bench" not in file.read_text(), os.fspath(file)
            assert "from bench" not in file.read_text(), os.fspath(file)
