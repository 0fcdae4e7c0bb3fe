"""What a stand-in was asked, kept for whoever asserts on it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from countersign.sandbox._faults import CONTROL_PREFIX

MAX_REQUESTS = 5_000
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived, with the status it was answered with (None while it runs)."""

    at: datetime
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    """Parsed if it was JSON, text otherwise, None if there was none."""
    size_bytes: int
    statuses: list[int] = field(default_factory=list)

    @property
    def status(self) -> int | None:
        """The status of the answer."""
        return self.statuses[0] if self.statuses else None

    def as_json(self) -> dict[str, Any]:
        """The same for the control surface."""
        return {
            "at": self.at.isoformat(),
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "headers": dict(self.headers),
            "body": self.body,
            "status": self.status,
        }


class Recorder:
    """The latest requests, oldest first; the oldest go when the memory for them is full."""

    def __init__(self) -> None:
        self._requests: deque[Recorded] = deque()
        self._bytes = 0

    def add(self, request: Recorded) -> None:
        """Keep `request`, and let go of old ones if it does not fit."""
        self._requests.append(request)
        self._bytes += request.size_bytes
        while len(self._requests) > MAX_REQUESTS or self._bytes > MAX_BYTES:
            self._bytes -= self._requests.popleft().size_bytes

    def matching(self, method: str | None = None, path_end: str | None = None) -> list[Recorded]:
        """The requests with this method whose path ends so."""
        return [
            request
            for request in self._requests
            if (method is None or request.method == method)
            and (path_end is None or request.path.endswith(path_end))
        ]

    def clear(self) -> None:
        """Forget them all."""
        self._requests.clear()
        self._bytes = 0


def _parse(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


def recorder_middleware(recorder: Recorder) -> Middleware:
    """Record every request before it is handled, faults included."""

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        raw = await request.read()
        recorded = Recorded(
            at=datetime.now(UTC),
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=dict(request.headers),
            body=_parse(raw),
            size_bytes=len(raw) + 512,
        )
        recorder.add(recorded)
        response = await handler(request)
        recorded.statuses.append(response.status)
        return response

    return record


def recorder_routes(recorder: Recorder) -> list[web.RouteDef]:
    """`GET` the recorded requests, `DELETE` them."""

    async def show(_: web.Request) -> web.Response:
        return web.json_response([request.as_json() for request in recorder.matching()])

    async def clear(_: web.Request) -> web.Response:
        recorder.clear()
        return web.Response(status=204)

    path = CONTROL_PREFIX + "requests"
    return [web.get(path, show), web.delete(path, clear)]
