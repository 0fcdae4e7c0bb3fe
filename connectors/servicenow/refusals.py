"""Errors of ours for answers of the instance that are no success; the only place that knows.

Sources (read 2026-11-25): ServiceNow docs "Table API" (status codes, error body), "Inbound REST API
rate limiting" (429, `X-RateLimit-Reset`, `Retry-After`).
"""

from __future__ import annotations

from typing import Any

import requests

from countersign.approvals.backoff import retry_after
from countersign.approvals.errors import (
    CountersignError,
    InvalidError,
    NotFoundError,
    UnansweredError,
    UnavailableError,
)
from countersign.approvals.forms.wording import cut, visible
from countersign.connectors.blocking import RETRY_AFTER_MAX_S

RESET = "X-RateLimit-Reset"
DETAIL_LIMIT = 300


class ForbiddenError(UnavailableError):
    """Our user may not do this: an access rule (ACL) is in the way."""


def refused(answer: requests.Response, what: str, *, write: bool) -> CountersignError:
    """The error for an answer with a status of 400 or more."""
    status, said = answer.status_code, detail(answer)
    reset = RESET if status == 429 else ""
    wait_s = retry_after(answer.headers, reset=reset, longest_s=RETRY_AFTER_MAX_S)
    match status:
        case 401:
            return UnavailableError(
                f"ServiceNow refused our credentials for {what}; check connectors.servicenow.auth, "
                "and that the user is active and not locked out."
            )
        case 403 if "aborted by business rule" in said.lower():
            return InvalidError(f"A rule of the instance refused {what}: {said}")
        case 403:
            return ForbiddenError(
                f"ServiceNow does not allow {what}; give our user the roles and access rules that "
                f"docs/servicenow.md lists. It said: {said}"
            )
        case 404:
            return NotFoundError(f"ServiceNow has no record for {what}, or hides it from us.")
        case 429:
            return UnavailableError(
                f"ServiceNow allows no more calls now ({what}).",
                retry_after_s=wait_s,
            )
        case _ if status < 500:
            return InvalidError(f"ServiceNow did not take {what} ({status}): {said}")
    text = f"ServiceNow failed at {what} ({status})."
    if write:
        return UnansweredError(text, retry_after_s=wait_s)
    return UnavailableError(text, retry_after_s=wait_s)


def detail(answer: requests.Response) -> str:
    """The reason in the error body, in one line and not more than 300 characters."""
    try:
        body: Any = answer.json()
    except ValueError:
        return "nothing that can be read"
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        said = " ".join(str(error[name]) for name in ("message", "detail") if error.get(name))
    else:
        said = str(error or "nothing")
    return cut(visible(" ".join(said.split())), DETAIL_LIMIT)
