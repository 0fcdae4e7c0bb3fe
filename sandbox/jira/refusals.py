"""What the site answers when it refuses, in the shapes of its two APIs."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from countersign.sandbox._faults import Fault

NO_ISSUE = "Issue does not exist or you do not have permission to see it."
BAD_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."
UNAUTHENTICATED = "Client must be authenticated to access this resource."


class JiraError(Exception):
    """A refused request: general messages, or one message per field.

    Shape: ErrorCollection of https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/
    (read 2026-11-25).
    """

    def __init__(self, status: int, *messages: str, errors: dict[str, str] | None = None) -> None:
        super().__init__("; ".join([*messages, *(errors or {}).values()]))
        self.status = status
        self.body: dict[str, Any] = {"errorMessages": list(messages), "errors": errors or {}}


class ServiceDeskError(JiraError):
    """The same from `/rest/servicedeskapi`, which has another shape (ErrorResponse)."""

    def __init__(self, status: int, key: str, message: str) -> None:
        super().__init__(status, message)
        self.body = {
            "errorMessage": message,
            "i18nErrorMessage": {"i18nKey": key, "parameters": []},
        }


class FieldError(Exception):
    """A value that a field does not take."""


def not_found() -> JiraError:
    """The issue is not there, or hidden: the site does not tell which."""
    return JiraError(404, NO_ISSUE)


def answer(error: JiraError) -> web.Response:
    """The refusal as a response."""
    return web.json_response(error.body, status=error.status)


def fault_body(fault: Fault) -> dict[str, Any]:
    """The body of a failure on demand."""
    message = "Rate limit exceeded." if fault.status == 429 else "The site cannot answer right now."
    return {"errorMessages": [fault.code or message], "errors": {}}
