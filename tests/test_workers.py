"""Workers that are forked run each test once, and whatever ends one is the report of its test."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.processes import ROOT

CASES = """
import os, pathlib, signal, threading, warnings, pytest
HERE = pathlib.Path(__file__).parent

@pytest.fixture(scope="session")
def late():
    yield
    raise ValueError("too late")

@pytest.mark.parametrize("n", range(60))
def test_fine(n, tmp_path):
    print(f"printed by {n}")
    with (HERE / "ran").open("a") as ran:
        ran.write(f"{os.getpid()} {n} {tmp_path.parent.name}\\n")
    assert n != 7

def test_ends(): os._exit(3)
def test_is_killed(): os.kill(os.getpid(), signal.SIGKILL)
def test_is_late(late): pass
def test_records(record_property): record_property("figure", "12 of 12")
def test_warns(): warnings.warn("look here")
@pytest.mark.skip(reason="not now")
def test_is_skipped(): pass
"""
Run = Callable[..., tuple[str, Path]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs these tests in a process of its own: what it printed, and its report."""

    def ran(*options: str, cases: str = CASES) -> tuple[str, Path]:
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        (tmp_path / "test_cases.py").write_text(cases)
        report = tmp_path / "report.xml"
        argv = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "-rA", f"--junitxml={report}"]
        argv += ["-p", "no:countersign", "-p", "no:cacheprovider", "-p", "tests.workers"]
        done = subprocess.run(
            [*argv, *options], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=120, check=False,
        )  # fmt: skip
        return done.stdout, report

    return ran


def test_each_test_runs_once_and_says_what_it_has_printed(run: Run, tmp_path: Path) -> None:
    said, report = run("--workers", "3")
    ran = [line.split() for line in (tmp_path / "ran").read_text().splitlines()]
    cases = Counter(str(case.get("name")) for case in ElementTree.parse(report).iter("testcase"))  # noqa: S314

    assert "3 failed, 62 passed, 1 skipped, 1 warning, 1 error" in said
    assert sorted(map(str, range(60))) == sorted(number for _, number, _ in ran)
    assert len({pid for pid, _, _ in ran}) >= 2
    assert {pid: folder for pid, _, folder in ran}.keys() == {pid for pid, _, _ in ran}
    assert all(len({folder for p, _, folder in ran if p == pid}) == 1 for pid, _, _ in ran)
    assert {1} == {times for name, times in cases.items() if name.startswith("test_fine")}
    assert "printed by 7\n" in said.partition("= PASSES =")[0]
    assert "look here" in said
    assert 'value="12 of 12"' in report.read_text()


def test_what_ends_a_worker_is_the_report_of_its_test(run: Run) -> None:
    said, _ = run("--workers", "3")

    assert "ended with 3 while it ran test_cases.py::test_ends" in said
    assert "ended with -9 while it ran test_cases.py::test_is_killed" in said
    assert "ValueError: too late" in said


def test_a_test_over_its_time_says_where_it_stood(run: Run) -> None:
    cases = "import time\ndef test_a(): pass\ndef test_b(): time.sleep(60)\n"
    said, _ = run("--workers", "2", "-o", "timeout=0.5", "-o", "timeout_method=signal", cases=cases)

    assert "Failed: Timeout (>0.5s)" in said
    assert "1 failed, 1 passed" in said


def test_an_interrupt_ends_what_a_test_has_started_though_all_ignore_it(
    run: Run,
) -> None:
    cases = (
        "import signal, subprocess\ndef test_a(): pass\ndef test_b():\n"
        "    one = subprocess.Popen(['sleep', '60'])\n    one.send_signal(signal.SIGINT)\n"
        "    assert one.wait(10) == -signal.SIGINT\n"
    )
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        said, _ = run("--workers", "2", cases=cases)
    finally:
        signal.signal(signal.SIGINT, before)

    assert "2 passed" in said


def test_after_enough_failures_no_more_are_run(run: Run, tmp_path: Path) -> None:
    cases = "import pytest\n@pytest.mark.parametrize('n', range(500))\ndef test(n): assert False\n"
    said, _ = run("--workers", "2", "-x", cases=cases)

    assert "stopping after 1 failures" in said
    assert " 500 failed" not in said


def test_a_thread_that_an_import_has_begun_is_named(run: Run) -> None:
    cases = (
        "import threading\nthreading.Thread(name='left', target=threading.Event().wait, "
        "daemon=True).start()\ndef test_a(): pass\ndef test_b(): pass\n"
    )
    said, _ = run("--workers", "2", cases=cases)

    assert "threads that were begun at an import, which no fork takes along: ['left']" in said
