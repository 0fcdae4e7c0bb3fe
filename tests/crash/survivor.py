"""A server that dies again and again, and is started again each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from tests.stack import START_TIMEOUT_S, Stack, until

CRASHING = "tests.crash.server"


class Survivor:
    """A stack whose server is started again whenever it has died."""

    def __init__(self, one: Stack, points: tuple[str, ...] = ()):
        self.one, self._points, self.kills = one, list(points), 0
        self.died_at: list[str] = []
        self._point = ""

    def start(self) -> None:
        """The next server; it may be dead already when this returns."""
        self._point = self._points.pop(0) if self._points else ""
        more = {"COUNTERSIGN_TEST_CRASH": self._point} if self._point else {}
        self.one.new_server(module=CRASHING, COUNTERSIGN_TEST_ATTEMPT_S="3", **more)
        self.one.server.start()
        until(lambda: self._ready() or not self.one.server.running, "a server", START_TIMEOUT_S)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.one.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def arm(self, point: str) -> None:
        """Kill what runs, and start a server that kills itself at this point."""
        self.one.server.kill()
        self._points = [point]
        self.start()

    def kill(self) -> None:
        """From outside, in the middle of whatever it does; its own point comes later."""
        if self.one.server.running:
            self.one.server.kill()
            self.kills += 1
            if self._point:
                self._points.append(self._point)
            self.start()

    def revive(self) -> None:
        """Start the server again if it has died."""
        while not self.one.server.running:
            self.kills += 1
            self.died_at.append(self._point)
            assert self._point, f"the server ended by itself:\n{self.one.server.text()[-4000:]}"
            self.start()

    def patient(self, call: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
        """The first true answer, whatever happens to the server meanwhile."""

        def answer() -> Any:
            try:
                return call()
            except httpx.TransportError:
                return None
            finally:
                self.revive()

        return until(answer, what, timeout_s)
