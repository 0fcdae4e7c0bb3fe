"""A small run end to end: without other frameworks, which need environments of their own."""

from __future__ import annotations

import json
import os
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import run
from bench.__main__ import main
from bench.contenders import CONTENDERS, NOT_BY_DEFAULT, Contender
from bench.launch import ROOT, launch
from bench.measure import BenchError

SMALL = "storage-floor,autogen-floor,countersign,countersign-two-agent"
COLUMNS = {
    "rep", "peer", "leg", "n", "per_s", "p50_ms", "p99_ms", "cpu_ms", "rss_mb", "bytes_per_session",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the databases of these runs are, apart from those of a real one."""
    directory = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "DATA", directory)
        yield directory


@pytest.fixture(scope="module")
def results(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    output = tmp_path_factory.mktemp("bench") / "results.json"
    options = ["--n", "3", "--reps", "1", "--peers", SMALL, "--no-service"]
    status = main([*options, "--output", str(output)])
    values: dict[str, Any] = json.loads(output.read_text())

    assert (0, []) == (status, values["missing"])
    return values


def test_every_contender_pauses_and_resumes(results: dict[str, Any]) -> None:
    measured = {(row["peer"], row["leg"]) for row in results["rows"]}

    assert {(peer, leg) for peer in SMALL.split(",") for leg in ("pause", "resume")} == measured


def test_rows_have_the_documented_columns(results: dict[str, Any]) -> None:
    assert all(set(row) >= COLUMNS and row["n"] == 3 for row in results["rows"])
    assert {"countersign-approvals", "autogen", "sqlite"} <= set(results["versions"])
    assert {"cpus", "python", "system"} <= set(results["machine"])


def test_nothing_is_left_behind(results: dict[str, Any], data: Path) -> None:
    assert list(data.iterdir()) == []


def test_service_legs_do_their_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "VOTERS", (4,))
    monkeypatch.setattr(run, "WAITING", 3)
    results = run.Results()
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
    results = run.sessions(peers, n=3, reps=1, tell=lambda _: None)

    assert [gap["peer"] for gap in results.missing] == ["langgraph-exit"]
    assert "no wheel" in results.missing[0]["reason"]
    assert {row["peer"] for row in results.rows} == {"storage-floor"}
    assert not run.failed(results, peers)


def test_a_failed_leg_of_ours_fails_the_run() -> None:
    ours = Contender("countersign", "bench.ours.sessions", env={"WORKFLOW": "no such chat"})
    results = run.sessions([ours], n=1, reps=1, tell=lambda _: None)

    assert results.rows == []
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
        "storage-floor",
    }  # fmt: skip

    assert expected <= {contender.name for contender in CONTENDERS} - NOT_BY_DEFAULT


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
