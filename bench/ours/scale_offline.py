"""What is done without the server: checking every chain, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from bench.launch import ROOT
from bench.measure import require

_VERIFY = """
import os, sys
from bench.ours.product import rss_mb
from countersign.bot.cli.commands import app
app(["ledger", "verify"], standalone_mode=False)
sys.stderr.write(f"rss_mb={rss_mb(os.getpid(), 'VmHWM')}")
"""
"""Its memory is not asked of getrusage(2): there a child begins with what its parent had."""


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
    rss_mb = float(done.stderr.rpartition("rss_mb=")[2])
    return {"verify_s": round(took_s, 1), "verify_rss_mb": round(rss_mb), "verified": n}
