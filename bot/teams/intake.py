"""The body of a request to the bot, as an activity that is not verified yet."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from pydantic import ValidationError

from countersign.approvals.audit.canonical import well_formed
from countersign.bot.http.bodies import Room, parse_json, read_body
from countersign.bot.teams.wire import IncomingActivity


async def read_activity(request: web.Request, room: Room | None = None) -> IncomingActivity:
    """The activity in the body, not verified yet. Raises HTTP 415, 413, 408, 400, or 429 if it is
    large and `room` has no place for it."""
    if request.content_type != "application/json":
        # Also keeps web pages out: a browser asks before it sends JSON to another origin.
        raise web.HTTPUnsupportedMediaType(text="Send an activity as application/json.")
    body = await read_body(request, room=room)
    try:
        return IncomingActivity.model_validate(storable(parse_json(body)))
    except (ValueError, ValidationError) as error:
        raise web.HTTPBadRequest(text="The body is not a Bot Framework activity.") from error


def storable(value: Any) -> Any:
    """The value with texts that can be kept: half an emoji (a lone surrogate) fits neither UTF-8
    nor the store, and NUL not every store."""
    match value:
        case str():
            return well_formed(value)
        case dict():
            return {well_formed(name): storable(inner) for name, inner in value.items()}
        case list():
            return [storable(inner) for inner in value]
    return value
