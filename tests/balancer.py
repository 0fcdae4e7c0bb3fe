"""A load balancer for tests: one address, and whichever replica is up behind it, in turn.

It forwards bytes and knows no HTTP, as the simplest of the real ones do. A replica that refuses
the connection is passed over; one that dies in the middle of an answer breaks the client's
connection, and the client asks again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress

CHUNK_BYTES = 65_536


class Balancer:
    """Forwards `port` to `targets`, by turns."""

    def __init__(self, port: int, targets: Sequence[int]):
        self._port, self._targets = port, list(targets)
        self._out: set[int] = set()
        self._turn = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="balancer", daemon=True)
        self._ready = threading.Event()
        self._open: dict[int, tuple[asyncio.StreamWriter, ...]] = {}

    def start(self) -> None:
        """Listen; returns when it does."""
        self._thread.start()
        self._ready.wait()

    @property
    def running(self) -> bool:
        """Whether it was started."""
        return self._thread.is_alive()

    def take_out(self, target: int) -> None:
        """Send nobody there any more, and break what is open: what a health check would do."""
        self._out.add(target)
        for writer in self._open.get(target, ()):
            self._loop.call_soon_threadsafe(writer.transport.abort)

    def put_back(self, target: int) -> None:
        """Let it take its turns again."""
        self._out.discard(target)

    def close(self) -> None:
        """Break every connection and stop listening."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self._port)
        )
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await self._connect()
            if there is None:
                return
            target, back, forth = there
            self._open[target] = (*self._open.get(target, ()), forth)
            both = [
                asyncio.ensure_future(_copy(reader, forth)),
                asyncio.ensure_future(_copy(back, writer)),
            ]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in both:
                    one.cancel()
                await asyncio.gather(*both, return_exceptions=True)
                forth.close()
                self._open[target] = tuple(w for w in self._open[target] if w is not forth)
        finally:
            writer.close()

    async def _connect(self) -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self._targets:
            self._turn += 1
            target = self._targets[self._turn % len(self._targets)]
            if target in self._out:
                continue
            with suppress(OSError):
                return target, *await asyncio.open_connection("127.0.0.1", target)
        return None


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(CHUNK_BYTES):
            sink.write(chunk)
            await sink.drain()
