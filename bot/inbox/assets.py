"""Assets of the pages: a style sheet and two scripts, which come from this server alone."""

from __future__ import annotations

import hashlib
from functools import cache
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

ROUTE = "/inbox/static/{version}/{name}"
STATIC = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"
"""The path has a hash of what is in the file."""


@cache
def path(name: str) -> str:
    """Where browsers find it."""
    return f"/inbox/static/{_file(name)[0]}/{name}"


async def get(request: web.Request) -> web.StreamResponse:
    """The file; only one that is listed, and only under its own hash."""
    name = request.match_info["name"]
    if name not in _names() or request.match_info["version"] != _file(name)[0]:
        raise web.HTTPNotFound
    kind = TYPES[Path(name).suffix]
    return web.Response(
        status=HTTPStatus.OK,
        body=_file(name)[1],
        headers={"Cache-Control": FOREVER},
        content_type=kind,
        charset="utf-8",
    )


@cache
def _names() -> frozenset[str]:
    return frozenset(file.name for file in STATIC.iterdir() if file.suffix in TYPES)


@cache
def _file(name: str) -> tuple[str, bytes]:
    content = (STATIC / name).read_bytes()
    return hashlib.sha256(content).hexdigest()[:16], content
