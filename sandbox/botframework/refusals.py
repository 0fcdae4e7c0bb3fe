"""How the connector says no: status, code and message, in the shape of the service.

Source: Teams documentation, "Messages in bot conversations", status codes from bot conversational
APIs.
"""

from __future__ import annotations

from typing import Any

from countersign.sandbox._faults import Fault

_CODES = {
    400: "BadArgument",
    401: "Unauthorized",
    403: "BotNotInConversationRoster",
    404: "ConversationNotFound",
    412: "PreconditionFailed",
    429: "Throttled",
    500: "ServiceError",
    502: "ServiceError",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}


class ServiceError(Exception):
    """A request the service refuses."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def error_body(code: str, message: str) -> dict[str, Any]:
    """The error shape of the service."""
    return {"error": {"code": code, "message": message}}


def fault_body(fault: Fault) -> dict[str, Any]:
    """The same for a fault that was asked for."""
    code = fault.code or _CODES.get(fault.status, "ServiceError")
    return error_body(code, f"{code}: the request was not carried out.")
