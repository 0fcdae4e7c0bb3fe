"""Bad days on demand: the next answers of a stand-in fail, stall or break off."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import BaseModel, ConfigDict, Field, ValidationError

CONTROL_PREFIX = "/_sandbox/"
"""Requests of the person at the switches: never failed, never recorded."""


class Fault(BaseModel):
    """What happens to the next `times` requests that match `method` and `path`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["error", "error_after", "slow", "reset", "reset_after"] = "error"
    """`error` and `reset` come before anything happened, `error_after` and `reset_after` after
    the effect: the request was carried out, and only its answer is lost."""
    times: int = Field(default=1, ge=1)
    method: str | None = None
    path: str | None = None
    """A regular expression searched in the decoded path; None matches every path."""
    status: int = Field(default=500, ge=400, le=599)
    code: str | None = None
    """The vendor's own error code, where its error body has one."""
    retry_after_s: int | None = Field(default=None, ge=0)
    retry_after: str | None = None
    """`Retry-After` verbatim, for the forms that are not whole seconds (an HTTP date, "1.5")."""
    delay_s: float = Field(default=0.0, ge=0)

    def headers(self) -> dict[str, str]:
        """`Retry-After`, if this fault names one."""
        if self.retry_after is not None:
            return {"Retry-After": self.retry_after}
        return {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}


class Faults:
    """The faults that are still to come, first in, first out."""

    def __init__(self) -> None:
        self._queue: list[tuple[Fault, int]] = []
        self.latency_s = 0.0
        """What every request takes at least, with or without a fault."""
        self.answering = asyncio.Event()
        """Whether requests go on; see `hanging`."""
        self.answering.set()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Inside the block nothing is answered; what came meanwhile is carried out after it."""
        self.answering.clear()
        try:
            yield
        finally:
            self.answering.set()

    def add(self, fault: Fault) -> None:
        """Queue `fault` behind the ones that are there."""
        self._queue.append((fault, fault.times))

    def fail(self, status: int = 500, **more: Any) -> None:
        """Queue error answers: `faults.fail(429, retry_after_s=1, times=2, path="/activities")`."""
        self.add(Fault(kind="error", status=status, **more))

    def clear(self) -> None:
        """Forget every fault."""
        self._queue.clear()

    def pending(self) -> list[dict[str, Any]]:
        """The faults that are left, for the control page."""
        return [{**fault.model_dump(), "times": left} for fault, left in self._queue]

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request runs into, if any; it is used up by this call."""
        for index, (fault, left) in enumerate(self._queue):
            if fault.method is not None and fault.method.upper() != method.upper():
                continue
            if fault.path is not None and not re.search(fault.path, path):
                continue
            if left == 1:
                del self._queue[index]
            else:
                self._queue[index] = (fault, left - 1)
            return fault
        return None


def reset_connection(transport: asyncio.BaseTransport | None) -> None:
    """Break the connection with a TCP RST, as a crashed peer or a dropped tunnel does."""
    if not isinstance(transport, asyncio.WriteTransport):
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        # Linger on, zero seconds: close() sends RST instead of FIN (socket(7)).
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


ErrorBody = Callable[[Fault], Any]


def _failure(fault: Fault, error_body: ErrorBody) -> web.Response:
    return web.json_response(error_body(fault), status=fault.status, headers=fault.headers())


def faults_middleware(faults: Faults, error_body: ErrorBody) -> Middleware:
    """Apply the queued faults to requests; `error_body` writes the vendor's own error shape."""

    @web.middleware
    async def apply(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        await faults.answering.wait()
        if faults.latency_s:
            await asyncio.sleep(faults.latency_s)
        fault = faults.take(request.method, request.path)
        if fault is None:
            return await handler(request)
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.kind == "error":
            return _failure(fault, error_body)
        if fault.kind == "reset":
            reset_connection(request.transport)
            return web.Response()
        response = await handler(request)
        if fault.kind == "error_after":
            return _failure(fault, error_body)
        if fault.kind == "reset_after":
            reset_connection(request.transport)
        return response

    return apply


def fault_routes(faults: Faults) -> list[web.RouteDef]:
    """`POST` one fault (or a list), `GET` those that are left, `DELETE` all of them.

    `PUT latency {"latency_s"}` slows every request down.
    """

    async def add(request: web.Request) -> web.Response:
        body = await request.json()
        try:
            parsed = [
                Fault.model_validate(item) for item in (body if isinstance(body, list) else [body])
            ]
        except ValidationError as error:
            return web.json_response(
                {"error": error.errors(include_url=False, include_context=False)}, status=422
            )
        for fault in parsed:
            faults.add(fault)
        return web.json_response(faults.pending(), status=201)

    async def left(_: web.Request) -> web.Response:
        return web.json_response(faults.pending())

    async def clear(_: web.Request) -> web.Response:
        faults.clear()
        return web.Response(status=204)

    async def slow_down(request: web.Request) -> web.Response:
        try:
            latency_s = float((await request.json())["latency_s"])
        except (KeyError, TypeError, ValueError):
            return web.json_response({"error": "latency_s must be a number"}, status=422)
        faults.latency_s = max(0.0, latency_s)
        return web.json_response({"latency_s": faults.latency_s})

    path = CONTROL_PREFIX + "fault"
    return [
        web.post(path, add),
        web.get(path, left),
        web.delete(path, clear),
        web.put(CONTROL_PREFIX + "latency", slow_down),
    ]
