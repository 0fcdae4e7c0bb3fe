"""Audit hooks: the interpreter's ways to execute something, refused beside the gate.

Code that is neither AutoGen's nor ours may start a program, run a string as code, or talk to
Docker without any of AutoGen's classes. The interpreter says so to audit hooks:
https://docs.python.org/3/library/audit_events.html (read 2026-11-29). A hook costs about 0.4 µs
for each of the 100 to 200 events of a turn and cannot be taken out again, so it is put in with the
first chat that holds such code (`agents.classic.reach`).
"""

from __future__ import annotations

import os
import sys
import time
from types import CodeType, FrameType
from typing import Any

from countersign.agents.guard import contexts
from countersign.agents.guard.libraries import is_in_a_library
from countersign.approvals.errors import BesideGateError

_STARTS = frozenset(
    {
        "subprocess.Popen",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.system",
        "pty.spawn",
    }
)
_EXEC, _CONNECT = "exec", "socket.connect"
_HEARD = _STARTS | {_EXEC, _CONNECT}
_PASSED_ON_BY = frozenset(
    {"asyncio", "concurrent", "contextlib", "functools", "os", "subprocess", "threading"}
)
"""Modules of the standard library that start what somebody else names."""
_READS = frozenset(
    {"azure", "botocore", "ctypes", "distro", "google", "msal", "platform", "sysconfig", "uuid"}
)
"""Who starts a fixed program of its own: to read about this machine, or to get a credential."""
_EXPRESSIONS = "autogen.agentchat.group.context_expression"
"""Evaluates conditions that the workflow has written, after it has parsed and checked them."""

_RUNS_STRINGS = frozenset(
    {"IPython", "bdb", "cProfile", "code", "doctest", "langchain_experimental", "profile", "runpy"}
    | {"sched", "smolagents", "timeit", "trace", "weakref"}
    | _PASSED_ON_BY
)
_HANDS_ON = frozenset({"multiprocessing.pool", "multiprocessing.process"})
"""Libraries that execute what somebody else has written. `pdb` is not: a person types there."""
_IMPORTS = "<frozen importlib"

_installed = 0.0
"""Since when it is listened, as `time.time()`; 0 if it is not."""


def install() -> None:
    """Listen, from now on and as long as the process lives. Harmless to repeat."""
    global _installed
    if not _installed:
        _installed = time.time()
        sys.addaudithook(_heard)


def _heard(event: str, args: tuple[Any, ...]) -> None:
    if event not in _HEARD:
        return
    if event == _CONNECT:
        if _is_docker(args[1]):
            try:
                contexts.forbid("use Docker", f"by its socket {args[1]}")
            except BesideGateError:
                args[0].close()
                raise
        return
    caller = _caller()
    if event == _EXEC:
        if contexts.run_here() is not None:
            if not _is_a_librarys(caller, args[0]):
                contexts.forbid("execute code", _how(caller))
        elif _is_autogens(caller) and not _is_a_librarys(caller, args[0]):
            contexts.forbid("execute code", _how(caller))
    elif contexts.run_here() is not None:
        if not _only_reads(caller):
            contexts.forbid("start a program", f"by {event}")
    elif _is_autogens(_behind(caller)):
        contexts.forbid("start a program", f"by {event}")


def _how(frame: FrameType | None) -> str:
    if frame is not None and frame.f_code.co_filename.startswith(_IMPORTS):
        return "by an import of a file that was written since this server began"
    by = "" if frame is None or not _is_by_name(frame) else f", by {_module(frame)}"
    return f"by exec or eval{by}"


def _caller() -> FrameType | None:
    """Whoever runs what is being audited."""
    return sys._getframe(2)


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _is_autogens(frame: FrameType | None) -> bool:
    return frame is not None and _module(frame).partition(".")[0] == "autogen"


def _is_by_name(frame: FrameType) -> bool:
    name = _module(frame)
    return name.partition(".")[0] in _RUNS_STRINGS or name in _HANDS_ON


def _is_a_librarys(frame: FrameType | None, code: CodeType) -> bool:
    """Whether it is an import, or a library that makes code of its own (dataclasses, templates).

    AutoGen is not among these: what it executes comes from a model. Nor is what executes strings of
    others, or a file that was not there when the server began.
    """
    if frame is None:
        return True
    file = frame.f_code.co_filename
    if _is_autogens(frame):
        return _module(frame) == _EXPRESSIONS
    if file.startswith(_IMPORTS):
        return is_in_a_library(code.co_filename) or not _is_new(code.co_filename)
    if _is_by_name(frame):
        return is_in_a_library(code.co_filename)
    return file.startswith("<frozen ") or is_in_a_library(file)


def _is_new(path: str) -> bool:
    try:
        return os.stat(path).st_ctime > _installed
    except OSError:  # not of a file: a frozen module, an archive
        return False


def _behind(frame: FrameType | None) -> FrameType | None:
    """Whoever had it started: what only starts what others name is passed over."""
    while frame is not None and _module(frame).partition(".")[0] in _PASSED_ON_BY:
        frame = frame.f_back
    return frame


def _only_reads(frame: FrameType | None) -> bool:
    frame = _behind(frame)
    return frame is not None and _module(frame).partition(".")[0] in _READS


def _is_docker(address: object) -> bool:
    return isinstance(address, str | bytes) and str(address).rstrip("'").endswith("docker.sock")
