"""`python -m tests.nursery MODULE ARGUMENTS`: imports once, then forks a server for each line of
stdin.

A line is `{"argv", "cwd", "env", "log", "errors", "ended"}`; the answer is the process id. MODULE
has `prepare(*ARGUMENTS)`, called once before any fork, and `main(argv)`, called in each child,
whose whole environment is `env`. Once a child has ended, the file `ended` has its exit status, or
the negative number of the signal that has ended it. The nursery ends at the end of stdin, which is
also the end of whoever has started it, and its children end with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
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
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in enumerate(("log", "errors"), start=1):
        os.dup2(os.open(wish[name], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), number)
    os.closerange(3, 64)
    os.chdir(wish["cwd"])
    os.environ.clear()
    os.environ.update(wish["env"])
    status = 1
    try:
        module.main(wish["argv"])
        status = 0
    except SystemExit as exc:
        status = _status(exc.code)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _status(code: Any) -> int:
    """What the interpreter makes of what `sys.exit` was called with."""
    if code is None or isinstance(code, int):
        return code or 0
    sys.stderr.write(f"{code}\n")
    return 1


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


class _Children:
    """Those that have not ended, and where to say so."""

    def __init__(self) -> None:
        self._ended: dict[int, Path] = {}

    def bear(self, wish: dict[str, Any]) -> int:
        """Fork; 0 in the child, like `os.fork`."""
        pid = os.fork()
        if pid:
            self._ended[pid] = Path(wish["ended"])
        return pid

    def bury(self) -> None:
        """Leave nothing behind of those that have ended but their status."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                ended = self._ended.pop(pid)
                written = ended.with_suffix(".written")
                written.write_text(str(os.waitstatus_to_exitcode(status)))
                written.rename(ended)


def _woken_by_children() -> int:
    """A pipe that becomes readable when a child ends. A handler that buries would run late: Python
    looks for signals before it waits for a line, and one that comes in between waits with it."""
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return woken


def main() -> None:
    module = importlib.import_module(sys.argv[1])
    with contextlib.redirect_stdout(sys.stderr):  # answers are all that is on stdout
        module.prepare(*sys.argv[2:])
    gc.collect()
    assert not (both := _shared()), both
    gc.freeze()  # shared pages stay shared
    nursery = os.getpid()
    children, woken = _Children(), _woken_by_children()
    while True:
        ready, _, _ = select.select([sys.stdin, woken], [], [])
        if woken in ready:
            os.read(woken, select.PIPE_BUF)
            children.bury()
        if sys.stdin not in ready:
            continue
        line = sys.stdin.readline()  # one at a time: whoever asks waits for its answer
        if not line:
            return
        wish = json.loads(line)
        pid = children.bear(wish)
        if pid == 0:
            _child(module, wish, nursery)
        print(pid, flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
