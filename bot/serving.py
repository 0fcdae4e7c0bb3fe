"""Serves one composed application until it is told to stop; nothing is half started."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import NoReturn, cast

import structlog
from aiohttp import web

from countersign.approvals.errors import ConfigurationError
from countersign.bot.http.bodies import HTTP_LIMITS
from countersign.bot.observability.tracing import Tracing, tracing_by
from countersign.bot.server.app import create_app
from countersign.bot.settings.sections import Settings
from countersign.bot.wiring import compose
from countersign.bot.workflows.kept_facts import cache_folder
from countersign.connectors.addresses import LOOPBACK

log = structlog.get_logger(__name__)

BACKLOG = 128
"""Connections that wait to be accepted."""
GRACE_S = 10.0
"""How long answers under way may take once the server stops."""
SIGNAL_STATUS = 128
"""Exit statuses of processes that a signal has ended begin here, for shells."""
_FOREIGN = ("session", "blocking", "workflows")
"""How the names of threads begin in which code of others runs."""
LAST_S = 1.0


@asynccontextmanager
async def serving(
    settings: Settings,
    *,
    host: str,
    port: int,
    tracing: Tracing | None = None,
    hold: bool = False,
    on_hangup: bool = False,
    kept_in: Path | None = None,
) -> AsyncIterator[str]:
    """Serve inside the block and yield the base URL; port 0 takes a free one. With `hold` people
    are answered and nothing is run or sent. `on_hangup`: SIGHUP has the policy read again.
    `kept_in`: see `bot.wiring.compose`.

    The port is bound before any session runs, so a second server does no work at all. Raises
    ConfigurationError: it names what to change.
    """
    if settings.local and host not in LOOPBACK:
        raise ConfigurationError(
            [
                f"--host {host}: in local mode everybody knows the tokens, so it listens on "
                "127.0.0.1 only; set COUNTERSIGN_ENV=production to be reached from elsewhere."
            ]
        )
    limits = settings.limits
    async with compose(settings, host=host, tracing=tracing, kept_in=kept_in) as runtime:
        runner = web.AppRunner(
            create_app(runtime.parts), access_log=None, shutdown_timeout=GRACE_S, **HTTP_LIMITS
        )
        await runner.setup()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(runner.cleanup)
            server, url = await _listen(runner, host, port)
            stack.callback(server.close)
            if on_hangup:
                stack.enter_context(_on_hangup(runtime.reload.now))
            await runtime.self_test(url)
            async with runtime.on_hold() if hold else runtime.working(grace_s=limits.grace):
                log.info("serving", url=url, mode=str(settings.mode), config=settings.source)
                runtime.warn()
                yield url
                runtime.health.stop()
                log.info("stopping", drain_s=limits.drain, grace_s=limits.grace)
                await asyncio.sleep(limits.drain)
                # People first: no new work is taken while the running work is put down.
                await _stop_listening(server)


async def serve(settings: Settings, *, host: str, port: int, hold: bool = False) -> None:
    """Serve until SIGINT or SIGTERM, then stop in an orderly way: see `limits` in the settings. A
    second signal ends the process at once, as a crash would: nothing is lost by that either.

    Does not return while a thread is left that cannot be ended: the process is ended then.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if stop.is_set():
            log.error("second signal: ended at once", signal=number)
            _leave(SIGNAL_STATUS + number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal, number)
    tracing, send_rest = tracing_by(os.environ)
    try:
        # On a terminal it says that the terminal is gone, and ends the process as ever.
        hangup = not sys.stdin.isatty()
        async with serving(
            settings,
            host=host,
            port=port,
            tracing=tracing,
            hold=hold,
            on_hangup=hangup,
            kept_in=cache_folder(os.environ),
        ):
            await stop.wait()
    finally:
        send_rest()  # blocks; but nothing is left that would want the loop
    log.info("stopped")
    if _threads_left():
        # A tool, or a model that was asked by a sync chat: Python would wait for it for ever.
        log.warning("threads left behind")
        _leave(0)


@contextmanager
def _on_hangup(work: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, work)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


def _threads_left() -> bool:
    """Whether foreign code still runs, after all pools were closed and had a moment to end."""
    deadline = time.monotonic() + LAST_S
    for thread in threading.enumerate():
        if thread.name.startswith(_FOREIGN):
            thread.join(max(0.0, deadline - time.monotonic()))
    return any(thread.name.startswith(_FOREIGN) for thread in threading.enumerate())


def _leave(status: int) -> NoReturn:
    """End the process without waiting for threads."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


async def _listen(runner: web.AppRunner, host: str, port: int) -> tuple[asyncio.Server, str]:
    protocols = cast(web.Server, runner.server)  # `setup` has made it
    try:
        server = await asyncio.get_running_loop().create_server(
            protocols, host, port, backlog=BACKLOG
        )
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            problem = (
                f"port {port} on {host} is in use: stop the program that listens there, or choose "
                "another with --port."
            )
        else:
            problem = f"cannot listen on {host}:{port}: {exc.strerror or exc}."
        raise ConfigurationError([problem]) from exc
    bound_host, bound_port = server.sockets[0].getsockname()[:2]
    shown = f"[{bound_host}]" if ":" in bound_host else bound_host
    return server, f"http://{shown}:{bound_port}"


async def _stop_listening(server: asyncio.Server) -> None:
    """Close it a round after the last accept: of a connection that was accepted and has not got
    there yet, asyncio would lose sight, open and never answered (Python 3.11, `Server._attach`)."""
    for listening in server.sockets:
        asyncio.get_running_loop().remove_reader(listening.fileno())
    await asyncio.sleep(0)
    server.close()
