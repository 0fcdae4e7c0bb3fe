"""Runs one leg as a process of its own and reads what it wrote."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.measure import BenchError

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 1800
STDERR_TAIL = 2000
"""Characters of a failed leg's errors that are shown."""
_START = (
    "import sys, runpy; root, module = sys.argv[1:3]; sys.path.append(root); "
    "del sys.argv[1:3]; runpy.run_module(module, run_name='__main__', alter_sys=True)"
)
"""The checkout comes last on the path, behind the environment's own packages: `agents` there is
that of openai-agents."""
NOT_PASSED_ON = ("PYTHON", "LANGCHAIN", "LANGSMITH", "OPENAI")
"""Prefixes of variables that would change what is measured, or send traces."""


def launch(
    python: Path,
    module: str,
    leg: str,
    database: Path,
    *,
    n: int,
    env: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The figures of one leg. Raises BenchError with what it said if it did not do its job."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(NOT_PASSED_ON)}
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as directory:
        result = Path(directory) / "result.json"
        argv = [str(python), "-P", "-c", _START, str(ROOT), module, leg, str(database), str(result)]
        try:
            done = subprocess.run(
                argv,
                env={**inherited, "N": str(n), **(env or {})},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as exc:
            raise BenchError(f"{module} {leg} did not end within {TIMEOUT_S} s") from exc
        if done.returncode != 0 or not result.exists():
            raise BenchError(
                f"{module} {leg} ended with {done.returncode}: {done.stderr[-STDERR_TAIL:].strip()}"
            )
        figures: dict[str, Any] = json.loads(result.read_text())
        return figures
