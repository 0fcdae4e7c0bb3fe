"""What is done without the server: checking every chain, as a process of its own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from bench.launch import ROOT
from bench.measure import require

_VERIFY = (
    "import resource, sys\n"
    "from bot.cli import app\n"
    "app(['ledger', 'verify'], standalone_mode=False)\n"
    "sys.stderr.write(f'\\nrss_kb={resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}')\n"
)


def verify_all(env: Mapping[str, str], n: int) -> dict[str, Any]:
    """How long `countersign ledger verify` takes for every session, and its memory."""
    began_s = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _VERIFY],
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    took_s = time.perf_counter() - began_s
    require(done.returncode == 0, f"the ledger does not verify: {done.stderr[-2000:]}")
    rss_kb = int(done.stderr.rpartition("rss_kb=")[2] or resource.getpagesize())
    return {"verify_s": round(took_s, 1), "verify_rss_mb": round(rss_kb / 1024), "verified": n}
