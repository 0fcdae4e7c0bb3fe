"""An aiohttp application with faults, recording and the control routes already in place."""

from __future__ import annotations

import secrets

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from countersign.sandbox._effects import RefusedError
from countersign.sandbox._faults import (
    CONTROL_PREFIX,
    ErrorBody,
    Faults,
    fault_routes,
    faults_middleware,
)
from countersign.sandbox._record import Recorder, recorder_middleware, recorder_routes

MAX_BODY_BYTES = 4 * 1024 * 1024


def application(
    faults: Faults, recorder: Recorder, error_body: ErrorBody, *middlewares: Middleware
) -> web.Application:
    """A stand-in's application: recorded, then failed on demand, then its own `middlewares`."""
    app = web.Application(
        client_max_size=MAX_BODY_BYTES,
        middlewares=[
            recorder_middleware(recorder),
            faults_middleware(faults, error_body),
            *middlewares,
        ],
    )
    app.add_routes([*fault_routes(faults), *recorder_routes(recorder)])
    return app


def keyed(api_key: str) -> Middleware:
    """Asks for the API key except on the page, and writes refusals as JSON."""

    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path != "/" and not request.path.startswith(CONTROL_PREFIX):
            key = request.headers.get("X-Api-Key", "")
            if not secrets.compare_digest(key.encode(), api_key.encode()):
                return _refused(RefusedError(401, "unauthorized", "Send a valid X-Api-Key."))
        try:
            return await handler(request)
        except RefusedError as refused:
            return _refused(refused)

    return refuse


def _refused(why: RefusedError) -> web.Response:
    said = {"code": why.code, "message": why.message}
    return web.json_response({"error": said}, status=why.status)
