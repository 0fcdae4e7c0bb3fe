"""Every error leaves as RFC 9457 problem details: what, which id, and what to do."""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field

from countersign.approvals.errors import (
    AlreadyDecidedError,
    BusyError,
    ClosedError,
    ConflictError,
    CountersignError,
    DeniedByPolicyError,
    ExpiredError,
    IntegrityError,
    InvalidArgumentsError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
    NotInDoubtError,
    RefusedError,
    StaleDigestError,
    TooManyRefusalsError,
    UnavailableError,
)
from countersign.approvals.models import Decision, Finding, RequestStatus

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:countersign:problem:"
_NOT_SOON_S = "3600"
"""When what was refused too often may be tried again: after somebody has changed roles."""
_KEPT = ("Allow", "Connection", "Retry-After")
"""Headers of aiohttp's own refusals that go out with the problem."""

# The first class that fits wins, so the special ones stand before their bases.
_STATUS: tuple[tuple[type[CountersignError], HTTPStatus, str], ...] = (
    (NotFoundError, HTTPStatus.NOT_FOUND, "not-found"),
    (TooManyRefusalsError, HTTPStatus.TOO_MANY_REQUESTS, "too-many-refusals"),
    (NotAuthorisedError, HTTPStatus.FORBIDDEN, "not-authorised"),
    (DeniedByPolicyError, HTTPStatus.FORBIDDEN, "denied-by-policy"),
    (RefusedError, HTTPStatus.FORBIDDEN, "refused"),
    (AlreadyDecidedError, HTTPStatus.CONFLICT, "already-decided"),
    (StaleDigestError, HTTPStatus.CONFLICT, "stale-digest"),
    (ExpiredError, HTTPStatus.GONE, "expired"),
    (NotInDoubtError, HTTPStatus.CONFLICT, "not-in-doubt"),
    (ClosedError, HTTPStatus.CONFLICT, "closed"),
    (ConflictError, HTTPStatus.CONFLICT, "conflict"),
    (InvalidArgumentsError, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-arguments"),
    (InvalidError, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid"),
    (BusyError, HTTPStatus.TOO_MANY_REQUESTS, "busy"),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
    (IntegrityError, HTTPStatus.INTERNAL_SERVER_ERROR, "integrity"),
    (CountersignError, HTTPStatus.INTERNAL_SERVER_ERROR, "internal"),
)


class Problem(BaseModel):
    """Problem details (RFC 9457); the members after `detail` are there when they apply."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    title: str
    status: int
    detail: str
    errors: list[str] | None = Field(default=None, description="Each wrong field with its path.")
    decided_by: str | None = Field(default=None, description="Who was first: a person's id.")
    decided_at: str | None = Field(default=None, description="When, ISO 8601 in UTC.")
    via: str | None = Field(default=None, description="Through what: teams, api, …")
    request_status: str | None = Field(default=None, description="Where the request stands now.")


def problem(
    status: HTTPStatus,
    kind: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    **members: Any,
) -> web.Response:
    """A problem as a response."""
    body = Problem(
        type=_TYPE + kind, title=status.phrase, status=status, detail=detail, **members
    ).model_dump(mode="json", exclude_none=True)
    return web.Response(
        status=status, text=json.dumps(body), content_type=MEDIA_TYPE, headers=headers
    )


def unauthorised(detail: str) -> web.Response:
    """401 with the scheme to use."""
    return problem(
        HTTPStatus.UNAUTHORIZED,
        "unauthorised",
        detail,
        headers={"WWW-Authenticate": 'Bearer realm="countersign"'},
    )


def status_of(error: CountersignError) -> HTTPStatus:
    """The status that tells of a domain error."""
    if isinstance(error, AlreadyDecidedError) and error.status is RequestStatus.EXPIRED:
        return HTTPStatus.GONE
    return next(status for kind, status, _ in _STATUS if isinstance(error, kind))


def of_error(error: CountersignError) -> web.Response:
    """The problem that tells of a domain error."""
    status, kind = next((s, k) for cls, s, k in _STATUS if isinstance(error, cls))
    members: dict[str, Any] = {}
    headers: dict[str, str] | None = None
    if isinstance(error, AlreadyDecidedError):
        if error.status is RequestStatus.EXPIRED:
            status, kind = HTTPStatus.GONE, "expired"
        members = _first(error.status, error.decision)
    elif isinstance(error, NotInDoubtError):
        members = _first(error.status, error.finding)
    elif isinstance(error, InvalidArgumentsError):
        members["errors"] = [f"arguments.{name}: {why}" for name, why in error.problems.items()]
    elif isinstance(error, UnavailableError):
        headers = {"Retry-After": str(math.ceil(error.retry_after_s or 1))}
    elif isinstance(error, TooManyRefusalsError):
        headers = {"Retry-After": _NOT_SOON_S}
    told = error.outside if isinstance(error, UnavailableError) else None
    return problem(status, kind, told or str(error), headers=headers, **members)


def _first(status: RequestStatus, first: Decision | Finding | None) -> dict[str, Any]:
    """Who was first, when and through what."""
    members = {"request_status": str(status)}
    if first is not None:
        members |= {
            "decided_by": first.by,
            "decided_at": first.at.isoformat(),
            "via": str(first.via),
        }
    return members


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever goes wrong into a problem; a bug becomes a 500 that tells nothing away."""
    try:
        return await handler(request)
    except CountersignError as error:
        response = of_error(error)
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request failed", path=request.path, error=str(error))
        return response
    except web.HTTPRequestEntityTooLarge as error:
        return problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "too-large",
            error.text or "The body is too large.",
            headers={"Connection": "close"},
        )
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        status = HTTPStatus(error.status)
        headers = {name: error.headers[name] for name in _KEPT if name in error.headers}
        kind = status.phrase.lower().replace(" ", "-")
        said = error.text if error.text != f"{error.status}: {error.reason}" else None
        detail = said or f"{request.method} {request.path}: {status.phrase}."
        return problem(status, kind, detail, headers=headers)
    except Exception:  # a bug of ours: the log has it, the caller learns nothing of it
        log.exception("request crashed", path=request.path)
        return problem(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong here; the log has it under the X-Request-Id of this answer.",
        )
