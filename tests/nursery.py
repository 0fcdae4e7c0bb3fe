"""`python -m tests.nursery MODULE`: imports once, then forks a server for each line on stdin.

A line is `{"argv", "cwd", "env", "log"}`; the answer is the process id. MODULE has `prepare()`,
called once before any fork, and `main(argv)`, called in each child. It ends at the end of stdin,
which is also the end of whoever has started it, and its children end with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
"""Of Linux, `man 2 prctl`: the signal that a process gets when its parent ends."""


def _child(module: Any, wish: dict[str, Any], nursery: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != nursery:
        os._exit(1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    log = os.open(wish["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.closerange(3, 64)
    os.chdir(wish["cwd"])
    os.environ.update(wish["env"])
    status = 1
    try:
        module.main(wish["argv"])
        status = 0
    except SystemExit as exc:
        status = exc.code if isinstance(exc.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _shared() -> list[str]:
    """What every child would have a part in: threads beside this one, and open files and sockets
    beside the three that a child replaces."""
    found = [
        thread.name for thread in threading.enumerate() if thread.ident != threading.get_ident()
    ]
    for path in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):  # that of the listing itself
            found += [os.readlink(path)] if int(path.name) > sys.stderr.fileno() else []
    return found


def main() -> None:
    module = importlib.import_module(sys.argv[1])
    with contextlib.redirect_stdout(sys.stderr):  # answers are all that is on stdout
        module.prepare()
    gc.collect()
    assert not (both := _shared()), both
    gc.freeze()  # shared pages stay shared
    nursery = os.getpid()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children that end leave nothing behind
    for line in iter(sys.stdin.readline, ""):
        wish = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _child(module, wish, nursery)
        print(pid, flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
