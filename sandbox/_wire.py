"""An aiohttp application with faults, recording and the control routes already in place."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Middleware

from countersign.sandbox._faults import (
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
