"""Other commits of this repository, taken from its own history to be measured beside this one."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tomllib
from pathlib import Path
from typing import Any

from bench.launch import ROOT
from bench.measure import BenchError

BUILDS = ROOT / "bench" / ".builds"
GIT_TIMEOUT_S = 120
# Python 3.11 has it from its fourth bugfix on.
_FILTER: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


def checkout(commit: str) -> Path:
    """The files of a commit, under a directory of its own; taken from the history if need be.

    Raises BenchError where the history is not there: in a tarball, or a shallow clone.
    """
    full = _git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").decode().strip()
    directory = BUILDS / full
    if not directory.exists():
        packed = _git("archive", "--format=tar", full)
        half = BUILDS / f".{full}"
        shutil.rmtree(half, ignore_errors=True)
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(half, **_FILTER)  # noqa: S202 - our own history
        _be_installed(half)
        half.rename(directory)
    return directory


def _be_installed(directory: Path) -> None:
    """Let the files be found as a distribution once they are on the path: a server tells its
    version."""
    project = tomllib.loads((directory / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    metadata = directory / f"{name.replace('-', '_')}-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def _git(*arguments: str) -> bytes:
    argv = ["git", "-C", str(ROOT), *arguments]
    try:
        done = subprocess.run(argv, capture_output=True, timeout=GIT_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise BenchError(f"git could not be asked for {arguments[-1]}: {exc}") from exc
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip() or "it is not in the history here"
        raise BenchError(
            f"git {arguments[0]} {arguments[-1]}: {said} (a tarball, a shallow clone?)"
        )
    return done.stdout
