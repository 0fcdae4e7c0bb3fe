"""The body of a request to the bot, within limits."""

from __future__ import annotations

import json
from collections.abc import Callable

from aiohttp import web
from pydantic import ValidationError

from approvals.canonical import well_formed
from bot.teams.wire import IncomingActivity

BODY_LIMIT_BYTES = 256 * 1024


async def read_activity(request: web.Request) -> IncomingActivity:
    """The activity in the body, not verified yet. Raises HTTP 413, 415 or 400."""
    if request.content_type != "application/json":
        # Also keeps web pages out: a browser asks before it sends JSON to another origin.
        raise _http(web.HTTPUnsupportedMediaType, "Send an activity as application/json.")
    body = await _limited(request)
    try:
        # Half an emoji (a lone surrogate) fits neither UTF-8 nor the store.
        text = well_formed(json.dumps(json.loads(body), ensure_ascii=False))
        return IncomingActivity.model_validate(json.loads(text))
    except (ValueError, RecursionError, ValidationError) as error:
        raise _http(web.HTTPBadRequest, "The body is not a Bot Framework activity.") from error


async def _limited(request: web.Request) -> bytes:
    chunks, size = [], 0
    try:
        async for chunk in request.content.iter_chunked(64 * 1024):
            size += len(chunk)
            if size > BODY_LIMIT_BYTES:
                raise _too_large()
            chunks.append(chunk)
    except (web.RequestPayloadError, ConnectionResetError) as error:
        text = "The body does not arrive as its headers say."
        raise _http(web.HTTPBadRequest, text) from error
    return b"".join(chunks)


def _too_large() -> web.HTTPException:
    text = f"An activity may have {BODY_LIMIT_BYTES:,} bytes."
    return web.HTTPRequestEntityTooLarge(
        max_size=BODY_LIMIT_BYTES, actual_size=BODY_LIMIT_BYTES + 1, text=text
    )


def _http(kind: Callable[..., web.HTTPException], detail: str) -> web.HTTPException:
    return kind(text=detail)
