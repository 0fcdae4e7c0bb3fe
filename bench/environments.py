"""One virtual environment for each peer, made on demand from its lock file."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from bench.launch import ROOT, STDERR_TAIL
from bench.measure import BenchError

ENVIRONMENTS = ROOT / "bench" / ".venvs"
LOCKS = ROOT / "bench" / "requirements"
TIMEOUT_S = 900
_STAMP = "built-from"


def python_of(name: str) -> Path:
    """The interpreter of the environment `name`, which is built first if it is not up to date.

    Raises BenchError with the reason if it cannot be built.
    """
    directory = ENVIRONMENTS / name
    lock = LOCKS / f"{name}.lock"
    wanted = f"{sys.version} {hashlib.sha256(lock.read_bytes()).hexdigest()}"
    stamp = directory / _STAMP
    python = directory / "bin" / "python"
    if not (stamp.exists() and stamp.read_text() == wanted and python.exists()):
        shutil.rmtree(directory, ignore_errors=True)
        venv.create(directory, symlinks=True)
        _install(python, lock)
        stamp.write_text(wanted)
    return python


def _install(python: Path, lock: Path) -> None:
    # Our own pip installs into the other environment: that one needs none.
    argv = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    argv += ["install", "--quiet", "--require-hashes", "--only-binary", ":all:", "-r", str(lock)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as exc:
        raise BenchError(f"pip did not install {lock.name} within {TIMEOUT_S} s") from exc
    if done.returncode != 0:
        raise BenchError(f"pip could not install {lock.name}: {done.stderr[-STDERR_TAIL:].strip()}")
