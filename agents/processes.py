"""The interpreter's ways to execute something, refused beside the gate.

Code that is neither AutoGen's nor ours may start a program, run a string as code, or talk to
Docker without any of AutoGen's classes. The interpreter says so to audit hooks:
https://docs.python.org/3/library/audit_events.html (read 2026-11-29). A hook costs about 0.4 µs
for each of the 100 to 200 events of a turn and cannot be taken out again, so it is put in with the
first chat that holds such code (`agents.reach`). Threads know nothing of the context in which they
were started, and Python 3.11 does not announce them: `Thread.start` notes it.
"""

from __future__ import annotations

import sys
import sysconfig
import threading
from types import FrameType
from typing import Any

from agents import beside
from agents.entries import guard

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
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib")})
_EXPRESSIONS = "autogen.agentchat.group.context_expression"
"""Evaluates conditions that the workflow has written, after it has parsed and checked them."""

_installed = False


def install() -> None:
    """Listen, from now on and as long as the process lives. Harmless to repeat."""
    global _installed
    if not _installed:
        _installed = True
        guard(threading.Thread, "start", beside.hand_down)
        sys.addaudithook(_heard)


def _heard(event: str, args: tuple[Any, ...]) -> None:
    if event not in _HEARD:
        return
    if event == _EXEC:
        if beside.starting() is not None and not _is_a_librarys(_caller()):
            beside.forbid("execute code", "by exec or eval")
    elif event == _CONNECT:
        if _is_docker(args[1]):
            beside.forbid("use Docker", f"by its socket {args[1]}")
    elif beside.starting() is not None and not _only_reads(_caller()):
        beside.forbid("start a program", f"by {event}")


def _caller() -> FrameType | None:
    """Whoever runs what is being audited."""
    return sys._getframe(2)


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _is_a_librarys(frame: FrameType | None) -> bool:
    """Whether it is an import, or a library that makes code of its own (dataclasses, templates).

    AutoGen is not among these: what it executes comes from a model.
    """
    if frame is None:
        return True
    name, file = _module(frame), frame.f_code.co_filename
    if name.partition(".")[0] == "autogen":
        return name == _EXPRESSIONS
    return file.startswith(("<frozen ", *_LIBRARIES))


def _only_reads(frame: FrameType | None) -> bool:
    while frame is not None and _module(frame).partition(".")[0] in _PASSED_ON_BY:
        frame = frame.f_back
    return frame is not None and _module(frame).partition(".")[0] in _READS


def _is_docker(address: object) -> bool:
    return isinstance(address, str | bytes) and str(address).rstrip("'").endswith("docker.sock")
