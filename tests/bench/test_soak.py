"""A long run: what grows is found, and what is flat is left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import data
from bench.soak import __main__ as soak
from bench.soak.drift import drifts, leaks
from bench.soak.table import render, tables
from tests.bench.rows import sample


def names(samples: list[dict[str, Any]]) -> list[str]:
    return [drift.name for drift in leaks(samples)]


def test_flat_samples_have_no_leak() -> None:
    assert names([sample() for _ in range(9)]) == []


@pytest.mark.parametrize(
    ("name", "step"), [("rss_mb", 5.0), ("threads", 1), ("fds", 4), ("wal_kib", 9000)]
)
def test_what_grows_to_the_end_is_a_leak(name: str, step: float) -> None:
    grown = [sample(**{name: sample()[name] + step * i}) for i in range(9)]

    assert names(grown) == [name]


def test_a_peak_in_the_middle_is_no_leak() -> None:
    samples = [sample(rss_mb=400.0 if i == 4 else 150.0) for i in range(9)]
    (memory, *_) = drifts(samples)

    assert (names(samples), memory.peak) == ([], 400.0)


def test_times_are_told_and_end_nothing() -> None:
    samples = [sample(p50_ms=10.0 * (i + 1)) for i in range(9)]

    assert names(samples) == []
    assert [(d.name, d.is_flat) for d in drifts(samples)][-1] == ("p50_ms", False)


def test_what_was_not_always_read_is_left_out() -> None:
    samples = [sample(p50_ms=None if i == 4 else 1.0) for i in range(9)]

    assert "p50_ms" not in [drift.name for drift in drifts(samples)]


def test_render_tells_each_figure_of_each_database() -> None:
    samples = [sample(fds=40 + 10 * i) for i in range(9)]
    run = {"database": "sqlite", "minutes": 30, "sessions": 1234, "samples": samples}

    text = render([run])
    assert (
        "| SQLite, 30 min, 1,234 | file descriptors | 50 | 110 | 120 | 2.20 | **grows** |" in text
    )
    assert tables({"soak": [run]}) == {"soak": text}
    assert tables({}) == {}


def test_a_leak_ends_the_command_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [sample(threads=10 * (i + 1)) for i in range(9)]
    run = {"database": "sqlite", "minutes": 1, "sessions": 1, "samples": samples}
    monkeypatch.setattr(soak, "soak", lambda *_, **__: run)

    assert soak.main(["--output", str(tmp_path / "results.json")]) == 1


@pytest.mark.timeout(900)
def test_a_short_run_samples_a_real_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "DATA", tmp_path)
    output = tmp_path / "results.json"
    soak.main(["--minutes", "0.1", "--rate", "2", "--output", str(output)])
    values = json.loads(output.read_text())

    assert values["missing"] == []
    (run,) = values["soak"]
    assert run["sessions"] >= 1
    assert {"rss_mb", "threads", "fds", "wal_kib", "behind"} <= set(run["samples"][0])
