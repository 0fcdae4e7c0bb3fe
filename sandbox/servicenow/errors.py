"""Refusals of the instance, in the words of the Table API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class RestError(Exception):
    """A request the instance refuses: the HTTP status and the two texts of the error body."""

    def __init__(
        self,
        status: int,
        message: str,
        detail: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {message}" + (f": {detail}" if detail else ""))
        self.status, self.message, self.detail = status, message, detail
        self.headers = dict(headers or {})


def error_body(message: str, detail: str | None = None) -> dict[str, Any]:
    """The shape of every error of the Table API."""
    return {"error": {"message": message, "detail": detail}, "status": "failure"}


def no_record() -> RestError:
    """Deleted, or hidden by an access rule: the answer does not tell which."""
    return RestError(
        404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval"
    )


def not_authenticated() -> RestError:
    """No credentials, wrong ones, or an access token that has expired."""
    return RestError(
        401,
        "User Not Authenticated",
        "Required to provide Auth information",
        {"WWW-Authenticate": 'BASIC realm="Service-now"'},
    )


def acl_refusal(operation: str) -> RestError:
    """An access rule keeps the caller from `operation` (Insert, Update, Delete)."""
    return RestError(
        403,
        "Operation Failed",
        f"ACL Exception {operation} Failed due to security constraints",
    )


def aborted_by_rule(table: str, rule: str, rule_id: str) -> RestError:
    """A business rule of the instance aborted the write.

    Source: messages in ServiceNow KB0813377 (read 2026-11-25).
    """
    return RestError(
        403,
        "Operation Failed",
        f"Operation against file '{table}' was aborted by Business Rule '{rule}^{rule_id}'. "
        f"Business Rule Stack:{rule}",
    )
