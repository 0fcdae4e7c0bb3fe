"""The threat model names tests that exist, and says something in every row."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "threat-model.md").read_text()
AISVS = (ROOT / "docs" / "aisvs.md").read_text()
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_ROW = re.compile(r"^\| [STRIDE] \|.*\|$", re.MULTILINE)


def functions(path: str) -> set[str]:
    """The names of the functions in a file; none if there is no such file."""
    file = ROOT / path
    if not file.is_file():
        return set()
    tree = ast.parse(file.read_text())
    return {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_tests_that_are_named_exist() -> None:
    named = _TEST.findall(TEXT) + _TEST.findall(AISVS)

    assert len(named) > 80
    assert [] == [f"{path}::{name}" for path, name in named if name not in functions(path)]


def test_every_threat_says_what_stops_it_and_names_a_test() -> None:
    rows = [row.strip("|").split("|") for row in _ROW.findall(TEXT)]

    assert len(rows) > 30
    assert {5} == {len(cells) for cells in rows}
    assert [] == [cells for cells in rows if not cells[1].strip() or not cells[2].strip()]
    assert [] == [cells[1] for cells in rows if not _TEST.search(cells[3])]


def test_every_line_of_aisvs_that_holds_names_a_test() -> None:
    rows = [row.strip("|").split("|") for row in re.findall(r"^\| 9\..*\|$", AISVS, re.MULTILINE)]
    verdicts = [cells[1].strip() for cells in rows]

    assert 43 == len({cells[0].strip() for cells in rows}) == len(rows)
    assert {"yes", "partly", "no"} == set(verdicts)
    assert [] == [c[0] for c in rows if c[1].strip() == "yes" and not _TEST.search(c[3])]
    assert [] == [c[0] for c in rows if c[1].strip() == "partly" and not c[2].strip()]
