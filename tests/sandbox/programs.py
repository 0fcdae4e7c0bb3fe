"""Stand-ins as programs whose output and whose end a test looks at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def begin(name: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """One of them in `folder`, with nothing of this process around it."""
    return subprocess.Popen(
        [sys.executable, "-m", f"countersign.sandbox.{name}", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
