"""Bind, announce, serve and stop: what every stand-in does the same way."""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, cast

from aiohttp import web

LOOPBACK = "127.0.0.1"
SHUTDOWN_TIMEOUT_S = 0.5
"""How long a request may still run after the stop: a stand-in has nothing to save."""


class PortInUseError(OSError):
    """Another process listens on the port that was asked for."""


class Ready(Protocol):
    """A started stand-in: what it tells the person or the program that started it."""

    def ready(self) -> dict[str, Any]:
        """The address and the credentials, for the one JSON line on stdout."""
        ...


def explain_bind_error(error: OSError, host: str, port: int) -> OSError:
    """The error to raise instead of `error`: the port in use is named, others stay."""
    if error.errno != errno.EADDRINUSE:
        return error
    return PortInUseError(
        error.errno,
        f"port {port} on {host} is in use: stop the process that listens there or pass another "
        "--port (0 takes a free one)",
    )


@asynccontextmanager
async def serve(app: web.Application, *, host: str = LOOPBACK, port: int = 0) -> AsyncIterator[str]:
    """Serve `app` and yield its base URL without a trailing slash; everything is closed on exit.

    Raises PortInUseError.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
    await runner.setup()
    try:
        server = await _listen(runner, host, port)
        try:
            yield f"http://{host}:{server.sockets[0].getsockname()[1]}"
        finally:
            await _stop_listening(server)
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
    protocols = cast(web.Server, runner.server)  # `setup` has made it
    try:
        return await asyncio.get_running_loop().create_server(protocols, host, port)
    except OSError as error:
        raise explain_bind_error(error, host, port) from error


async def _stop_listening(server: asyncio.Server) -> None:
    """Close it a round after the last accept: of a connection that was accepted and has not got
    there yet, asyncio would lose sight, open (Python 3.11, `Server._attach`)."""
    for listening in server.sockets:
        asyncio.get_running_loop().remove_reader(listening.fileno())
    await asyncio.sleep(0)
    server.close()


async def _until_stopped(standin: AbstractAsyncContextManager[Ready]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with standin as started:
        sys.stdout.write(json.dumps(started.ready()) + "\n")
        sys.stdout.flush()
        await stop.wait()


def run_alone(
    parser: argparse.ArgumentParser,
    start: Callable[[argparse.Namespace], AbstractAsyncContextManager[Ready]],
    *,
    default_port: int,
) -> None:
    """Run one stand-in as a program until SIGTERM or Ctrl-C.

    If it cannot start it says why and exits with status 1.
    """
    parser.add_argument(
        "--host", default=LOOPBACK, help="address to listen on (default %(default)s)"
    )
    parser.add_argument(
        "--port", type=int, default=default_port, help="0 takes a free one (default %(default)s)"
    )
    arguments = parser.parse_args()
    try:
        asyncio.run(_until_stopped(start(arguments)))
    except OSError as error:
        sys.exit(f"{parser.prog}: {error.strerror or error}")
