"""What `countersign init` writes, and where it writes nothing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.bot.policy.check import examine
from countersign.bot.project.init import write_project


def names(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_package_is_named_after_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "Refund-Desk 2"

    package = write_project(folder)

    assert "refund_desk_2" == package
    assert {
        ".gitignore",
        "README.md",
        "countersign.yaml",
        "pyproject.toml",
        "refund_desk_2/__init__.py",
        "refund_desk_2/model.py",
        "refund_desk_2/workflow.py",
        "tests/test_refunds.py",
    } == names(folder)
    assert not [p for p in names(folder) if "{{" in (folder / p).read_text()]
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert ("refund_desk_2", ["countersign-approvals[classic]"]) == (
        project["name"],
        project["dependencies"],
    )


def test_rules_fit_the_workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("COUNTERSIGN_ENV", "local")
    write_project(tmp_path, "desk_to_examine")

    examined = examine(tmp_path / "countersign.yaml", complete=True)

    assert ((), (), []) == (
        tuple(examined.problems),
        tuple(examined.workflows),
        [str(found) for found in examined.findings if found.is_error],
    )
    assert ["refunds"] == list(examined.versions)


def test_code_is_formatted(tmp_path: Path) -> None:
    write_project(tmp_path, "desk")

    for command in (["format", "--diff"], ["check", "--select", "E,F,I,B,UP,RUF"]):
        options = ["--isolated", "--line-length", "100", "."]
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, done.stdout + done.stderr


def test_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(ConfigurationError, match="there is something already; name a folder"):
        write_project(tmp_path)
    with pytest.raises(ConfigurationError, match="there is something already"):
        write_project(tmp_path / "mine.txt")

    assert {"mine.txt"} == names(tmp_path)


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="cannot be written: Not a directory"):
        write_project(tmp_path / "file" / "desk")


@pytest.mark.parametrize("name", ["json", "tests", "autogen", "countersign", "jira"])
def test_name_of_another_package_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="already; give another name with --name"):
        write_project(tmp_path / name)

    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["1st", "class", "a.b"])
def test_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="is no name for a Python package"):
        write_project(tmp_path / "desk", name)
