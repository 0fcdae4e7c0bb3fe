"""The HTTP side of a witness."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from aiohttp import web

from countersign.bot.audit.witness import BODY_MAX, PATH, Witness


def application(witness: Witness) -> web.Application:
    """`POST /add-checkpoint`, one at a time."""

    async def add(request: web.Request) -> web.Response:
        answer = witness.add_checkpoint(await request.read())
        return web.Response(
            status=answer.status, body=answer.body.encode(), headers={"Content-Type": answer.kind}
        )

    app = web.Application(client_max_size=BODY_MAX)
    app.router.add_post(PATH, add)
    return app


def serve(witness: Witness, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Answer until SIGINT or SIGTERM; `ready` is told the address."""
    asyncio.run(_serving(witness, host, port, ready))


async def _serving(witness: Witness, host: str, port: int, ready: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(application(witness), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0][1]
        ready(f"http://{host}:{bound}")
        await stop.wait()
    finally:
        await runner.cleanup()
