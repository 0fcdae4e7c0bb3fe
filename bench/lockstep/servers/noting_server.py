"""A server of whatever commit comes first on the path, whose tool notes when it starts.

Each start is a line with the time in `TOOL_STARTS`. What comes in is verified in full
(`bench.ours.signed_server`).
"""

from __future__ import annotations

import functools
import os
import runpy
import time
from collections.abc import Callable
from typing import Any


def noting(tool: Callable[..., Any], path: str) -> Callable[..., Any]:
    """The tool, which first appends the time to a file."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    @functools.wraps(tool)
    def noted(*arguments: Any, **options: Any) -> Any:
        os.write(file, f"{time.time():.6f}\n".encode())
        return tool(*arguments, **options)

    return noted


if __name__ == "__main__":
    import bench.payload

    bench.payload.refund = noting(bench.payload.refund, os.environ["TOOL_STARTS"])
    runpy.run_module("bench.ours.signed_server", run_name="__main__", alter_sys=True)
