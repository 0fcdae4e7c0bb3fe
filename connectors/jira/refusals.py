"""Errors of ours for answers of Jira that are no success; the only place that knows.

Sources (read 2026-11-25): developer.atlassian.com, "The Jira Cloud platform REST API", status codes
and ErrorCollection; "Rate limiting" (429 and 503 with `Retry-After`); Jira Data Center, "Adjusting
your code for rate limiting" (`Retry-After: 0` occurs). Expired OAuth tokens: n8n issue 37776.
"""

from __future__ import annotations

from collections.abc import Mapping
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

DETAIL_LIMIT = 300


class ForbiddenError(UnavailableError):
    """Our account may not do this."""


class FieldsError(InvalidError):
    """Jira did not take what we sent; `errors` maps field ids to its reasons."""

    def __init__(self, text: str, errors: Mapping[str, str]):
        super().__init__(text)
        self.errors = errors


def refused(answer: requests.Response, what: str, *, write: bool) -> CountersignError:
    """The error for an answer with a status of 400 or more."""
    status, said = answer.status_code, detail(answer)
    wait_s = retry_after(answer.headers, longest_s=RETRY_AFTER_MAX_S)
    match status:
        case 401:
            return credentials_refused(what)
        case 403 if "CAPTCHA" in answer.headers.get("X-Authentication-Denied-Reason", ""):
            return UnavailableError(
                f"Jira wants our account to solve a captcha ({what}); sign in with it once in a "
                "browser, and use a personal access token."
            )
        case 403:
            return ForbiddenError(
                f"Jira does not allow {what}; give our account the permissions that docs/jira.md "
                f"lists, and check that the token has not expired. It said: {said}"
            )
        case 404:
            return NotFoundError(f"Jira has nothing for {what}, or hides it from us.")
        case 410:
            return UnavailableError(
                f"Jira no longer has what we use for {what}; is connectors.jira.deployment right?"
            )
        case 429:
            return UnavailableError(
                f"Jira allows no more calls now ({what}).", retry_after_s=wait_s
            )
        case _ if status < 500 and write:
            return FieldsError(f"Jira did not take {what} ({status}): {said}", field_errors(answer))
        case _ if status < 500:
            return UnavailableError(f"Jira did not answer {what} ({status}): {said}")
    kind = UnansweredError if write else UnavailableError
    return kind(f"Jira failed at {what} ({status}).", retry_after_s=wait_s)


def credentials_refused(what: str) -> UnavailableError:
    """Our credentials are wrong, expired or revoked."""
    return UnavailableError(
        f"Jira refused our credentials for {what}; check connectors.jira.auth, and that the token "
        "has neither expired nor been revoked."
    )


def field_errors(answer: requests.Response) -> dict[str, str]:
    """The reasons in the error body, by field id."""
    body = _body(answer)
    errors = body.get("errors")
    if not isinstance(errors, dict):
        return {}
    return {str(name): _line(reason) for name, reason in errors.items()}


def detail(answer: requests.Response) -> str:
    """The reasons in the error body, in one line and not more than 300 characters."""
    body = _body(answer)
    messages = body.get("errorMessages")
    said = [*messages] if isinstance(messages, list) else []
    said += [body[name] for name in ("errorMessage", "message") if body.get(name)]
    parts = [_line(one) for one in said]
    parts += [f"{name}: {reason}" for name, reason in field_errors(answer).items()]
    return cut(visible("; ".join(parts)), DETAIL_LIMIT) or "nothing that can be read"


def _body(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _line(value: object) -> str:
    return cut(visible(" ".join(str(value).split())), DETAIL_LIMIT)
