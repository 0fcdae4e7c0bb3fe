"""The documents take their figures from the results of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import docs, results
from bench.docs import DOCUMENTS, filled, names, tables
from bench.goals import LEGS
from bench.load import table as load_table
from bench.results import Results, merge, read
from tests.bench.rows import load_rows, row, sample

MARKED = "before\n<!-- bench peers -->\nold\n<!-- /bench -->\nafter\n"


def test_a_table_is_put_between_its_marks() -> None:
    once = filled(MARKED, {"peers": "| new |"})

    assert once == "before\n<!-- bench peers -->\n\n| new |\n\n<!-- /bench -->\nafter\n"
    assert filled(once, {"peers": "| new |"}) == once


def test_what_was_not_measured_keeps_its_text() -> None:
    assert filled(MARKED, {"votes": "| new |"}) == MARKED


def test_every_mark_of_the_documents_has_a_table() -> None:
    """A misspelt mark would keep its old figures for ever."""
    marks = [name for document in DOCUMENTS for name in names(document.read_text())]

    assert marks
    assert set(marks) <= set(tables(everything()))


def test_parts_of_a_run_come_together_in_one_file(tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    first, second = Results(rows=[row(1, "countersign", "pause", 1.0)]), Results()
    first.lacks("openai-agents", "no wheel")
    second.load = [row(1, "countersign", "trip", 1.0, messages=6)]
    merge(output, "peers", first, "rows")
    merge(output, "load", second, "load")
    values = read(output)

    assert (values["rows"], values["load"]) == (first.rows, second.load)
    assert [gap["peer"] for gap in values["missing"]] == ["openai-agents"]

    merge(output, "peers", second, "rows")

    assert read(output)["missing"] == []
    assert set(read(output)["measured"]) == {"peers", "load"}


def test_nothing_is_written_without_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "guarantees.md"
    document.write_text(MARKED)
    monkeypatch.setattr(docs, "RESULTS", tmp_path / "nothing.json")
    monkeypatch.setattr(docs, "DOCUMENTS", (document,))

    assert docs.main() == 1
    assert document.read_text() == MARKED


def test_a_run_is_written_into_the_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, output = tmp_path / "guarantees.md", tmp_path / "results.json"
    document.write_text(MARKED)
    run = Results(rows=[row(1, "countersign", leg, 1.0) for leg in LEGS])
    merge(output, "peers", run, "rows")
    monkeypatch.setattr(docs, "RESULTS", output)
    monkeypatch.setattr(docs, "DOCUMENTS", (document,))

    assert docs.main() == 0
    assert "| countersign | pause | 1 |" in document.read_text()


def everything() -> dict[str, Any]:
    """Results with rows of every kind."""
    values: dict[str, Any] = {name: [] for name in results.LISTS}
    values["rows"] = [
        row(1, peer, leg, 1.0) for peer in ("countersign", "storage-floor") for leg in LEGS
    ]
    values["load"] = load_rows()
    values["soak"] = [
        {"database": "sqlite", "minutes": 1, "sessions": 3, "samples": [sample()] * 3}
    ]
    values["service"] = [
        {"leg": "votes", "voters": 1, "per_s": 1.0, "p50_ms": 1.0, "p99_ms": 1.0, "cpu_ms": 1.0},
        {"leg": "recovery", "n": 1, "ready_ms": 1.0, "imports_ms": 1.0, "rss_mb": 1.0},
    ]
    values["machine"] = Results().machine
    values["measured"] = {"peers": {"at": "2026-01-01T00:00", "load_before": [0.1]}}
    assert set(load_table.tables(values)) == {
        "votes", "clicks", "sessions-at-once", "round-trips", "starts", "crowd",
    }  # fmt: skip
    return values
