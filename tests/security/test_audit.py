"""`make audit` tells apart: nothing known, something known, nobody asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CLEAN: Any = {"dependencies": [{"name": "aiohttp", "version": "3.14.5", "vulns": []}]}
VULNERABLE: Any = {
    "dependencies": [
        {
            "name": "aiohttp",
            "version": "3.14.5",
            "vulns": [{"id": "PYSEC-2099-1", "fix_versions": ["9.9"], "aliases": []}],
        }
    ]
}


def audit(tmp_path: Path, stdout: str, stderr: str = "", status: int = 0) -> tuple[int, str]:
    """Run it with a pip-audit that says this."""
    for name, text in (("out", stdout), ("err", stderr)):
        (tmp_path / name).write_text(text)
    tool = tmp_path / "pip-audit"
    tool.write_text(f"#!/bin/sh\ncat {tmp_path}/out; cat {tmp_path}/err >&2; exit {status}\n")
    tool.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "scripts/audit.py"],
        cwd=ROOT,
        env={**os.environ, "PIP_AUDIT": str(tool)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "" == done.stderr
    return done.returncode, done.stdout


def test_nothing_known_is_0(tmp_path: Path) -> None:
    status, said = audit(tmp_path, json.dumps(CLEAN))

    assert (0, True) == (status, "nothing is known against any locked package" in said)


def test_known_vulnerability_is_1_and_named(tmp_path: Path) -> None:
    status, said = audit(tmp_path, json.dumps(VULNERABLE), status=1)

    assert 1 == status
    assert "dev.lock: aiohttp 3.14.5: PYSEC-2099-1 (fixed in 9.9)" in said


@pytest.mark.parametrize("stdout", ["", "{}", "no JSON", "[]"])
def test_index_that_cannot_be_reached_is_2_and_said(tmp_path: Path, stdout: str) -> None:
    """Silence must not look like good news."""
    status, said = audit(tmp_path, stdout, stderr="ConnectionError: pypi.org\n", status=1)

    assert 2 == status
    assert "NOT ASKED" in said
    assert "ConnectionError: pypi.org" in said
    assert "nothing is known against" not in said


def test_mirror_without_advisories_is_2(tmp_path: Path) -> None:
    """pip-audit itself says "No known vulnerabilities found" and exits 0 (2.10.1)."""
    skipped = [{"name": "aiohttp", "skip_reason": "Dependency not found on PyPI"}]
    answer = {"dependencies": [*CLEAN["dependencies"], *skipped], "fixes": []}
    status, said = audit(tmp_path, json.dumps(answer))

    assert 2 == status
    assert "1 of 2 packages in build.lock: Dependency not found on PyPI" in said


def test_lists_are_written_without_a_network(tmp_path: Path) -> None:
    audit(tmp_path, "")
    bill = json.loads((ROOT / "artifacts" / "sbom.cdx.json").read_text())
    names = {component["name"] for component in bill["components"]}
    licences = (ROOT / "artifacts" / "licences.txt").read_text()

    assert {"aiohttp", "botbuilder-core", "jira", "pysnow", "sqlalchemy"} <= names
    assert all(component["properties"] for component in bill["components"])
    assert "aiohttp" in licences
    assert "Apache" in licences
