"""What is taken from the network: how much, how fast, how deep. The rest is refused unread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from countersign.approvals.strict_json import TooDeepError, read_json


def _without_its_bytes(record: logging.LogRecord) -> bool:
    """Of a head that cannot be read: that there was one. aiohttp would log a part of it with a
    traceback, and that may be somebody's token."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.msg, record.args = f"request not read: {error.code}", ()
        record.exc_info, record.exc_text = None, None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def _logger() -> logging.Logger:
    logger = logging.getLogger(__name__)
    logger.addFilter(_without_its_bytes)
    return logger


MAX_BODY_BYTES = 256 * 1024
"""More than any vote, card or Teams message; a larger body is refused unread."""
STRANGERS_BYTES = 64 * 1024 * 1024
"""Of bodies that are read at one time before it is known who sends them: packed, 2 kB unpack to a
webhook of 2 MB, and a thousand connections that do not go on would hold 2 GB."""
SMALL_BYTES = 32 * 1024
"""Of each body, that are always taken: an activity with a vote, an ordinary webhook."""
READ_AGAIN_S = 5
"""When to come again with a large body."""
READ_TIMEOUT_S = 20.0
"""How long a body may take to arrive: anybody may begin one."""
IDLE_S = 75.0
"""How long a connection may stay without a whole request: also whoever sends the lines of one a
byte at a time. Longer than load balancers wait (nginx and AWS: 60 s), so that they close first.
aiohttp 3.14 waits for an hour unless it is told."""
HTTP_LIMITS: dict[str, Any] = {
    "keepalive_timeout": IDLE_S,
    "max_line_size": 8190,
    "max_field_size": 8190,
    "max_headers": 128,
    "logger": _logger(),
}
"""For the server's connections: bytes of the request line and of one header, and how many of them;
what is beyond is answered 400 by aiohttp."""
MAX_DEPTH = 128
"""Levels of lists and objects in a body: those of the arguments of a call, and some around them."""

_END = {"Connection": "close"}
"""What is left of a body that was not read must not be taken for the next request."""


class Room:
    """Memory for bodies whose senders are not known before they are read whole: for all together.

    A body of SMALL_BYTES always has its place, so large ones keep no vote and no ordinary hint out.
    """

    def __init__(self, size_bytes: int = STRANGERS_BYTES):
        self._free = size_bytes

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """A place for one body. Yields what is to be told its size so far; raises HTTP 429."""
        held = 0

        def grow(size_bytes: int) -> None:
            nonlocal held
            more = max(size_bytes - SMALL_BYTES, 0) - held
            if more > self._free:
                raise web.HTTPTooManyRequests(
                    text="This server reads as many large bodies as it takes. Nothing was done.",
                    headers={**_END, "Retry-After": str(READ_AGAIN_S)},
                )
            self._free -= more
            held += more

        try:
            yield grow
        finally:
            self._free += held


async def read_body(
    request: web.Request, limit_bytes: int = MAX_BODY_BYTES, room: Room | None = None
) -> bytes:
    """The whole body, unpacked if it is compressed; the limit is for what comes out.

    Raises HTTP 413, 408 or 400; with `room`, which is for strangers, 429 if there is none.
    """
    size = request.content_length
    if size is not None and size > limit_bytes:
        raise _too_large(limit_bytes, size)
    chunks, total = [], 0
    try:
        with (room or Room(limit_bytes)).share() as grow:
            async with asyncio.timeout(READ_TIMEOUT_S):
                async for chunk in request.content.iter_chunked(64 * 1024):
                    total += len(chunk)
                    if total > limit_bytes:
                        raise _too_large(limit_bytes, total)
                    grow(total)
                    chunks.append(chunk)
    except TimeoutError:
        raise web.HTTPRequestTimeout(
            text="The body did not arrive in time.", headers=_END
        ) from None
    except (web.RequestPayloadError, ConnectionResetError) as exc:
        text = "The body does not arrive as its headers say."
        raise web.HTTPBadRequest(text=text, headers=_END) from exc
    return b"".join(chunks)


def authorization(request: web.Request) -> str:
    """The `Authorization` header; empty unless there is exactly one.

    Of two, whatever stands in front of us may have looked at the other.
    """
    given = request.headers.getall("Authorization", [])
    return given[0] if len(given) == 1 else ""


def parse_json(body: bytes, *, unique: bool = False) -> Any:
    """The JSON value in `body`, which is UTF-8; `unique`: no name may stand twice in an object.

    Raises ValueError: the text is for the sender.
    """
    try:
        return read_json(body.decode("utf-8-sig"), unique=unique, levels=MAX_DEPTH)
    except TooDeepError:
        raise
    except UnicodeDecodeError as exc:
        raise ValueError(f"is not JSON: it is not UTF-8 ({exc.reason})") from None
    except ValueError as exc:
        raise ValueError(f"is not JSON: {exc}") from None


def _too_large(limit_bytes: int, size_bytes: int) -> web.HTTPRequestEntityTooLarge:
    text = f"The body is larger than the {limit_bytes:,} bytes that are read."
    return web.HTTPRequestEntityTooLarge(limit_bytes, size_bytes, text=text, headers=_END)
